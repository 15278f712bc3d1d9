"""The audit: one row a change, append-only, each bound to the one before it by a hash; never text."""

import hashlib
import json

from dreamkeep_store.database import Row, Transaction

GENESIS = bytes(32)


def append(tx: Transaction, *, store_id: int, seq: int, action: str, subject: str, **detail: object) -> None:
    """Add one row: who (`tx.actor`) did what to which id, at which seq.

    `detail` holds ids, numbers and salted hashes; a caller never puts text there.
    """
    if tx.audit_head is None:
        tx.audit_head = tx.value("SELECT hash FROM audit ORDER BY audit_id DESC LIMIT 1") or GENESIS
    row = {
        "store_id": store_id,
        "seq": seq,
        "at": tx.now,
        "actor": tx.actor,
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail, sort_keys=True, separators=(",", ":")),
        "previous": tx.audit_head,
    }
    tx.audit_head = row_hash(row)
    tx.execute(
        """
        INSERT INTO audit (store_id, seq, at, actor, action, subject, detail, previous, hash)
        VALUES (:store_id, :seq, :at, :actor, :action, :subject, :detail, :previous, :hash)
        """,
        {**row, "hash": tx.audit_head},
    )


def row_hash(row: Row) -> bytes:
    """SHA-256 over the row before this one and everything that this one says."""
    said = [row[name] for name in ("store_id", "seq", "at", "actor", "action", "subject", "detail")]
    return hashlib.sha256(row["previous"] + json.dumps(said, separators=(",", ":")).encode()).digest()


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
