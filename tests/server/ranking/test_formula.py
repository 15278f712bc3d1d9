"""The formula: what lends, what weighs, and what neither may do."""

import itertools
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dreamkeep_server.ranking.dates import dates_named
from dreamkeep_server.ranking.formula import COSINE_MIN, Scores, best, joined, scored
from dreamkeep_server.ranking.timeline import Fared, Timeline, followed, timeline
from dreamkeep_store.models import TIERS, Moments, Outcomes, Tier

NOW = datetime(2026, 6, 1, tzinfo=UTC)
type_of_entry = tuple[int, int, Tier, float]
"""revision (also its root), text, tier, minutes before NOW."""


def moments(
    entries: Sequence[type_of_entry], *, closed: Sequence[int] = (), whole: bool = True, seq: int = 1
) -> Moments:
    numbers = array("q")
    for revision, content, tier, minutes in entries:
        at = NOW - timedelta(minutes=minutes)
        numbers.extend((revision, revision, content, TIERS.index(tier), int(at.timestamp() * 1_000_000)))
    return Moments(store_id=1, erased=0, seq=seq, history=(0, b""), whole=whole, opened=numbers, closed=tuple(closed))


def said(*minutes: float, tier: Tier = "standard") -> Timeline:
    """Entries 1, 2, ... that were said so many minutes ago."""
    return timeline(moments([(number, number, tier, ago) for number, ago in enumerate(minutes, start=1)]))


def score(
    line: Timeline,
    *,
    bm25: dict[int, float] | None = None,
    cosines: dict[int, float] | None = None,
    query: str = "",
    outcomes: Sequence[tuple[int, int, int, int, int]] = (),
) -> Scores:
    numbers = array("q")
    for row in outcomes:
        numbers.extend(row)

    def near(content_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        assert cosines is not None
        return np.array([cosines.get(int(one), np.nan) for one in content_ids])

    return scored(
        line,
        bm25=bm25 or {},
        cosines=None if cosines is None else near,
        dates=dates_named(query),
        fared=Fared(outcomes=Outcomes(newest=1, seq=1, rows=numbers)),
        now=NOW,
    )


def order(scores: Scores, count: int = 100) -> list[int]:
    """The texts in the order of the answer."""
    return [int(scores.content_ids[row]) for row in best(scores, count)]


def total(scores: Scores, content: int) -> float:
    return float(scores.total[scores.content_ids == content][0])


def test_words_and_meaning_both_count() -> None:
    scores = score(said(0, 500, 1_000), bm25={1: 3.0, 2: 3.0}, cosines={1: 0.2, 2: 0.5, 3: 0.4})
    assert order(scores) == [2, 1, 3]


def test_an_entry_that_says_no_word_and_is_not_near_is_no_answer() -> None:
    scores = score(said(0, 500, 1_000, 1_500), bm25={1: 0.1}, cosines={1: -0.5, 2: COSINE_MIN, 3: COSINE_MIN - 0.01})
    assert set(order(scores)) == {1, 2}


def test_what_was_said_on_the_same_occasion_lends() -> None:
    near = {1: 0.9, 2: 0.3, 3: 0.3}
    scores = score(said(120, 119, 20), cosines=near)
    assert total(scores, 2) > total(scores, 3) + 0.2
    apart = score(said(240, 120, 20), cosines=near)
    assert abs(total(apart, 2) - total(apart, 3)) < 1e-3


def test_an_occasion_is_a_chain_without_a_gap_of_half_an_hour() -> None:
    scores = score(said(90, 61, 31, 0), cosines={1: 0.9, 2: 0.2, 3: 0.2, 4: 0.2})
    assert total(scores, 3) > total(scores, 4) + 0.2


def test_a_date_that_the_query_names_speaks_for_what_was_said_then() -> None:
    line = said(*(day * 24 * 60.0 for day in range(0, 200, 5)))
    scores = score(line, cosines=dict.fromkeys(range(1, 41), 0.3), query="What was it in March 2026?")
    in_march = [number for number in range(1, 41) if (NOW - timedelta(days=(number - 1) * 5)).month == 3]
    assert set(order(scores, len(in_march))) == set(in_march)


def test_weights_decide_between_what_is_equal_otherwise() -> None:
    same = {1: 0.5, 2: 0.5}
    useful = score(said(500, 500), cosines=same, outcomes=[(1, 3, 0, 0, 0)])
    assert order(useful) == [1, 2]
    wrong = score(said(500, 500), cosines=same, outcomes=[(2, 0, 1, 0, 0)])
    assert order(wrong) == [1, 2]
    newer = score(said(400 * 24 * 60, 24 * 60), cosines=same)
    assert order(newer) == [2, 1]
    tiers: list[type_of_entry] = [(1, 1, "ephemeral", 0), (2, 2, "persistent", 0), (3, 3, "standard", 0)]
    assert order(score(timeline(moments(tiers)), cosines={1: 0.5, 2: 0.5, 3: 0.5})) == [2, 3, 1]


ENTRIES = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.sampled_from(TIERS),
        st.floats(0, 2_000_000),
        st.floats(0, 12),
        st.floats(-1, 1),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)


