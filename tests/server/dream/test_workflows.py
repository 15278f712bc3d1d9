"""What several sessions ran in the same way."""

import pytest

from dreamkeep_server.dream.candidate import Recurring
from dreamkeep_server.dream.learnt import find_learnt
from dreamkeep_store.models import Transcript

from .material import entry, material, plan_by_rules
from .test_mistakes import Run, session_with

FORMAT: Run = ("ruff format .", "3 files left unchanged")
CHECK: Run = ("ruff check .", "All checks passed!")
TEST: Run = ("pytest -q", "12 passed in 0.40s")
LOOK: Run = ("git status", "nothing to commit, working tree clean")
BROKEN: Run = ("ruff check .", "Exit code 1\nFound 3 errors.", True)


def workflows(*transcripts: Transcript) -> list[str]:
    found = find_learnt(material(transcripts=transcripts), [])
    return [one.content for one in found if isinstance(one, Recurring) and one.kind == "workflow"]


def in_sessions(count: int, *runs: Run) -> list[Transcript]:
    return [session_with(at, *runs, age=at) for at in range(1, count + 1)]


def test_the_same_commands_in_three_sessions_are_a_workflow_however_one_looked_around():
    sessions = [*in_sessions(2, FORMAT, CHECK, TEST), session_with(3, ("ls", "a"), FORMAT, LOOK, CHECK, TEST)]
    assert workflows(*sessions) == ["Run in this order: `ruff format .`, then `ruff check .`, then `pytest -q`."]
    plan = plan_by_rules(material(transcripts=sessions))
    assert plan.refusals == ()
    (change,) = plan.changes
    assert (change.operation, change.decision, change.opens[0].tags) == ("insight", "suggested", ("workflow",))
    assert {quote.session_id for quote in change.quotes} == {f"s_0000000{at}" for at in (1, 2, 3)}


@pytest.mark.parametrize(
    "sessions",
    [
        in_sessions(2, FORMAT, CHECK, TEST),
        in_sessions(3, TEST),
        in_sessions(3, TEST, TEST),
        in_sessions(3, FORMAT, BROKEN),
        in_sessions(3, ("cat a.py", "x"), ("git diff", "y")),
        [session_with(1, *[FORMAT, CHECK] * 3)],
    ],
)
def test_what_may_be_chance_or_did_not_go_well_is_none(sessions: list[Transcript]):
    assert workflows(*sessions) == []


def test_a_workflow_that_the_memory_knows_is_not_proposed_again():
    known = entry(1, "Run in this order: `ruff format .`, then `ruff check .`, then `pytest -q`.")
    assert plan_by_rules(material(known, transcripts=in_sessions(3, FORMAT, CHECK, TEST))).changes == ()
