"""Pairs of texts that share words: found from all of them, or from the new ones only."""

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.likeness import find_pairs, words_of

few_words = st.lists(
    st.sampled_from(["kettle", "lamp", "harbour", "violin", "seven", "orchard", "cabin"]), min_size=1, max_size=6
)
texts = st.lists(few_words.map(" ".join), max_size=40)


@given(texts, st.sets(st.integers(0, 39)))
def test_with_fresh_texts_exactly_the_pairs_that_have_one_are_found(said: list[str], fresh: set[int]):
    read = [words_of(text) for text in said]
    every = find_pairs(read)
    assert find_pairs(read, fresh) == [pair for pair in every if pair.left in fresh or pair.right in fresh]
    assert find_pairs(read, set(range(len(said)))) == every


def test_nothing_fresh_leaves_nothing_to_compare():
    read = [words_of("The old kettle is in the cabin."), words_of("An old kettle is in the cabin.")]
    assert find_pairs(read)
    nothing: set[int] = set()
    assert find_pairs(read, nothing) == []
