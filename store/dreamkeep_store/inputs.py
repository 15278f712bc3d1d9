"""Whether what a dream was started over can still be read, found out before it is read into memory."""

import hashlib

from dreamkeep_store import names
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.dreams import find_dream
from dreamkeep_store.models import DREAM_ENTRIES_MAX, DREAM_TEXT_BYTES_MAX, DreamId, Unfit
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import find_version


def find_unfit(tx: Transaction, dream_id: DreamId) -> Unfit | None:
    """Why the dream cannot read its version or its sessions, with what to do; None when it can."""
    row = find_dream(tx, dream_id, None, None)
    store = names.find(tx, row["store"], None)
    seq = find_version(tx, store, row["base"])["seq"]
    message = _moved_away(tx, store, seq)
    if message is not None:
        return Unfit(code="input_memory_store_unavailable", message=message)
    message = too_large(tx, store, seq)
    if message is not None:
        return Unfit(code="input_memory_store_too_large", message=message)
    message = _damaged(tx, store, seq, row["base"])
    if message is not None:
        return Unfit(code="input_memory_store_unavailable", message=message)
    message = _session_gone(tx, store, dream_id)
    if message is not None:
        return Unfit(code="input_session_unavailable", message=message)
    return None


def _moved_away(tx: Transaction, store: StoreRow, seq: int) -> str | None:
    """Say so when the store was merged into another since `seq`: nothing of then is live in it any more."""
    into = tx.value(
        """
        SELECT store.name FROM revision
        CROSS JOIN revision AS moved ON moved.entry_id = revision.closed_into
        CROSS JOIN store ON store.store_id = moved.store_id
        WHERE revision.store_id = :store_id AND revision.to_seq > :seq AND revision.closed_how = 'replaced'
            AND moved.store_id != :store_id
        LIMIT 1
        """,
        {"store_id": store.store_id, "seq": seq},
    )
    if into is None:
        return None
    return (
        f"Store {store.name} was merged into {into} after this version of it, so its entries are not live in it any "
        f'more. start_dream(store="{into}") dreams over them where they are now.'
    )


def too_large(tx: Transaction, store: StoreRow, seq: int) -> str | None:
    """Say so when a store shows more at `seq` than a dream may read; counting keeps no text in memory."""
    row = tx.row(
        """
        SELECT COUNT(*) AS entries, TOTAL(length(CAST(content.text AS BLOB))) AS bytes FROM revision
        CROSS JOIN content ON content.content_id = revision.content_id
        WHERE revision.store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
        """,
        {"store_id": store.store_id, "seq": seq},
    )
    assert row is not None, "a query without GROUP BY has one row"
    if row["entries"] <= DREAM_ENTRIES_MAX and row["bytes"] <= DREAM_TEXT_BYTES_MAX:
        return None
    return (
        f"Store {store.name} shows {row['entries']:,} entries with {row['bytes']:,.0f} bytes of text in the version to "
        f"dream over, and a dream reads at most {DREAM_ENTRIES_MAX:,} entries and {DREAM_TEXT_BYTES_MAX:,} bytes. "
        "forget what is not needed, or keep what belongs to one project in a store of its own."
    )


def _damaged(tx: Transaction, store: StoreRow, seq: int, base: int) -> str | None:
    """Name an entry whose text is not what was written: a dream must not judge what nobody said."""
    rows = tx.connection.execute(
        """
        SELECT revision.entry_id, content.text, content.sha256 FROM revision
        LEFT JOIN content ON content.content_id = revision.content_id
        WHERE revision.store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
        """,
        {"store_id": store.store_id, "seq": seq},
    )
    broken = next((row["entry_id"] for row in rows if not _is_whole(row)), None)
    if broken is None:
        return None
    return (
        f"Version {base} of store {store.name} cannot be read: the text of entry {broken} is not what was written. "
        "`dreamkeep verify` shows all of the damage, `dreamkeep restore` brings a backup back."
    )


def _is_whole(row: Row) -> bool:
    return row["text"] is not None and hashlib.sha256(row["text"].encode()).digest() == row["sha256"]


def _session_gone(tx: Transaction, store: StoreRow, dream_id: DreamId) -> str | None:
    """Name a session that moved to another store, or has lost messages, since the dream was started."""
    rows = tx.rows(
        """
        SELECT dream_session.session_id, dream_session.messages, store.name AS store,
            (
                SELECT COUNT(*) FROM message
                WHERE message.session_id = dream_session.session_id AND message.number <= dream_session.messages
            ) AS there
        FROM dream_session
        CROSS JOIN session ON session.session_id = dream_session.session_id
        CROSS JOIN store ON store.store_id = session.store_id
        WHERE dream_session.dream_id = :dream_id AND (session.store_id != :store_id OR there < dream_session.messages)
        ORDER BY dream_session.session_id LIMIT 1
        """,
        {"dream_id": dream_id, "store_id": store.store_id},
    )
    if not rows:
        return None
    (row,) = rows
    if row["store"] != store.name:
        return (
            f"Session {row['session_id']} is in store {row['store']} now, where it went when the stores were merged. "
            f'start_dream(store="{row["store"]}") reads it there.'
        )
    return (
        f"Session {row['session_id']} has {row['there']} of the {row['messages']} messages that this dream is to read. "
        "`dreamkeep verify` shows the damage; start_dream with other sessions goes without it."
    )
