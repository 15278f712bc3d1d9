"""The order of the best answers: a newer one before an older one that it may replace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.ranking.newest import newest_first
from dreamkeep_store.models import Entry, EntryId, RevisionId, StoreName, Trust, Usage

FIRST_DAY = datetime(2026, 5, 1, tzinfo=UTC)
QUERY = "What is the marketing budget of the Oslo team?"
SIX = "The marketing budget of the Oslo team is $600"
MORE = "The marketing budget of the Oslo team was increased to $650"
OTHER = "The Oslo team meets on Mondays"


def entry(number: int, content: str, *, day: int = 0, trust: Trust = "agent", topic: str | None = None) -> Entry:
    return Entry(
        entry_id=EntryId(f"e_{number:08d}"),
        revision_id=RevisionId(number),
        store=StoreName("user"),
        content=content,
        tier="standard",
        tags=(),
        topic=topic,
        trust=trust,
        asserted_at=FIRST_DAY + timedelta(days=day),
        session_id=None,
        dream_id=None,
        usage=Usage(),
    )


def test_a_newer_figure_comes_before_the_older_one_which_names_it():
    older, other, newer = entry(1, SIX), entry(2, OTHER), entry(3, MORE, day=9)
    order = newest_first([older, other, newer], QUERY, {})
    assert order.places == (2, 0, 1)
    assert order.newer == {older.entry_id: newer.entry_id}
    assert order.why == {newer.entry_id: f"before {older.entry_id}, as newer: $650, there $600"}


def test_of_two_said_at_once_the_one_written_later_is_newer():
    assert newest_first([entry(1, SIX), entry(2, MORE)], QUERY, {}).places == (1, 0)
    assert newest_first([entry(2, SIX), entry(1, MORE)], QUERY, {}).places == (0, 1)


@pytest.mark.parametrize(
    ("older", "newer", "query"),
    [
        (entry(1, SIX, day=9), entry(2, MORE), QUERY),
        (entry(1, SIX), entry(2, MORE, day=9), "What was the marketing budget of the Oslo team at first?"),
        (entry(1, SIX), entry(2, MORE, day=9), "Who meets on Mondays?"),
        (entry(1, SIX, topic="/a"), entry(2, MORE, day=9, topic="/b"), QUERY),
        (entry(1, SIX), entry(2, MORE, day=9, trust="tool"), QUERY),
        (entry(1, SIX, trust="user"), entry(2, MORE, day=9, trust="external"), QUERY),
        (entry(1, SIX), replace(entry(2, MORE, day=9), store=StoreName("project/work")), QUERY),
    ],
)
def test_what_is_older_unasked_of_another_topic_or_store_or_from_outside_keeps_its_place(
    older: Entry, newer: Entry, query: str
):
    order = newest_first([older, newer], query, {})
    assert (order.places, dict(order.newer)) == ((0, 1), {})


def test_what_a_dream_suggests_comes_first_unless_the_past_is_asked_for():
    older, newer = entry(1, "Ana lives in Oslo", day=9), entry(2, "Ana lives in Bergen")
    suggested = {older.entry_id: newer.entry_id}
    assert newest_first([older, newer], "Where does Ana live?", suggested).places == (1, 0)
    asked_for_past = newest_first([older, newer], "Where did Ana live before?", suggested)
    assert asked_for_past.places == (0, 1)
    assert asked_for_past.newer == suggested


def test_a_figure_that_is_newer_by_the_question_only_is_no_claim_that_it_replaces_the_older_one():
    older, newer = (
        entry(1, "The screening tool has 87% accuracy"),
        entry(2, "The screening tool has 90% accuracy", day=1),
    )
    order = newest_first([older, newer], "What accuracy does the screening tool have?", {})
    assert (order.places, dict(order.newer)) == ((1, 0), {})


texts = st.sampled_from([SIX, MORE, OTHER, "The marketing budget of the Oslo team is now $700", "Oslo"])
answers = st.lists(st.tuples(texts, st.integers(0, 3)), max_size=8).map(
    lambda told: [entry(number, text, day=day) for number, (text, day) in enumerate(told)]
)


@given(answers, st.sampled_from([QUERY, "Oslo", "", "the budget before"]), st.data())
def test_the_answers_only_change_places_and_who_goes_ahead_is_newer(
    entries: list[Entry], query: str, data: st.DataObject
):
    ids = [one.entry_id for one in entries]
    suggested = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(ids), max_size=2)) if ids else {}
    suggested = {older: newer for older, newer in suggested.items() if older != newer}
    order = newest_first(entries, query, suggested)
    assert sorted(order.places) == list(range(len(entries)))
    by_id = {one.entry_id: one for one in entries}
    for older, newer in order.newer.items():
        later = by_id[newer].asserted_at >= by_id[older].asserted_at
        assert suggested.get(older) == newer or later
    stayed = [place for place in order.places if entries[place].entry_id not in order.why]
    assert stayed == sorted(stayed)
