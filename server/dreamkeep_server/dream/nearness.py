"""Which texts are near in meaning: the vectors of a dream's entries, and the nearest of each by cosine.

A dream is a function of its input, and the vectors are a part of it: whoever runs one fixes them before the
candidates are found. Without vectors a dream goes by words.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dreamkeep_store.models import EntryId

if TYPE_CHECKING:  # numpy takes a tenth of a second, and a dream without vectors never needs it
    import numpy as np
    from numpy.typing import NDArray

NEAREST_MAX: Final = 8
"""How many of its nearest a text is compared with."""
_ROWS_A_BLOCK: Final = 256
_COLUMNS_A_BLOCK: Final = 16_384
"""A block of cosines takes 16 MB, whatever the size of the memory."""
_DIGITS: Final = 4
"""A product of matrices adds in another order than one of vectors: what is told is rounded, the same for both."""
_SLACK: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vectors:
    """The vectors of a dream's entries, of unit length, a row each; entries without one are left out."""

    rows: "NDArray[np.float32]"
    places: Mapping[EntryId, int]
    """The row of each entry."""
    recipe: str = ""
    """What made them."""
    until: int = 0
    """The number of the last vector that there was when they were fixed."""

    def of(self, entry_ids: Sequence[EntryId]) -> "Nearness":
        """Return how near these entries are to each other, by their positions in `entry_ids`."""
        return Nearness(rows=self.rows, places=[self.places.get(entry_id) for entry_id in entry_ids])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearness:
    """How near texts are to each other, by their position in a list."""

    rows: "NDArray[np.float32]"
    places: Sequence[int | None]

    def cosine(self, left: int, right: int) -> float | None:
        """Return the cosine of two texts; None when one of them has no vector."""
        here, there = self.places[left], self.places[right]
        if here is None or there is None:
            return None
        import numpy as np

        return round(float(np.einsum("i,i->", self.rows[here], self.rows[there], dtype=np.float64)), _DIGITS)

    def find_pairs(
        self, least: float, step: Callable[[int], None], fresh: Container[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """Yield the pairs that are at least so near, for each text the NEAREST_MAX nearest; some twice.

        Every text is compared with every other: N * N * dimensions multiplications, in blocks of 16 MB. With
        `fresh`, only those that have one of these positions, which takes as many times N as there are of them.
        """
        import numpy as np

        having = np.array([at for at, place in enumerate(self.places) if place is not None], np.intp)
        if len(having) < 2:
            return
        rows = self.rows[np.array([self.places[at] for at in having], np.intp)]
        looking = np.arange(len(having))
        is_fresh = np.ones(len(having), np.bool_)
        if fresh is not None:
            is_fresh = np.array([at in fresh for at in having.tolist()], np.bool_)
            looking = self._meeting(rows, np.flatnonzero(is_fresh), least)
            step(len(having) - len(looking))
        for start in range(0, len(looking), _ROWS_A_BLOCK):
            block = looking[start : start + _ROWS_A_BLOCK]
            for row, others in zip(block.tolist(), self._nearest(rows, block, least), strict=True):
                for column in others:
                    if not (is_fresh[row] or is_fresh[column]):
                        continue
                    left, right = sorted((int(having[row]), int(having[column])))
                    cosine = self.cosine(left, right)
                    if cosine is not None and cosine >= least:
                        yield left, right
            step(len(block))

    @staticmethod
    def _meeting(rows: "NDArray[np.float32]", fresh: "NDArray[np.intp]", least: float) -> "NDArray[np.intp]":
        """Return the rows that are near to a fresh one, themselves included: one may be among their nearest."""
        import numpy as np

        near = np.zeros(len(rows), np.bool_)
        near[fresh] = True
        for start in range(0, len(fresh), _ROWS_A_BLOCK):
            block = rows[fresh[start : start + _ROWS_A_BLOCK]]
            for first in range(0, len(rows), _COLUMNS_A_BLOCK):
                cosines = block @ rows[first : first + _COLUMNS_A_BLOCK].T
                near[first : first + _COLUMNS_A_BLOCK] |= (cosines >= least - _SLACK).any(axis=0)
        return np.flatnonzero(near)

    @staticmethod
    def _nearest(rows: "NDArray[np.float32]", looking: "NDArray[np.intp]", least: float) -> list[list[int]]:
        """Return for each of these rows the NEAREST_MAX that are nearest to it, itself left out, and near enough."""
        import numpy as np

        block = rows[looking]
        near: list[list[tuple[float, int]]] = [[] for _ in block]
        bars = np.full(len(block), least - _SLACK, np.float32)
        for first in range(0, len(rows), _COLUMNS_A_BLOCK):
            cosines = block @ rows[first : first + _COLUMNS_A_BLOCK].T
            for row in np.flatnonzero((cosines >= bars[:, np.newaxis]).any(axis=1)).tolist():
                columns = np.flatnonzero(cosines[row] >= bars[row])
                distances = (1 - cosines[row, columns].astype(np.float64)).round(_DIGITS)
                best = np.lexsort((columns, distances))[: NEAREST_MAX + 1]  # one of them is the text itself
                found = zip(distances[best].tolist(), (first + columns[best]).tolist(), strict=True)
                near[row] = sorted([*near[row], *found])[: NEAREST_MAX + 1]
                if len(near[row]) > NEAREST_MAX:
                    bars[row] = max(bars[row], 1 - near[row][-1][0] - _SLACK)
        return [
            [column for _, column in nearest if column != own][:NEAREST_MAX]
            for own, nearest in zip(looking.tolist(), near, strict=True)
        ]
