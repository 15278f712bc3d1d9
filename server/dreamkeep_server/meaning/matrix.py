"""One store's vectors in memory, searched exactly: every vector is compared with the query.

At 100,000 texts of 384 dimensions that is one product of 150 MB with a vector; an approximate index takes
longer to build than it would save, and finds less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy takes a tenth of a second, and not every process has vectors
    import numpy as np
    from numpy.typing import NDArray

ROWS_FIRST = 256


class Matrix:
    """Vectors of unit length, each with the number of its text; it only grows.

    Whoever compares holds a `View`, which later rows do not change, so one thread may compare while another
    adds. Vectors that are gone are gone by reading a new matrix.
    """

    def __init__(self, dimensions: int) -> None:
        import numpy as np

        self._rows = np.empty((ROWS_FIRST, dimensions), np.float32)
        self._content_ids = np.empty(ROWS_FIRST, np.int64)
        self._size = 0
        self._view: View | None = None

    def extend(self, content_ids: Sequence[int], vectors: bytes) -> None:
        """Add vectors, given as float16 one after the other, as the store keeps them."""
        import numpy as np

        if not content_ids:
            return
        dimensions = self._rows.shape[1]
        size = self._size + len(content_ids)
        if size > len(self._rows):
            room = max(size, len(self._rows) + len(self._rows) // 2)
            rows, numbers = np.empty((room, dimensions), np.float32), np.empty(room, np.int64)
            rows[: self._size], numbers[: self._size] = self._rows[: self._size], self._content_ids[: self._size]
            self._rows, self._content_ids = rows, numbers
        self._rows[self._size : size] = np.frombuffer(vectors, "<f2").reshape(-1, dimensions)
        self._content_ids[self._size : size] = content_ids
        self._size = size
        self._view = None

    def view(self) -> "View":
        """The vectors that are there now."""
        import numpy as np

        if self._view is None:
            content_ids = self._content_ids[: self._size]
            order = np.argsort(content_ids, kind="stable")
            self._view = View(rows=self._rows[: self._size], content_ids=content_ids[order], order=order)
        return self._view


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The vectors of a matrix at one moment."""

    rows: "NDArray[np.float32]"
    content_ids: "NDArray[np.int64]"
    """Ascending."""
    order: "NDArray[np.int64]"
    """The row of each of `content_ids`."""

    def compare(self, query: "NDArray[np.float32]") -> "Similarities":
        """How near every text is to the query's vector; about 17 ms for 100,000 texts."""
        return Similarities(values=(self.rows @ query)[self.order], content_ids=self.content_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarities:
    """The cosine of every text with one query."""

    values: "NDArray[np.float32]"
    content_ids: "NDArray[np.int64]"
    """Ascending, each with its value."""

    def fill(self, content_ids: "NDArray[np.int64]", found: "NDArray[np.float64]") -> None:
        """Write the cosines of these texts to `found`, where they have a vector here."""
        import numpy as np

        if not len(self.values):
            return
        place = np.minimum(np.searchsorted(self.content_ids, content_ids), len(self.values) - 1)
        there = self.content_ids[place] == content_ids
        found[there] = self.values[place[there]]
