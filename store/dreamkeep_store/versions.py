"""Version rows: finding, listing, taking checkpoints, and the digest of what a version shows."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from dreamkeep_store import audit
from dreamkeep_store.database import Row, Transaction, from_micros
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import PAGE_MAX, Entry, NewRevision, Version, VersionKind
from dreamkeep_store.names import StoreRow
from dreamkeep_store.revisions import to_entry, visible_rows


def find_version(tx: Transaction, store: StoreRow, number: int | None) -> Row:
    """The version's row; None is the head. NotFoundError says what there is."""
    row = tx.row(
        """
        SELECT number, parent, kind, state, seq, dream_id, mode, digest, entries, note, created_at
        FROM version WHERE store_id = :store_id AND number = :number
        """,
        {"store_id": store.store_id, "number": store.head if number is None else number},
    )
    if row is None:
        newest = tx.value("SELECT MAX(number) FROM version WHERE store_id = :id", {"id": store.store_id})
        raise NotFoundError(
            f"There is no version {number} in store {store.name}; the newest is {newest}. list_versions shows them all."
        )
    return row


def to_version(row: Row, store: StoreRow) -> Version:
    """A Version from its row."""
    return Version(
        store=store.name,
        number=row["number"],
        parent=row["parent"],
        kind=row["kind"],
        state=row["state"],
        seq=row["seq"],
        dream_id=row["dream_id"],
        digest=None if row["digest"] is None else row["digest"].hex(),
        entries=row["entries"],
        created_at=from_micros(row["created_at"]),
        head=row["number"] == store.head,
        note=row["note"],
    )


def list_versions(tx: Transaction, store: StoreRow, limit: int, before: int | None) -> list[Version]:
    """A page of versions, newest number first, from below `before`."""
    check_page(limit)
    rows = tx.rows(
        """
        SELECT number, parent, kind, state, seq, dream_id, mode, digest, entries, note, created_at
        FROM version WHERE store_id = :store_id AND (:before IS NULL OR number < :before)
        ORDER BY number DESC LIMIT :limit
        """,
        {"store_id": store.store_id, "before": before, "limit": limit},
    )
    return [to_version(row, store) for row in rows]


def check_page(limit: int, offset: int = 0) -> None:
    """InvalidError unless a page of that size at that place makes sense."""
    if not 1 <= limit <= PAGE_MAX or offset < 0:
        raise InvalidError(f"A page holds 1 to {PAGE_MAX} and starts at 0 or later, not {limit} from {offset}.")


def insert_version(
    tx: Transaction,
    store: StoreRow,
    kind: VersionKind,
    *,
    parent: int,
    seq: int | None,
    dream_id: str | None = None,
    undoes: Sequence[int] | None = None,
    restores: int | None = None,
    note: str | None = None,
) -> int:
    """A new version under the next number; proposed while it has no seq.

    A rollback says which versions it undoes, newest first, or which one it restores.
    """
    number = tx.value("SELECT MAX(number) + 1 FROM version WHERE store_id = :store_id", {"store_id": store.store_id})
    tx.execute(
        """
        INSERT INTO version (
            store_id, number, parent, kind, state, seq, dream_id, mode, undoes, restores, note, created_at, published_at
        ) VALUES (
            :store_id, :number, :parent, :kind, CASE WHEN :seq IS NULL THEN 'proposed' ELSE 'published' END, :seq,
            :dream_id, :mode, :undoes, :restores, :note, :now, CASE WHEN :seq IS NULL THEN NULL ELSE :now END
        )
        """,
        {
            "store_id": store.store_id,
            "number": number,
            "parent": parent,
            "kind": kind,
            "seq": seq,
            "dream_id": dream_id,
            "mode": "revert" if undoes is not None else "restore" if restores is not None else None,
            "undoes": None if undoes is None else json.dumps(undoes),
            "restores": restores,
            "note": note,
            "now": tx.now,
        },
    )
    return number


def newest_seq(tx: Transaction, store: StoreRow) -> int:
    """The seq of the newest published version."""
    return tx.value("SELECT MAX(seq) FROM version WHERE store_id = :store_id", {"store_id": store.store_id})


def checkpoint(tx: Transaction, store: StoreRow) -> int | None:
    """Name the live state, if something was written since the newest version; gives its number."""
    if newest_seq(tx, store) == store.seq:
        return None
    number = insert_version(tx, store, "checkpoint", parent=store.head, seq=store.seq)
    audit.append(tx, store_id=store.store_id, seq=store.seq, action="checkpoint", subject=f"v{number}")
    return number


def live_version(tx: Transaction, store: StoreRow) -> int:
    """A version that shows what is live now, taken if there is none yet."""
    taken = checkpoint(tx, store)
    if taken is not None:
        return taken
    return tx.value(
        "SELECT MAX(number) FROM version WHERE store_id = :store_id AND seq = :seq",
        {"store_id": store.store_id, "seq": store.seq},
    )


def proposed_version(tx: Transaction, store: StoreRow) -> int | None:
    """The number of the store's open proposal, if there is one."""
    return tx.value(
        "SELECT number FROM version WHERE store_id = :store_id AND state = 'proposed'",
        {"store_id": store.store_id},
    )


def base_seq(tx: Transaction, store: StoreRow, version: Row) -> int:
    """The seq at which the version that this proposal was made from shows its entries."""
    return find_version(tx, store, version["parent"])["seq"]