@given(ENTRIES)
def test_the_weights_are_bounded_and_never_bury_what_matches(
    entries: list[tuple[int, Tier, float, float, float, int, int]],
) -> None:
    line = timeline(moments([(n, n, one[1], one[2]) for n, one in enumerate(entries, start=1)]))
    bm25 = {n: one[3] for n, one in enumerate(entries, start=1)}
    cosines = {n: one[4] for n, one in enumerate(entries, start=1)}
    outcomes = [(n, one[5], one[6], 0, 0) for n, one in enumerate(entries, start=1)]
    scores = score(line, bm25=bm25, cosines=cosines, outcomes=outcomes)
    weights = scores.tier + scores.freshness + scores.outcomes
    assert (weights >= -0.21 - 1e-9).all()
    assert (weights <= 0.05 + 1e-9).all()
    plain = scores.total - weights
    place = {int(scores.content_ids[row]): index for index, row in enumerate(best(scores, 100))}
    own = {int(content_id): float(value) for content_id, value in zip(scores.content_ids, plain, strict=True)}
    for (one, higher), (other, lower) in itertools.product(place.items(), repeat=2):
        assert own[one] - own[other] <= 0.26 + 1e-9 or higher < lower


@given(ENTRIES, st.integers(1, 12))
def test_a_page_is_the_beginning_of_every_longer_one(
    entries: list[tuple[int, Tier, float, float, float, int, int]], count: int
) -> None:
    line = timeline(moments([(n, one[0], one[1], one[2]) for n, one in enumerate(entries, start=1)]))
    scores = score(line, bm25={one[0]: one[3] for one in entries}, cosines={one[0]: one[4] for one in entries})
    assert best(scores, count) == best(scores, 100)[:count]
    again = timeline(moments([(n, one[0], one[1], one[2]) for n, one in list(enumerate(entries, start=1))[::-1]]))
    turned = score(again, bm25={one[0]: one[3] for one in entries}, cosines={one[0]: one[4] for one in entries})
    assert np.allclose(np.sort(turned.total), np.sort(scores.total))


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(TIERS), st.integers(0, 50)), max_size=12),
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(TIERS), st.integers(0, 50)), max_size=12),
    st.data(),
)
def test_a_timeline_that_followed_what_changed_is_the_one_that_is_read_whole(
    before: list[tuple[int, Tier, int]], later: list[tuple[int, Tier, int]], data: st.DataObject
) -> None:
    first: list[type_of_entry] = [(n, *one) for n, one in enumerate(before, start=1)]
    opened: list[type_of_entry] = [(n, *one) for n, one in enumerate(later, start=100)]
    closed = data.draw(st.sets(st.sampled_from([one[0] for one in first]))) if first else set[int]()
    line = followed(timeline(moments(first)), moments(opened, closed=sorted(closed), whole=False, seq=2))
    whole = timeline(moments([*(one for one in first if one[0] not in closed), *opened]))
    assert line.entries.tolist() == whole.entries.tolist()


def test_stores_are_joined_each_with_its_own_occasions() -> None:
    here, there = said(0), timeline(moments([(7, 7, "standard", 1)]))
    alone = score(there, cosines={7: 0.3})
    both = joined([score(here, cosines={1: 0.9}), alone])
    assert abs(total(both, 7) - total(alone, 7)) < 1e-9
    assert order(both) == [1, 7]


def test_nothing_is_scored_where_nothing_is() -> None:
    assert best(score(said(), bm25={1: 1.0}), 8) == []
