"""The one check that every embedder's vectors pass, and how another library's exceptions are told."""

import math

import numpy as np
import pytest

from dreamkeep_server.embedding.embedder import EmbedderError, blaming, checked, encodable


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        ([[1.0, 2.0]], r"an array of \(1, 2\) where \(2, 2\)"),
        ([[1.0], [2.0]], r"an array of \(2, 1\)"),
        ([1.0, 2.0], r"an array of \(2,\)"),
        ([], r"an array of \(0,\)"),
        ([[1.0, 2.0], [3.0]], "other than rows of numbers"),
        ([["a", "b"], ["c", "d"]], "other than rows of numbers"),
        ([[1.0, 2.0], [math.nan, 1.0]], "not finite"),
        ([[1.0, 2.0], [math.inf, 1.0]], "not finite"),
        ([[1.0, 2.0], [1e300, 1e300]], "not finite"),
        ([[1.0, 2.0], [0.0, 0.0]], "a vector of zeros"),
    ],
)
def test_what_is_no_vector_for_each_text_is_refused(vectors: object, says: str) -> None:
    with pytest.raises(EmbedderError, match=f"^The embedder x gave .*{says}"):
        checked(vectors, texts=2, dimensions=2, source="The embedder x")


def test_vectors_come_out_at_unit_length() -> None:
    assert np.array_equal(checked([[3.0, 4.0]], texts=1, dimensions=2, source="x"), np.array([[0.6, 0.8]], np.float32))


def test_a_vector_too_small_for_its_own_square_is_told_from_zeros() -> None:
    with pytest.raises(EmbedderError, match="zeros"):
        checked([[1e-300, 0.0]], texts=1, dimensions=2, source="x")


def test_half_characters_are_replaced_and_nothing_else() -> None:
    assert encodable(["a\ud83db", "ä🙂\x00"]) == ["a?b", "ä🙂\x00"]


def test_another_librarys_exception_becomes_one_sentence_and_keeps_its_cause() -> None:
    with pytest.raises(EmbedderError, match=r"^The embedder x failed: no such tensor\. Set another\.$") as caught:  # noqa: SIM117 - the two lines are two sentences
        with blaming("The embedder x", "Set another."):
            raise Exception("no such\n  tensor.")
    assert str(caught.value.__cause__) == "no such\n  tensor."
