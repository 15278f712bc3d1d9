"""The nearest of each text are found in blocks as they would be one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream import nearness
from dreamkeep_server.dream.nearness import NEAREST_MAX, Vectors
from dreamkeep_store.models import EntryId

few_numbers = st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any)


def vectors_of(numbers: list[list[int]]) -> tuple[Vectors, list[EntryId]]:
    rows = np.array(numbers, np.float32).reshape(-1, 4)
    names = [EntryId(f"e_{at}") for at in range(len(numbers))]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Vectors(rows=unit, places={name: at for at, name in enumerate(names)}), names


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearness, "_ROWS_A_BLOCK", 3)
    monkeypatch.setattr(nearness, "_COLUMNS_A_BLOCK", 4)


@given(st.lists(few_numbers, max_size=NEAREST_MAX), st.sampled_from([0.5, 0.8, 0.99]))
def test_every_pair_that_is_near_enough_is_found_and_no_other(numbers: list[list[int]], least: float):
    vectors, names = vectors_of(numbers)
    near = vectors.of(names)
    found = set(near.find_pairs(least, lambda _count: None))
    every = [(left, right) for right in range(len(names)) for left in range(right)]
    assert found == {pair for pair in every if (near.cosine(*pair) or 0) >= least}


@given(st.lists(few_numbers, max_size=30))
def test_the_order_of_texts_does_not_change_how_near_they_are(numbers: list[list[int]]):
    vectors, names = vectors_of(numbers)
    turned = vectors.of(names[::-1])
    straight = vectors.of(names)
    last = len(names) - 1
    for left in range(len(names)):
        for right in range(left):
            assert straight.cosine(left, right) == turned.cosine(last - left, last - right)


@given(st.lists(few_numbers, min_size=NEAREST_MAX + 3, max_size=30))
def test_a_text_is_compared_with_its_nearest_only(numbers: list[list[int]]):
    vectors, names = vectors_of(numbers)
    near = vectors.of(names)
    pairs = list(near.find_pairs(0.1, lambda _count: None))
    assert len(pairs) <= NEAREST_MAX * len(names)
    for left, right in set(pairs):
        nearer = sum((near.cosine(left, other) or 0) > (near.cosine(left, right) or 0) for other in range(len(names)))
        from_there = sum(
            (near.cosine(right, other) or 0) > (near.cosine(left, right) or 0) for other in range(len(names))
        )
        assert min(nearer, from_there) <= NEAREST_MAX


@given(st.lists(few_numbers, max_size=30), st.sets(st.integers(0, 29)), st.sampled_from([0.1, 0.5, 0.8]))
def test_with_fresh_texts_exactly_the_pairs_that_have_one_are_found(
    numbers: list[list[int]], fresh: set[int], least: float
):
    vectors, names = vectors_of(numbers)
    near = vectors.of(names)
    steps: list[int] = []
    found = set(near.find_pairs(least, steps.append, fresh))
    every = set(near.find_pairs(least, lambda _count: None))
    assert found == {pair for pair in every if not fresh.isdisjoint(pair)}
    assert sum(steps) == (len(names) if len(names) > 1 else 0)


def test_a_text_without_a_vector_is_near_to_nothing():
    vectors, names = vectors_of([[1, 0, 0, 0], [1, 0, 0, 0]])
    near = vectors.of([names[0], EntryId("e_unknown"), names[1]])
    assert near.cosine(0, 1) is None
    assert near.cosine(0, 2) == 1
    assert set(near.find_pairs(0.5, lambda _count: None)) == {(0, 2)}


def test_every_text_counts_as_gone_through_once():
    vectors, names = vectors_of([[1, 0, 0, n] for n in range(10)])
    steps: list[int] = []
    assert list(vectors.of(names).find_pairs(0.5, steps.append))
    assert sum(steps) == 10
