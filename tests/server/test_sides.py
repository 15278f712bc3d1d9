"""What a change takes away, keeps and writes, as it is shown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.tools.sides import on_one_line, reason_told, sides
from dreamkeep_store.models import Change, Entry, EntryId, NewRevision, Operation, RevisionId, StoreName, Tier

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(number: int, content: str) -> Entry:
    return Entry(
        entry_id=EntryId(f"e_{number}"),
        revision_id=RevisionId(number),
        store=StoreName("user"),
        content=content,
        tier="standard",
        tags=(),
        topic=None,
        trust="agent",
        asserted_at=NOON + timedelta(days=number),
        session_id=None,
        dream_id=None,
    )


def state(number: int, content: str, *, tier: Tier = "standard", topic: str | None = None) -> NewRevision:
    return NewRevision(
        entry_id=EntryId(f"e_{number}"),
        content=content,
        tier=tier,
        tags=(),
        topic=topic,
        trust="agent",
        asserted_at=NOON,
        session_id=None,
    )


def change(
    operation: Operation, before: Sequence[Entry], closes: Sequence[int], after: Sequence[NewRevision] = ()
) -> Change:
    return Change(
        number=1,
        store=StoreName("user"),
        version=2,
        dream_id=None,
        operation=operation,
        risk="medium",
        decision="suggested",
        decided_by="judge",
        reason="Two values.",
        quotes=(),
        evidence=(),
        before=tuple(before),
        closes=tuple(RevisionId(number) for number in closes),
        after=tuple(after),
        applied=None,
        skipped=None,
    )


OLD, NEW = entry(1, "Port 1."), entry(2, "Port 2.")


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (change("supersede", (NEW, OLD), [1]), "- Port 1. = Port 2."),
        (change("supersede", (NEW, OLD), [1, 2], [state(2, "Port 2.", tier="persistent")]),
         "- Port 1. = Port 2. (now persistent)"),
        (change("merge", (NEW, OLD), [1, 2], [state(1, "Port 2.")]), "- Port 1. = Port 2."),
        (change("merge", (NEW, OLD), [1, 2], [state(1, "Ports 1, 2.")]), "- Port 2. (and 1 more) + Ports 1, 2."),
        (change("archive", (OLD,), [1]), "- Port 1."),
        (change("add", (), [], [state(3, "Tea.")]), "+ Tea."),
        (change("move", (OLD,), [1], [state(1, "Port 1.", topic="/acme")]), "= Port 1. (now in /acme)"),
        (change("split", (NEW,), [2], [state(2, "A."), state(3, "B.")]), "- Port 2. + A. (and 1 more)"),
    ],
    ids=["supersede", "raised", "merge", "rewritten", "archive", "add", "move", "split"],
)  # fmt: skip
def test_a_line_tells_what_goes_from_what_stays_and_what_comes(shown: Change, line: str):
    assert on_one_line(shown, 120) == line


def test_a_repeat_that_is_dropped_is_not_taken_for_the_one_that_stays():
    repeat = replace(OLD, entry_id=EntryId("e_9"), revision_id=RevisionId(9))
    (gone, stays) = sides(change("merge", (OLD, repeat), [1, 9], [state(1, "Port 1.")]))
    assert (gone.mark, gone.texts, stays.mark, stays.texts) == ("-", ("Port 1.",), "=", ("Port 1.",))


def test_texts_that_begin_alike_are_cut_there_so_that_what_differs_is_seen():
    older = entry(1, "The API of acme in the staging environment listens on port 5433.")
    newer = entry(2, "The API of acme in the staging environment listens on port 8443.")
    shown = change("conflict", (newer, older), [1])
    assert on_one_line(shown, 90) == f"- {older.content} = …on port 8443."
    assert on_one_line(shown, 50) == "- …on port 5433. = …on port 8443."


def test_only_an_open_conflict_says_what_accepting_does():
    conflict = change("conflict", (NEW, OLD), [1])
    assert reason_told(conflict) == "Two values. Accepting closes e_1, the older."
    assert reason_told(replace(conflict, closes=(NEW.revision_id,))) == "Two values. Accepting closes e_2."
    assert reason_told(replace(conflict, decision="included")) == "Two values."
    assert reason_told(change("supersede", (NEW, OLD), [1])) == "Two values."


@given(st.lists(st.text(alphabet="ab .", max_size=120), min_size=2, max_size=4), st.integers(60, 240))
def test_a_line_is_never_longer_than_it_may_be(texts: list[str], characters: int):
    entries = [entry(number, text) for number, text in enumerate(texts)]
    line = on_one_line(change("merge", entries, range(1, len(texts)), [state(9, "a b a b")]), characters)
    assert len(line) <= characters
