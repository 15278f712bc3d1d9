"""The check after a dream: what recorded recalls used to find is still found, as itself or as what it became."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dreamkeep_store.models import Change, EntryId, Recalled, Search
from dreamkeep_store.store import Stores

RECALLS_CHECKED_MAX = 200
FOUND_AT_MOST = 8
"""As many as a recall shows when nobody says how many."""
CHANGES_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCheck:
    """How many recorded recalls were replayed, and how many still find what they found."""

    checked: int
    kept: int


async def check_recalls(
    stores: Stores, *, base: int, proposal: int, recalls: Sequence[Recalled], changes: Iterable[Change]
) -> RecallCheck:
    """Replay recalls on the base and on the proposal.

    A recall is kept when each entry that it found then, and finds in the base now, is among the first
    FOUND_AT_MOST in the proposal, or one of those that it became is. What a change lets go without a
    successor, such as an expired entry, is not missed.
    """
    became = successors(changes)
    checked = kept = 0
    for recalled in recalls:
        before = await _found(stores, recalled, base)
        expected = set(before) & set(recalled.entry_ids)
        if not expected:
            continue
        after = set(await _found(stores, recalled, proposal))
        checked += 1
        kept += all(_is_found(entry_id, after, became) for entry_id in expected)
    return RecallCheck(checked=checked, kept=kept)


def successors(changes: Iterable[Change]) -> dict[EntryId, frozenset[EntryId]]:
    """For each entry that a change closes, the entries that say it afterwards; none where it is let go."""
    became: dict[EntryId, frozenset[EntryId]] = {}
    for change in changes:
        closed = set(change.closes)
        stays = {entry.entry_id for entry in change.before if entry.revision_id not in closed}
        says = frozenset({*stays, *(new.entry_id for new in change.after)})
        became |= {entry.entry_id: says for entry in change.before if entry.revision_id in closed}
    return became


def _is_found(entry_id: EntryId, after: set[EntryId], became: dict[EntryId, frozenset[EntryId]]) -> bool:
    if entry_id not in became:
        return entry_id in after
    return not became[entry_id] or not became[entry_id].isdisjoint(after)


async def _found(stores: Stores, recalled: Recalled, version: int) -> list[EntryId]:
    wanted = Search(query=recalled.query, stores=(recalled.store,), version=version, limit=FOUND_AT_MOST)
    return [match.entry.entry_id for match in await stores.search(wanted)]


async def included_changes(stores: Stores, dream_id: str) -> list[Change]:
    """Every change of the dream that is part of its proposal."""
    found: list[Change] = []
    while True:
        page = await stores.list_changes(
            dream_id,  # pyright: ignore[reportArgumentType]  # a DreamId, from the dream itself
            decisions=("included",),
            limit=CHANGES_PAGE,
            offset=len(found),
        )
        found += page.changes
        if not page.changes or len(found) >= page.total:
            return found
