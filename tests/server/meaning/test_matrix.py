"""One store's vectors in memory: exact, growing, and unmoved under whoever compares."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.meaning.matrix import Matrix, Similarities

DIMENSIONS = 4
ROWS = st.lists(
    st.lists(st.sampled_from((-1.0, -0.5, 0.0, 0.5, 1.0)), min_size=DIMENSIONS, max_size=DIMENSIONS), max_size=40
)
ALONG_THE_FIRST = np.array([1, 0, 0, 0], np.float32)


def in_bytes(rows: list[list[float]]) -> bytes:
    return np.array(rows, "<f2").tobytes()


def cosines(found: Similarities, content_ids: list[int]) -> list[float]:
    values = np.full(len(content_ids), np.nan)
    found.fill(np.array(content_ids, np.int64), values)
    return values.tolist()


@given(parts=st.lists(ROWS, max_size=4), numbers=st.permutations(range(160)))
def test_every_text_gets_the_cosine_of_its_own_vector_in_whatever_order_they_came(
    parts: list[list[list[float]]], numbers: list[int]
) -> None:
    matrix = Matrix(DIMENSIONS)
    expected: dict[int, float] = {}
    for part in parts:
        content_ids = [numbers[len(expected) + place] for place in range(len(part))]
        matrix.extend(content_ids, in_bytes(part))
        expected |= {content_id: row[0] for content_id, row in zip(content_ids, part, strict=True)}
    found = matrix.view().compare(ALONG_THE_FIRST)
    assert cosines(found, list(expected)) == list(expected.values())
    assert np.isnan(cosines(found, [1_000, *set(range(160)) - set(expected)])).all()


@given(before=ROWS, after=ROWS)
def test_what_is_added_later_does_not_move_what_somebody_compares(
    before: list[list[float]], after: list[list[float]]
) -> None:
    matrix = Matrix(DIMENSIONS)
    matrix.extend(range(len(before)), in_bytes(before))
    view = matrix.view()
    matrix.extend(range(1_000, 1_000 + len(after)), in_bytes(after))
    found = view.compare(ALONG_THE_FIRST)
    assert cosines(found, list(range(len(before)))) == [row[0] for row in before]
    assert np.isnan(cosines(found, list(range(1_000, 1_000 + len(after))))).all()
