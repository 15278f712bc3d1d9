"""Texts and revisions: what an entry says and when; opening, closing, and reading them as entries."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dreamkeep_store.database import Row, Transaction, from_micros
from dreamkeep_store.models import Entry, EntryId, NewRevision, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A stored text."""

    content_id: int
    salt: bytes
    sha256: bytes


def put_content(tx: Transaction, store_id: int, text: str) -> Content:
    """The text's row in that store, written and indexed if it is new there."""
    sha256 = hashlib.sha256(text.encode()).digest()
    row = tx.row(
        "SELECT content_id, salt FROM content WHERE store_id = :store_id AND sha256 = :sha256",
        {"store_id": store_id, "sha256": sha256},
    )
    if row is not None:
        return Content(content_id=row["content_id"], salt=row["salt"], sha256=sha256)
    salt = secrets.token_bytes(16)
    content_id = tx.insert(
        "INSERT INTO content (store_id, sha256, salt, text) VALUES (:store_id, :sha256, :salt, :text)",
        {"store_id": store_id, "sha256": sha256, "salt": salt, "text": text},
    )
    tx.execute("INSERT INTO content_fts (rowid, text) VALUES (:id, :text)", {"id": content_id, "text": text})
    return Content(content_id=content_id, salt=salt, sha256=sha256)


def tags_json(tags: Iterable[str]) -> str:
    """Tags as they are stored: sorted, without repeats."""
    return json.dumps(sorted(set(tags)), ensure_ascii=False, separators=(",", ":"))


def open_revision(tx: Transaction, *, store_id: int, new: NewRevision, content_id: int, seq: int, micros: int) -> int:
    """Make this the live state of its entry from `seq` on; gives the revision's id."""
    return tx.insert(
        """
        INSERT INTO revision (
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, from_seq, opened_at
        ) VALUES (
            :store_id, :entry_id, :content_id, :tier, :tags, :topic, :trust, :asserted_at, :session_id, :seq, :now
        )
        """,
        {
            "store_id": store_id,
            "entry_id": new.entry_id,
            "content_id": content_id,
            "tier": new.tier,
            "tags": tags_json(new.tags),
            "topic": new.topic,
            "trust": new.trust,
            "asserted_at": micros,
            "session_id": new.session_id,
            "seq": seq,
            "now": tx.now,
        },
    )


def close_revision(
    tx: Transaction,
    revision_id: int,
    *,
    seq: int,
    how: str,
    into: EntryId | None = None,
    reason: str | None = None,
) -> None:
    """End a live revision at `seq`."""
    changed = tx.execute(
        """
        UPDATE revision
        SET to_seq = :seq, closed_at = :now, closed_how = :how, closed_into = :into, close_reason = :reason
        WHERE revision_id = :revision_id AND to_seq IS NULL
        """,
        {"seq": seq, "now": tx.now, "how": how, "into": into, "reason": reason, "revision_id": revision_id},
    )
    assert changed == 1, f"revision {revision_id} was not live"


def reopen(tx: Transaction, root_ids: Iterable[int], *, seq: int, change_id: int | None = None) -> None:
    """Make the states of these revisions live again, each as a copy that knows where it came from."""
    tx.execute_many(
        """
        INSERT INTO revision (
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            restored_from, opened_by, from_seq, opened_at
        )
        SELECT
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            COALESCE(restored_from, revision_id), :change_id, :seq, :now
        FROM revision WHERE revision_id = :root_id
        """,
        ({"root_id": root_id, "seq": seq, "now": tx.now, "change_id": change_id} for root_id in root_ids),
    )


def to_entry(row: Row) -> Entry:
    """An Entry from a row of the view of that name."""
    return Entry(
        entry_id=row["entry_id"],
        revision_id=row["revision_id"],
        store=row["store"],
        content=row["content"],
        tier=row["tier"],
        tags=tuple(json.loads(row["tags"])) if row["tags"] != "[]" else (),
        topic=row["topic"],
        trust=row["trust"],
        asserted_at=from_micros(row["asserted_at"]),
        session_id=row["session_id"],
        dream_id=row["dream_id"],
        usage=to_usage(row) if row["recalls"] or row["useful"] or row["wrong"] or row["outdated"] else NO_USAGE,
    )


NO_USAGE = Usage()


def to_usage(row: Row) -> Usage:
    """A Usage from a row that has its columns."""
    return Usage(
        recalls=row["recalls"],
        useful=row["useful"],
        wrong=row["wrong"],
        outdated=row["outdated"],
        recalled_at=None if row["recalled_at"] is None else from_micros(row["recalled_at"]),
        useful_at=None if row["useful_at"] is None else from_micros(row["useful_at"]),
    )


def live_row(tx: Transaction, entry_id: EntryId) -> Row | None:
    """The live state of an entry, as a row of the view `entry`."""
    return tx.row("SELECT * FROM entry WHERE entry_id = :entry_id AND to_seq IS NULL", {"entry_id": entry_id})


def live_with_content(tx: Transaction, store_id: int, text: str) -> Row | None:
    """The live entry that says exactly this, if there is one (the oldest, if there are several)."""
    return tx.row(
        """
        SELECT entry.* FROM content CROSS JOIN entry ON entry.content_id = content.content_id
        WHERE content.store_id = :store_id AND content.sha256 = :sha256 AND entry.to_seq IS NULL
        ORDER BY entry.asserted_at, entry.entry_id LIMIT 1
        """,
        {"store_id": store_id, "sha256": hashlib.sha256(text.encode()).digest()},
    )


def visible_rows(tx: Transaction, store_id: int, seq: int) -> Sequence[Row]:
    """Everything visible at `seq`, in order of entry id, as rows of the view `entry`."""
    return tx.rows(
        """
        SELECT * FROM entry
        WHERE store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
        ORDER BY entry_id
        """,
        {"store_id": store_id, "seq": seq},
    )
