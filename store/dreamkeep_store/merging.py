"""Merging stores: the live entries and the sessions of one go into another, a batch at a time."""

import json

from dreamkeep_store import audit, entries, names, sessions
from dreamkeep_store.database import Transaction, from_micros
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import NewEntry, StoreName
from dreamkeep_store.names import Visible
from dreamkeep_store.versions import checkpoint

BATCH = 200
"""Entries that are moved in one transaction; a store of 100,000 would keep everybody waiting for a minute."""


def begin(tx: Transaction, source: StoreName, into: StoreName, visible: Visible) -> None:
    """Move the sessions; a checkpoint keeps what the source was."""
    old = names.find(tx, source, visible)
    target = names.find_or_create(tx, into, visible)
    if old.store_id == target.store_id:
        raise InvalidError(f"{source} cannot be merged into itself. Name two stores.")
    checkpoint(tx, old)
    sessions.move(tx, old, target)


def move_batch(tx: Transaction, source: StoreName, into: StoreName, visible: Visible) -> int:
    """Move the next live entries, each whole; gives how many, and zero when none is left."""
    old = names.find(tx, source, visible)
    target = names.find(tx, into, visible)
    moving = tx.rows(
        """
        SELECT * FROM entry WHERE store_id = :store_id AND to_seq IS NULL ORDER BY asserted_at, entry_id LIMIT :batch
        """,
        {"store_id": old.store_id, "batch": BATCH},
    )
    for row in moving:
        said = NewEntry(
            content=row["content"],
            tier=row["tier"],
            tags=tuple(json.loads(row["tags"])),
            topic=row["topic"],
            trust=row["trust"],
            asserted_at=from_micros(row["asserted_at"]),
            session_id=row["session_id"] if sessions.is_in(tx, target, row["session_id"]) else None,
        )
        moved = entries.remember(tx, into, said, visible)
        entries.move_usage(tx, row["entry_id"], moved.entry_id, target)
        seq = names.next_seq(tx, old.store_id)
        entries.close_revision(tx, row["revision_id"], seq=seq, how="replaced", into=moved.entry_id)
        audit.append(tx, store_id=old.store_id, seq=seq, action="move", subject=row["entry_id"], into=moved.entry_id)
    return len(moving)
