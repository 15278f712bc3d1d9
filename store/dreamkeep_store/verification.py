"""Checking that a database holds what it says: its pages, its texts, its history, its digests, its audit."""

import hashlib

from dreamkeep_store import audit, names
from dreamkeep_store.database import Transaction
from dreamkeep_store.models import Problem
from dreamkeep_store.names import StoreRow
from dreamkeep_store.vectors import is_whole
from dreamkeep_store.versions import digest_of, state_at

PROBLEMS_MAX = 100


def verify(tx: Transaction, stores: list[StoreRow]) -> list[Problem]:
    """Every problem found, up to PROBLEMS_MAX; an empty list means that all of it holds.

    `integrity_check` alone misses about half of all flipped bits, so every text and every version is
    hashed again as well.
    """
    problems = [*_pages(tx), *_texts(tx), *_vectors(tx), *_history(tx), *_audit(tx)]
    for store in stores:
        problems += _digests(tx, store)
    return problems[:PROBLEMS_MAX]


def _pages(tx: Transaction) -> list[Problem]:
    problems = [
        Problem(where="database", what=row[0])  # pyright: ignore[reportArgumentType]  # a row is read by place too
        for row in tx.rows(f"PRAGMA integrity_check({PROBLEMS_MAX})")
        if row[0] != "ok"  # pyright: ignore[reportArgumentType]  # as above
    ]
    problems += [
        Problem(
            where=f"table {row['table']}",
            what=f"row {row['rowid']} names a {row['parent']} that is not there",
        )
        for row in tx.rows("PRAGMA foreign_key_check")
    ]
    return problems


def _texts(tx: Transaction) -> list[Problem]:
    problems = [
        Problem(where=f"content {row['content_id']}", what="its text is not what was written")
        for row in tx.connection.execute("SELECT content_id, sha256, text FROM content")
        if hashlib.sha256(row["text"].encode()).digest() != row["sha256"]
    ]
    problems += [
        Problem(
            where=f"content {row['content_id']}",
            what="the full-text index does not know it; run `dreamkeep reindex`",
        )
        for row in tx.rows(
            "SELECT content_id FROM content WHERE content_id NOT IN (SELECT id FROM content_fts_docsize)"
        )
    ]
    problems += [
        Problem(
            where=f"content {row['id']}",
            what="the full-text index knows a text that is gone; run `dreamkeep reindex`",
        )
        for row in tx.rows("SELECT id FROM content_fts_docsize WHERE id NOT IN (SELECT content_id FROM content)")
    ]
    return problems


def _vectors(tx: Transaction) -> list[Problem]:
    """That a vector's text is there, foreign keys say; here that it is what was written, and that none is missed."""
    problems = [
        Problem(
            where=f"vector {row['vector_id']} of content {row['content_id']}",
            what="it is not what was written; run `dreamkeep reindex`",
        )
        for row in tx.connection.execute(
            """
            SELECT vector.vector_id, vector.content_id, vector.vector, vector.sha256, recipe.dimensions
            FROM vector CROSS JOIN recipe ON recipe.recipe_id = vector.recipe_id
            WHERE vector.vector IS NOT NULL
            """
        )
        if not is_whole(row["vector"], row["sha256"], row["dimensions"])
    ]
    problems += [
        Problem(
            where=f"vector {row['vector_id']} of content {row['content_id']}",
            what="it is kept for another store than its text; run `dreamkeep reindex`",
        )
        for row in tx.rows(
            """
            SELECT vector.vector_id, vector.content_id FROM vector
            CROSS JOIN content ON content.content_id = vector.content_id
            WHERE vector.store_id != content.store_id
            """
        )
    ]
    problems += [
        Problem(
            where=f"content {row['content_id']}",
            what=f"it counts as embedded by {row['recipe']}, and has no vector; run `dreamkeep reindex`",
        )
        for row in tx.rows(
            """
            SELECT content.content_id, recipe.recipe FROM recipe
            CROSS JOIN content ON content.content_id <= recipe.through
            WHERE NOT EXISTS (
                SELECT 1 FROM vector
                WHERE vector.content_id = content.content_id AND vector.recipe_id = recipe.recipe_id
            )
            """
        )
    ]
    problems += [
        Problem(
            where=f"recipe {row['recipe']}",
            what="it counts texts as embedded that are not there yet; run `dreamkeep reindex`",
        )
        for row in tx.rows(
            "SELECT recipe FROM recipe WHERE through > (SELECT COALESCE(MAX(content_id), 0) FROM content)"
        )
    ]
    return problems


def _history(tx: Transaction) -> list[Problem]:
    problems = [
        Problem(where=f"entry {row['entry_id']}", what=f"two states at once, from seq {row['from_seq']}")
        for row in tx.rows(
            """
            SELECT entry_id, from_seq FROM (
                SELECT entry_id, from_seq,
                    LAG(COALESCE(to_seq, 9223372036854775807)) OVER (PARTITION BY entry_id ORDER BY from_seq) AS until
                FROM revision
            ) WHERE until > from_seq
            """
        )
    ]
    problems += [
        Problem(where=f"store {row['name']}", what=f"its head, version {row['head']}, is not a published version")
        for row in tx.rows(
            """
            SELECT store.name, store.head FROM store
            LEFT JOIN version ON version.store_id = store.store_id AND version.number = store.head
            WHERE version.state IS NOT 'published'
            """
        )
    ]
    problems += [
        Problem(where=f"revision {row['revision_id']}", what="it lies after the newest write of its store")
        for row in tx.rows(
            """
            SELECT revision.revision_id FROM revision JOIN store USING (store_id)
            WHERE revision.from_seq > store.seq OR revision.to_seq > store.seq
            """
        )
    ]
    problems += [
        Problem(where=f"session {row['session_id']}", what="it has lost messages")
        for row in tx.rows(
            """
            SELECT session_id FROM session
            WHERE messages != (SELECT COUNT(*) FROM message WHERE message.session_id = session.session_id)
            """
        )
    ]
    return problems


def _audit(tx: Transaction) -> list[Problem]:
    broken = audit.find_break(tx)
    if broken is None:
        return []
    return [Problem(where=f"audit row {broken}", what="it does not follow from the rows before it")]


def _digests(tx: Transaction, store: StoreRow) -> list[Problem]:
    problems: list[Problem] = []
    for row in tx.rows(
        """
        SELECT number, digest, entries FROM version
        WHERE store_id = :store_id AND digest IS NOT NULL AND state = 'published' ORDER BY number
        """,
        {"store_id": store.store_id},
    ):
        digest, count = digest_of(state_at(tx, store, row["number"]))
        if digest != row["digest"] or count != row["entries"]:
            problems.append(
                Problem(
                    where=f"version {row['number']} of store {store.name}",
                    what=f"it shows {count} entries with digest {digest.hex()[:12]}, and was written with "
                    f"{row['entries']} and {row['digest'].hex()[:12]}",
                )
            )
    return problems


def all_stores(tx: Transaction, visible: names.Visible) -> list[StoreRow]:
    """Every store that the caller may know of."""
    return [names.find(tx, name, visible) for name in names.names(tx, visible)]