def state_at(tx: Transaction, store: StoreRow, number: int | None) -> list[Row]:
    """What a version shows, in order of entry id: rows of the view `entry`, or of that shape.

    None reads the head with every write since. A proposal reads as its base with the included changes.
    """
    if number is None:
        return list(visible_rows(tx, store.store_id, store.seq))
    version = find_version(tx, store, number)
    if version["state"] == "discarded":
        raise ConflictError(
            f"Version {number} of store {store.name} was discarded; its changes are not kept in readable form. "
            "list_versions shows the ones that can be read."
        )
    if version["seq"] is not None:
        return list(visible_rows(tx, store.store_id, version["seq"]))
    rows = tx.rows(
        """
        SELECT * FROM entry
        WHERE store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
            AND revision_id NOT IN (
                SELECT change_read.revision_id FROM change
                CROSS JOIN change_read ON change_read.change_id = change.change_id
                WHERE change.store_id = :store_id AND change.version = :version
                    AND change.decision = 'included' AND change_read.closes = 1
            )
        """,
        {"store_id": store.store_id, "version": number, "seq": base_seq(tx, store, version)},
    )
    return sorted((*rows, *proposed_rows(tx, store, number)), key=lambda row: row["entry_id"])


def proposed_rows(tx: Transaction, store: StoreRow, number: int) -> Sequence[Row]:
    """What the included changes of a proposal open, in the shape of the view `entry`.

    Their revision ids are negative: they name no revision yet.
    """
    return tx.rows(
        """
        SELECT * FROM proposed_entry
        WHERE store_id = :store_id AND version = :version AND decision = 'included'
        """,
        {"store_id": store.store_id, "version": number},
    )


def digest_of(rows: Iterable[Row]) -> tuple[bytes, int]:
    """SHA-256 over entries in order of id, and how many there are; no clock, no usage, no row id."""
    digest = hashlib.sha256()
    count = 0
    for row in rows:
        said = [
            row["entry_id"],
            row["sha256"].hex(),
            row["tier"],
            row["tags"],
            row["topic"],
            row["trust"],
            row["asserted_at"],
        ]
        digest.update(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        count += 1
    return digest.digest(), count


def digest_at(tx: Transaction, store: StoreRow, number: int) -> tuple[bytes, int]:
    """The digest of what a version shows, and how many entries that is.

    SQLite itself writes a published version's lines, several times as fast as whole entries are read and
    written here. `verify` derives the digest from the entries, so that each checks the other.
    """
    seq = find_version(tx, store, number)["seq"]
    if seq is None:
        return digest_of(state_at(tx, store, number))
    digest = hashlib.sha256()
    count = 0
    for row in tx.connection.execute(
        """
        SELECT json_array(
            revision.entry_id, lower(hex(content.sha256)), revision.tier, revision.tags, revision.topic,
            revision.trust, revision.asserted_at
        ) AS said
        FROM revision CROSS JOIN content ON content.content_id = revision.content_id
        WHERE revision.store_id = :store_id
            AND revision.from_seq <= :seq AND (revision.to_seq IS NULL OR revision.to_seq > :seq)
        ORDER BY revision.entry_id
        """,
        {"store_id": store.store_id, "seq": seq},
    ):
        digest.update(row["said"].encode() + b"\n")
        count += 1
    return digest.digest(), count


def record_digest(tx: Transaction, store: StoreRow, number: int, digest: bytes, entries: int) -> None:
    """Keep what a published version shows, as a digest and a number of entries; the audit has it too."""
    changed = tx.execute(
        """
        UPDATE version SET digest = :digest, entries = :entries
        WHERE store_id = :store_id AND number = :number AND state = 'published' AND digest IS NULL
        """,
        {"store_id": store.store_id, "number": number, "digest": digest, "entries": entries},
    )
    if changed:
        audit.append(
            tx, store_id=store.store_id, seq=store.seq, action="digest", subject=f"v{number}", digest=digest.hex()
        )


def undigested(tx: Transaction, store: StoreRow) -> list[int]:
    """The published versions that have no digest yet, oldest first."""
    rows = tx.rows(
        """
        SELECT number FROM version
        WHERE store_id = :store_id AND state = 'published' AND digest IS NULL ORDER BY number
        """,
        {"store_id": store.store_id},
    )
    return [row["number"] for row in rows]


def erased(tx: Transaction, store: StoreRow) -> int:
    """How many entries of the store were erased: the only thing that changes what a published version shows."""
    return tx.value("SELECT COUNT(*) FROM tombstone WHERE store_id = :store_id", {"store_id": store.store_id})


def export_page(tx: Transaction, store: StoreRow, seq: int, after: str, limit: int) -> list[Entry]:
    """Entries visible at `seq` whose id comes after `after`, in order of id."""
    rows = tx.rows(
        """
        SELECT * FROM entry
        WHERE store_id = :store_id AND entry_id > :after
            AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
        ORDER BY entry_id LIMIT :limit
        """,
        {"store_id": store.store_id, "after": after, "seq": seq, "limit": limit},
    )
    return [to_entry(row) for row in rows]


def to_new_revision(row: Row) -> NewRevision:
    """What a change opens, from a row of the view `proposed_entry`."""
    entry = to_entry(row)
    return NewRevision(
        entry_id=entry.entry_id,
        content=entry.content,
        tier=entry.tier,
        tags=entry.tags,
        topic=entry.topic,
        trust=entry.trust,
        asserted_at=entry.asserted_at,
        session_id=entry.session_id,
    )


def discard_version(tx: Transaction, store_id: int, number: int) -> None:
    """Throw a proposal away; its changes stay on record, undone."""
    changed = tx.execute(
        "UPDATE version SET state = 'discarded' WHERE store_id = :store_id AND number = :number AND state = 'proposed'",
        {"store_id": store_id, "number": number},
    )
    if not changed:  # somebody switched to it before its dream ended
        return
    seq = tx.value("SELECT seq FROM store WHERE store_id = :id", {"id": store_id})
    audit.append(tx, store_id=store_id, seq=seq, action="discard", subject=f"v{number}")
