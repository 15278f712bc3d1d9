"""The audit: one row a change, append-only, each bound to the one before it by a hash; never text."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dreamkeep_store.database import Row, Transaction

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row to add: what was done to which id; `detail` holds ids, numbers and salted hashes, never text."""

    action: str
    subject: str
    detail: Mapping[str, object]


def append(tx: Transaction, *, store_id: int, seq: int, action: str, subject: str, **detail: object) -> None:
    """Add one row: who (`tx.actor`) did what to which id, at which seq."""
    append_all(tx, store_id=store_id, seq=seq, records=[Record(action=action, subject=subject, detail=detail)])


def append_all(tx: Transaction, *, store_id: int, seq: int, records: Iterable[Record]) -> None:
    """Add rows, each bound to the one before it."""
    if tx.audit_head is None:
        tx.audit_head = tx.value("SELECT hash FROM audit ORDER BY audit_id DESC LIMIT 1") or GENESIS
    rows: list[dict[str, object]] = []
    for record in records:
        row: dict[str, object] = {
            "store_id": store_id,
            "seq": seq,
            "at": tx.now,
            "actor": tx.actor,
            "action": record.action,
            "subject": record.subject,
            "detail": json.dumps(record.detail, sort_keys=True, separators=(",", ":")),
            "previous": tx.audit_head,
        }
        tx.audit_head = row_hash(row)
        rows.append({**row, "hash": tx.audit_head})
    tx.execute_many(
        """
        INSERT INTO audit (store_id, seq, at, actor, action, subject, detail, previous, hash)
        VALUES (:store_id, :seq, :at, :actor, :action, :subject, :detail, :previous, :hash)
        """,
        rows,
    )


def row_hash(row: Row) -> bytes:
    """SHA-256 over the row before this one and everything that this one says."""
    said = [row[name] for name in ("store_id", "seq", "at", "actor", "action", "subject", "detail")]
    return hashlib.sha256(row["previous"] + json.dumps(said, separators=(",", ":")).encode()).digest()


def newest(tx: Transaction) -> tuple[int, bytes]:
    """The newest row's number and hash; (0, GENESIS) before the first."""
    row = tx.row("SELECT audit_id, hash FROM audit ORDER BY audit_id DESC LIMIT 1")
    return (0, GENESIS) if row is None else (row["audit_id"], row["hash"])


def holds(tx: Transaction, known: tuple[int, bytes]) -> bool:
    """Whether the history goes on from this row: it is the same database, and was not set back behind it."""
    number, known_hash = known
    return number == 0 or tx.value("SELECT hash FROM audit WHERE audit_id = :id", {"id": number}) == known_hash


def salted(salt: bytes, sha256: bytes) -> str:
    """A content's hash for the audit: without the salt, which is erased with the text, it says nothing."""
    return hashlib.sha256(salt + sha256).hexdigest()[:32]


def find_break(tx: Transaction) -> int | None:
    """The id of the first row that does not follow from the one before it; None when all do."""
    previous = GENESIS
    for row in tx.connection.execute(
        """
        SELECT audit_id, store_id, seq, at, actor, action, subject, detail, previous, hash
        FROM audit ORDER BY audit_id
        """
    ):
        if row["previous"] != previous or row_hash(row) != row["hash"]:
            return row["audit_id"]
        previous = row["hash"]
    return None
