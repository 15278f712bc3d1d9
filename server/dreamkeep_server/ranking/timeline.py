"""The entries of a store in the order in which they were said, as arrays; it is never changed, only replaced."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamkeep_store.models import Moments, Outcomes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = 5
"""revision, root, content, tier, asserted_at: as `Moments` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Entries by the time they were said, of equal ones by the order in which they were written."""

    moments: Moments
    """What was read last, to ask for what follows."""
    entries: "NDArray[np.int64]"
    """One row an entry, COLUMNS numbers each."""

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    @property
    def content_ids(self) -> "NDArray[np.int64]":
        """The number of each entry's text."""
        return self.entries[:, 2]


def timeline(moments: Moments) -> Timeline:
    """The timeline of all these entries."""
    import numpy as np

    entries = np.frombuffer(moments.opened, np.int64).reshape(-1, COLUMNS)
    return Timeline(moments=moments, entries=_in_order(entries))


def followed(earlier: Timeline, moments: Moments) -> Timeline:
    """The timeline after what has changed since; the moments are not whole."""
    import numpy as np

    if not moments.closed and not moments.opened:
        return Timeline(moments=moments, entries=earlier.entries)
    entries = earlier.entries
    if moments.closed:
        entries = entries[~np.isin(entries[:, 0], np.array(moments.closed, np.int64))]
    opened = np.frombuffer(moments.opened, np.int64).reshape(-1, COLUMNS)
    return Timeline(moments=moments, entries=_in_order(np.concatenate((entries, opened))))


def _in_order(entries: "NDArray[np.int64]") -> "NDArray[np.int64]":
    import numpy as np

    return entries[np.lexsort((entries[:, 1], entries[:, 4]))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How entries fared of which somebody said so."""

    outcomes: Outcomes

    def rows(self) -> "NDArray[np.int64]":
        """One row an entry: revision, useful, wrong, outdated, when last useful."""
        import numpy as np

        return np.frombuffer(self.outcomes.rows, np.int64).reshape(-1, COLUMNS)
