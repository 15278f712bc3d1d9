"""Among the best answers, a newer entry before an older one that it may replace: whoever asks wants what holds now.

No entry is left out for it, and none comes in: the best answers change places among themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.figures import asked_for, renewal
from dreamkeep_store.models import Entry, EntryId, Trust

COMPARED: Final = 10
"""How many answers are compared with each other, the same ones for every page."""
_FROM_OUTSIDE: Final[frozenset[Trust]] = frozenset(["tool", "external"])
"""What came so may say that anything has changed: it goes before nothing that a user or an agent said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The answers, newer ones before those that they may replace."""

    places: tuple[int, ...]
    """Where each of them was."""
    newer: Mapping[EntryId, EntryId]
    """Of an entry that may be replaced, the one that may replace it."""
    why: Mapping[EntryId, str]
    """Of an entry that was put before an older one, why."""


def newest_first(entries: Sequence[Entry], query: str, suggested: Mapping[EntryId, EntryId]) -> Order:
    """Return the order of these answers, best first as given, for a query that does not ask for what once was.

    One goes before the first older one of which it gives a figure anew, or that it replaces as a dream suggests:
    `suggested` has the newer entry of an older one.
    """
    asked = asked_for(query)
    order = list(range(len(entries)))
    replaced = dict(suggested)
    why: dict[EntryId, str] = {}
    for at, newer in enumerate(entries) if asked else ():
        for before in order[: order.index(at)]:
            older = entries[before]
            told = _replaces(newer, older, asked, suggested)
            if told is None:
                continue
            if told.is_said:
                replaced.setdefault(older.entry_id, newer.entry_id)
            if newer.entry_id not in why:
                order.remove(at)
                order.insert(order.index(before), at)
                why[newer.entry_id] = f"before {older.entry_id}, {told.why}"
    return Order(places=tuple(order), newer=replaced, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    why: str
    is_said: bool
    """Whether a dream or the newer text itself says so, and not only the question."""


def _replaces(newer: Entry, older: Entry, asked: frozenset[str], suggested: Mapping[EntryId, EntryId]) -> _Told | None:
    if suggested.get(older.entry_id) == newer.entry_id:
        return _Told(why="which it replaces as a dream suggests", is_said=True)
    if newer.trust in _FROM_OUTSIDE and older.trust not in _FROM_OUTSIDE:
        return None
    if newer.store != older.store or (older.topic and newer.topic and older.topic != newer.topic):
        return None
    # Of two that were said at once, the one that was written later.
    if (newer.asserted_at, newer.revision_id) <= (older.asserted_at, older.revision_id):
        return None
    found = renewal(newer.content, older.content, asked)
    if found is None:
        return None
    return _Told(why=f"as newer: {found.now}, there {found.before}", is_said=found.announced)
