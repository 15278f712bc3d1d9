"""Which of several entries that say one thing goes on, and as what."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dreamkeep_store.models import TAGS_MAX, TIERS, TRUSTS, Entry, Tier, Trust


def ranked(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries by their claim to go on: most lasting, most trusted, newest; then by id."""
    return sorted(
        entries,
        key=lambda entry: (
            TIERS.index(entry.tier),
            TRUSTS.index(entry.trust),
            -entry.asserted_at.timestamp(),
            entry.entry_id,
        ),
    )


def least_trust(trusts: Iterable[Trust]) -> Trust:
    """Return the least trusted of at least one."""
    return max(trusts, key=TRUSTS.index)


def most_lasting(tiers: Iterable[Tier]) -> Tier:
    """Return the most lasting of at least one."""
    return min(tiers, key=TIERS.index)


def united_tags(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return all tags of the entries, sorted; the first entry's come first when there are too many."""
    tags = list(entries[0].tags)
    tags += sorted({tag for entry in entries for tag in entry.tags} - set(tags))
    return tuple(sorted(tags[:TAGS_MAX]))


def survivor(entries: Sequence[Entry]) -> Entry:
    """Return the entry that several with the same words become: one of them, with what the others add."""
    order = ranked(entries)
    return replace(
        order[0],
        tags=united_tags(order),
        topic=next((entry.topic for entry in order if entry.topic is not None), None),
        asserted_at=max(entry.asserted_at for entry in order),
    )
