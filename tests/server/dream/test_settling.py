"""What a dream writes leaves the next one nothing to include, whatever judge was sure of it."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import Candidate, NearDuplicates, Several, WholeSession
from dreamkeep_server.dream.judgement import Add, Insight, Judgement, Merge, Split, Supersede
from dreamkeep_server.dream.pipeline import Progress, make_dream
from dreamkeep_server.dream.plan import Plan, make_plan
from dreamkeep_store.models import DraftChange, Material, Quote, Transcript

from .material import apply, contents, entry, judged, material, materials, plan_by_rules, session

few = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WHY = "Because."
BECOMES = {"merge", "supersede", "archive", "split", "move"}
"""What becomes of an entry that does not stay as it is."""
Judged = list[tuple[Candidate, Judgement]]


def included(plan: Plan) -> list[DraftChange]:
    return [change for change in plan.changes if change.decision == "included"]


@st.composite
def sure_of_everything(draw: st.DrawFn) -> tuple[Material, Judged]:
    """A memory, sessions that state the like of it, and a judge that keeps, joins, cuts and replaces what it can."""
    ground = draw(materials())
    texts = draw(st.lists(st.tuples(contents, st.sampled_from(["user", "agent"])), max_size=4))
    said = [session(at, text, trust=trust) for at, (text, trust) in enumerate(texts, start=50)]  # type: ignore[arg-type]  # sampled literals
    ground = replace(ground, transcripts=(*ground.transcripts, *said))
    judgements: Judged = [
        (
            WholeSession(transcript=one, found=()),
            Add(content=quote.text, quotes=(quote,), tags=(), reason=WHY, sure=True),
        )
        for one in said
        for quote in (whole(one),)
    ]
    if len(said) > 1:
        both = (whole(said[0]), whole(said[1]))
        insight = Insight(content=both[1].text, quotes=both, tags=(), reason=WHY, sure=True)
        judgements.append((WholeSession(transcript=said[0], found=()), insight))
    for one in draw(st.lists(st.sampled_from(ground.entries), max_size=3)) if ground.entries else []:
        others = [other for other in ground.entries if other is not one]
        if others:
            other = draw(st.sampled_from(others))
            ids = (one.entry_id, other.entry_id)
            near = NearDuplicates(entries=(one, other), evidence=())
            judgements.append((near, Merge(entries=ids, content=draw(contents), reason=WHY, sure=True)))
            judgements.append((near, Supersede(newer=ids[0], older=ids[1:], reason=WHY, sure=True)))
    return ground, [*judged(ground), *judgements]


def whole(transcript: Transcript) -> Quote:
    message = transcript.messages[0]
    return Quote(
        session_id=transcript.session.session_id, message=1, text=message.text, role=message.role, at=message.at
    )


@few
@pytest.mark.promise("converges")
@given(sure_of_everything())
def test_what_a_sure_judge_wrote_leaves_the_rules_nothing_to_include(case: tuple[Material, Judged]):
    ground, _ = case
    after = replace(apply(ground, make_plan(*case)), transcripts=())
    assert included(plan_by_rules(after)) == []


@few
@given(materials(), st.randoms(use_true_random=False))
def test_a_dream_does_not_depend_on_the_order_of_its_entries_and_sessions(ground: Material, random: Random):
    shuffled, sessions = list(ground.entries), list(ground.transcripts)
    random.shuffle(shuffled)
    random.shuffle(sessions)
    other = replace(ground, entries=tuple(shuffled), transcripts=tuple(sessions))
    assert make_dream(other, Progress()) == make_dream(ground, Progress())


@few
@pytest.mark.promise("model-proposes")
@given(sure_of_everything())
def test_every_entry_stays_or_becomes_one_thing_and_all_that_is_new_says_what_of(case: tuple[Material, Judged]):
    ground, _ = case
    plan = make_plan(*case)
    closed = Counter(revision for change in included(plan) for revision in change.closes)
    assert not closed or max(closed.values()) == 1
    assert set(closed) <= {one.revision_id for one in ground.entries}
    assert {change.operation for change in included(plan) if change.closes} <= BECOMES
    here = {one.entry_id for one in ground.entries}
    for change in plan.changes:
        if any(new.entry_id not in here for new in change.opens):
            assert change.reads or change.quotes


@few
@pytest.mark.promise("model-proposes")
@given(sure_of_everything())
def test_what_takes_the_place_of_another_statement_is_there_afterwards(case: tuple[Material, Judged]):
    ground, _ = case
    plan = make_plan(*case)
    read = {one.revision_id: one for one in ground.entries}
    after = {one.entry_id: one for one in apply(ground, plan).entries}
    for change in included(plan):
        if change.operation in {"supersede", "merge"}:
            gone = [read[revision] for revision in change.closes]
            stay = [read[revision] for revision in change.reads if revision not in change.closes]
            there = [after[one.entry_id] for one in (*stay, *change.opens)]
            assert there
            if change.operation == "supersede":
                assert max(one.asserted_at for one in there) >= max(one.asserted_at for one in gone)


def test_an_entry_is_not_cut_by_itself_into_what_another_one_says():
    one = entry(1, "The API listens on port 5433. Anna owns it all.")
    other = entry(2, "anna owns it all")
    parts = ("The API listens on port 5433.", "Anna owns it all.")
    asked = Split(entry=one.entry_id, contents=parts, reason=WHY, sure=True)
    (change,) = make_plan(material(one, other), [(Several(entry=one, parts=parts, evidence=()), asked)]).changes
    assert (change.operation, change.decision) == ("split", "suggested")
    (alone,) = make_plan(material(one), [(Several(entry=one, parts=parts, evidence=()), asked)]).changes
    assert alone.decision == "included"
