"""Erasing: a text leaves every version, draft, session, quote, reason and index, for good.

What was derived from it goes too, and the other sources of that come back. Only a tombstone stays.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from dreamkeep_store import audit, names
from dreamkeep_store.database import Parameters, Transaction
from dreamkeep_store.entries import check_ids, look_up
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import EntryId, Erased, StoreName
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.revisions import reopen
from dreamkeep_store.settled import unsettle

ERASED = "[erased]"


def erase(tx: Transaction, entry_ids: Sequence[EntryId], visible: Visible) -> dict[StoreName, Erased]:
    """Take these entries, and what was made from them, out of their store's whole history.

    Gives what went from each store, theirs first: an entry that was moved goes from the store where it was
    as well. The versions that showed them have no digest until somebody computes it again.

    Raises ConflictError while one of the stores dreams: a dream holds what it read.
    """
    named = set(check_ids(entry_ids))
    look_up(tx, sorted(named), visible)
    store = _one_store(tx, named, visible)
    pending = [(store, named)]
    erased: dict[StoreName, Erased] = {}
    while pending:
        place, ids = pending.pop(0)
        pending += _moved_from(tx, place, ids)
        erased[place.name] = _erase_in(tx, place, ids)
    return erased


def _moved_from(tx: Transaction, store: StoreRow, named: set[EntryId]) -> list[tuple[StoreRow, set[EntryId]]]:
    """The entries of other stores that became these when the stores were merged."""
    rows = tx.rows(
        """
        SELECT DISTINCT store.name, revision.entry_id FROM revision
        JOIN store ON store.store_id = revision.store_id
        WHERE revision.store_id != :store_id
            AND revision.closed_into IN (SELECT value FROM json_each(:ids))
        ORDER BY store.name
        """,
        {"store_id": store.store_id, "ids": json.dumps(sorted(named))},
    )
    found: dict[StoreName, set[EntryId]] = {}
    for row in rows:
        found.setdefault(row["name"], set()).add(row["entry_id"])
    return [(names.find(tx, name, None), ids) for name, ids in found.items()]


def _erase_in(tx: Transaction, store: StoreRow, named: set[EntryId]) -> Erased:
    _check_awake(tx, store)
    contents = _reach(tx, named)
    doomed = _doomed(tx, named, contents)
    live_before = {row["revision_id"] for row in _doomed_live(tx, doomed)}
    returning = _sources_to_return(tx, live_before, doomed)
    seq = names.next_seq(tx, store.store_id)
    changed = _take_digests(tx, store, doomed, seq)
    for text in _texts(tx, contents):
        _scrub(tx, store, text)
    unsettle(tx, store)
    _drop_changes(tx, doomed, contents)
    gone = _delete_revisions(tx, store, doomed)
    _delete_contents(tx, contents | _left_over(tx, store))
    returned = _reopen_sources(tx, returning, seq)
    for entry_id in sorted(gone):
        audit.append(tx, store_id=store.store_id, seq=seq, action="erase", subject=entry_id)
    derived = tuple(sorted(gone - named))
    return Erased(entries=tuple(sorted(named)), derived=derived, returned=returned, versions=changed)


def _one_store(tx: Transaction, named: set[EntryId], visible: Visible) -> StoreRow:
    rows = tx.rows(
        """
        SELECT DISTINCT store.name FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.entry_id = wanted.value
        CROSS JOIN store ON store.store_id = revision.store_id
        """,
        {"ids": json.dumps(sorted(named))},
    )
    if len(rows) != 1:
        raise ConflictError(
            f"These entries are in several stores: {', '.join(row['name'] for row in rows)}. Erase store by store."
        )
    return names.find(tx, rows[0]["name"], visible)


def _check_awake(tx: Transaction, store: StoreRow) -> None:
    # A dream of another store holds sessions that came from there when the two were merged.
    dream_id = tx.value(
        """
        SELECT dream_id FROM dream
        WHERE status IN ('pending', 'running') AND (
            store_id = :id OR EXISTS (
                SELECT 1 FROM dream_session
                CROSS JOIN session ON session.session_id = dream_session.session_id
                WHERE dream_session.dream_id = dream.dream_id AND session.store_id = :id
            )
        )
        """,
        {"id": store.store_id},
    )
    if dream_id is not None:
        raise ConflictError(
            f"Dream {dream_id} reads store {store.name} and has not ended, and a dream holds what it read. Wait for "
            "it, or cancel it, then erase."
        )


def _reach(tx: Transaction, named: set[EntryId]) -> set[int]:
    """Every text that has to go: what the named entries said, and what changes made out of that.

    A text that a change took over letter for letter from another entry is that entry's, not derived.
    """
    rows = tx.rows(
        """
        SELECT DISTINCT revision.content_id FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.entry_id = wanted.value
        WHERE NOT EXISTS (
            SELECT 1 FROM change_read
            CROSS JOIN revision AS other ON other.revision_id = change_read.revision_id
            WHERE change_read.change_id = revision.opened_by
                AND other.entry_id != revision.entry_id AND other.content_id = revision.content_id
        )
        """,
        {"ids": json.dumps(sorted(named))},
    )
    contents: set[int] = {row["content_id"] for row in rows}
    while True:
        made = tx.rows(
            """
            SELECT DISTINCT change_open.content_id FROM json_each(:contents) AS wanted
            CROSS JOIN revision ON revision.content_id = wanted.value
            CROSS JOIN change_read ON change_read.revision_id = revision.revision_id
            CROSS JOIN change ON change.change_id = change_read.change_id
                AND change.operation NOT IN ('revert', 'restore')
            CROSS JOIN change_open ON change_open.change_id = change.change_id
            WHERE NOT EXISTS (
                SELECT 1 FROM change_read AS source
                CROSS JOIN revision AS other ON other.revision_id = source.revision_id
                WHERE source.change_id = change.change_id AND other.content_id = change_open.content_id
                    AND other.content_id NOT IN (SELECT value FROM json_each(:contents))
            )
            """,
            {"contents": json.dumps(sorted(contents))},
        )
        found = {row["content_id"] for row in made} - contents
        if not found:
            return contents
        contents |= found


def _doomed(tx: Transaction, named: set[EntryId], contents: set[int]) -> set[int]:
    """The revisions to delete: every one of the named entries, and every one that says such a text."""
    rows = tx.rows(
        """
        SELECT revision.revision_id FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.entry_id = wanted.value
        UNION
        SELECT revision.revision_id FROM json_each(:contents) AS wanted
        CROSS JOIN revision ON revision.content_id = wanted.value
        """,
        {"ids": json.dumps(sorted(named)), "contents": json.dumps(sorted(contents))},
    )
    return {row["revision_id"] for row in rows}


def _doomed_live(tx: Transaction, doomed: set[int]) -> Sequence[dict[str, int]]:
    rows = tx.rows(
        """
        SELECT revision.revision_id FROM json_each(:doomed) AS wanted
        CROSS JOIN revision ON revision.revision_id = wanted.value
        WHERE revision.to_seq IS NULL
        """,
        {"doomed": json.dumps(sorted(doomed))},
    )
    return [{"revision_id": row["revision_id"]} for row in rows]


def _sources_to_return(tx: Transaction, live: set[int], doomed: set[int]) -> set[int]:
    """The states that changes had folded into what is erased now, and that are not erased themselves."""
    returning: set[int] = set()
    seen: set[int] = set()
    pending = set(live)
    while pending:
        seen |= pending
        rows = tx.rows(
            """
            SELECT change_read.revision_id FROM json_each(:revisions) AS wanted
            CROSS JOIN revision AS made ON made.revision_id = wanted.value
            CROSS JOIN revision AS root ON root.revision_id = COALESCE(made.restored_from, made.revision_id)
            CROSS JOIN change_read ON change_read.change_id = root.opened_by AND change_read.closes = 1
            """,
            {"revisions": json.dumps(sorted(pending))},
        )
        sources = {row["revision_id"] for row in rows}
        returning |= sources - doomed
        pending = ((sources | _states_before(tx, pending)) & doomed) - seen
    return returning


def _states_before(tx: Transaction, revisions: set[int]) -> set[int]:
    """What was edited, retagged or confirmed by hand into these states: it may have folded others in."""
    rows = tx.rows(
        """
        SELECT earlier.revision_id FROM json_each(:revisions) AS wanted
        CROSS JOIN revision AS made ON made.revision_id = wanted.value
        CROSS JOIN revision AS root ON root.revision_id = COALESCE(made.restored_from, made.revision_id)
        CROSS JOIN revision AS earlier ON earlier.entry_id = root.entry_id AND earlier.to_seq = root.from_seq
        WHERE root.opened_by IS NULL
        """,
        {"revisions": json.dumps(sorted(revisions))},
    )
    return {row["revision_id"] for row in rows}


def _reopen_sources(tx: Transaction, returning: set[int], seq: int) -> tuple[EntryId, ...]:
    """Make these states live again, where their entries are not live anyway; gives the entries."""
    rows = tx.rows(
        """
        SELECT revision.entry_id, MAX(revision.revision_id) AS revision_id FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.revision_id = wanted.value
        WHERE NOT EXISTS (
            SELECT 1 FROM revision AS live WHERE live.entry_id = revision.entry_id AND live.to_seq IS NULL
        )
        GROUP BY revision.entry_id ORDER BY revision.entry_id
        """,
        {"ids": json.dumps(sorted(returning))},
    )
    reopen(tx, [row["revision_id"] for row in rows], seq=seq)
    return tuple(row["entry_id"] for row in rows)


def _texts(tx: Transaction, contents: set[int]) -> list[str]:
    rows = tx.rows(
        """
        SELECT content.text FROM json_each(:ids) AS wanted
        CROSS JOIN content ON content.content_id = wanted.value ORDER BY length(content.text) DESC
        """,
        {"ids": json.dumps(sorted(contents))},
    )
    return [row["text"] for row in rows]


def _scrub(tx: Transaction, store: StoreRow, text: str) -> None:
    """Blot the text out of every place that may repeat it."""
    pattern = _as_words(text)

    def blot(found: str) -> str:
        return pattern.sub(ERASED, found)

    key = {"store_id": store.store_id, "text": text}
    _rewrite(
        tx,
        blot,
        """
        SELECT message.session_id, message.number, message.text AS found FROM message
        JOIN session USING (session_id) WHERE session.store_id = :store_id AND instr(message.text, :text) > 0
        """,
        "UPDATE message SET text = :blotted WHERE session_id = :session_id AND number = :number",
        key,
    )
    _rewrite(
        tx,
        blot,
        """
        SELECT change_quote.change_id, change_quote.position, change_quote.text AS found FROM change_quote
        JOIN change USING (change_id) WHERE change.store_id = :store_id AND instr(change_quote.text, :text) > 0
        """,
        "UPDATE change_quote SET text = :blotted WHERE change_id = :change_id AND position = :position",
        key,
    )
    _rewrite(
        tx,
        blot,
        "SELECT change_id, reason AS found FROM change WHERE store_id = :store_id AND instr(reason, :text) > 0",
        "UPDATE change SET reason = :blotted WHERE change_id = :change_id",
        key,
    )
    _rewrite(
        tx,
        blot,
        """
        SELECT revision_id, close_reason AS found FROM revision
        WHERE store_id = :store_id AND instr(close_reason, :text) > 0
        """,
        "UPDATE revision SET close_reason = :blotted WHERE revision_id = :revision_id",
        key,
    )
    _rewrite(
        tx,
        blot,
        "SELECT recall_id, query AS found FROM recall WHERE store_id = :store_id AND instr(query, :text) > 0",
        "UPDATE recall SET query = :blotted WHERE recall_id = :recall_id",
        key,
    )
    _rewrite(
        tx,
        blot,
        """
        SELECT dream_id, instructions AS found FROM dream
        WHERE store_id = :store_id AND instr(instructions, :text) > 0
        """,
        "UPDATE dream SET instructions = :blotted WHERE dream_id = :dream_id",
        key,
    )
    in_json = json.dumps(text, ensure_ascii=False)[1:-1]
    tx.execute(
        "UPDATE dream SET refusals = '[]' WHERE store_id = :store_id AND instr(refusals, :text) > 0",
        {**key, "text": in_json},
    )
    tx.execute(
        "UPDATE change SET evidence = '[]' WHERE store_id = :store_id AND instr(evidence, :text) > 0",
        {**key, "text": in_json},
    )
    _rewrite(
        tx,
        blot,
        """
        SELECT outcome_id, note AS found FROM outcome
        JOIN revision USING (entry_id) WHERE revision.store_id = :store_id AND instr(note, :text) > 0
        GROUP BY outcome_id
        """,
        "UPDATE outcome SET note = :blotted WHERE outcome_id = :outcome_id",
        key,
    )


def _as_words(text: str) -> re.Pattern[str]:
    """The text where it does not begin or end inside a word; only scripts that part words have such places."""
    before = r"(?<!\w)" if _parts_words(text[0]) else ""
    after = r"(?!\w)" if _parts_words(text[-1]) else ""
    return re.compile(before + re.escape(text) + after)


def _parts_words(character: str) -> bool:
    return character.isdigit() or unicodedata.name(character, "").startswith(("LATIN", "GREEK", "CYRILLIC"))


def _rewrite(tx: Transaction, blot: Callable[[str], str], select: str, update: str, key: Parameters) -> None:
    rows = [dict(zip(row.keys(), tuple(row), strict=True)) for row in tx.rows(select, key)]
    tx.execute_many(update, ({**row, "blotted": blot(row["found"])} for row in rows))


def _drop_changes(tx: Transaction, doomed: set[int], contents: set[int]) -> None:
    """Delete open changes that rest on an erased state; of applied ones only the bare fact stays."""
    keys = {"doomed": json.dumps(sorted(doomed)), "contents": json.dumps(sorted(contents))}
    rows = tx.rows(
        """
        SELECT change.change_id, change.applied FROM change WHERE change.change_id IN (
            SELECT change_read.change_id FROM json_each(:doomed) AS wanted
            CROSS JOIN change_read ON change_read.revision_id = wanted.value
            UNION
            SELECT change_open.change_id FROM json_each(:contents) AS wanted
            CROSS JOIN change_open ON change_open.content_id = wanted.value
        )
        """,
        keys,
    )
    touched = {"ids": json.dumps([row["change_id"] for row in rows])}
    unapplied = {"ids": json.dumps([row["change_id"] for row in rows if row["applied"] != 1])}
    tx.execute("DELETE FROM change_quote WHERE change_id IN (SELECT value FROM json_each(:ids))", touched)
    tx.execute(
        "UPDATE change SET reason = 'Erased.', evidence = '[]' WHERE change_id IN (SELECT value FROM json_each(:ids))",
        touched,
    )
    tx.execute("DELETE FROM change_read WHERE change_id IN (SELECT value FROM json_each(:ids))", unapplied)
    tx.execute("DELETE FROM change_open WHERE change_id IN (SELECT value FROM json_each(:ids))", unapplied)
    tx.execute("DELETE FROM change WHERE change_id IN (SELECT value FROM json_each(:ids))", unapplied)
    tx.execute("DELETE FROM change_read WHERE revision_id IN (SELECT value FROM json_each(:doomed))", keys)
    tx.execute(
        """
        DELETE FROM change_open
        WHERE content_id IN (SELECT value FROM json_each(:contents))
            OR root_id IN (SELECT value FROM json_each(:doomed))
        """,
        keys,
    )


def _delete_revisions(tx: Transaction, store: StoreRow, doomed: set[int]) -> set[EntryId]:
    """Delete states; gives the entries that have none left, for each of which a tombstone stays."""
    keys = {"doomed": json.dumps(sorted(doomed)), "store_id": store.store_id, "now": tx.now}
    rows = tx.rows(
        """
        SELECT DISTINCT revision.entry_id FROM json_each(:doomed) AS wanted
        CROSS JOIN revision ON revision.revision_id = wanted.value
        """,
        keys,
    )
    # A copy may outlive its root only until the next statement, so the copies go first.
    tx.execute(
        """
        DELETE FROM revision
        WHERE restored_from IS NOT NULL AND revision_id IN (SELECT value FROM json_each(:doomed))
        """,
        keys,
    )
    tx.execute("DELETE FROM revision WHERE revision_id IN (SELECT value FROM json_each(:doomed))", keys)
    gone: set[EntryId] = {
        row["entry_id"]
        for row in rows
        if tx.value("SELECT 1 FROM revision WHERE entry_id = :id LIMIT 1", {"id": row["entry_id"]}) is None
    }
    for entry_id in sorted(gone):
        key = {"id": entry_id, "store_id": store.store_id, "now": tx.now}
        tx.execute("DELETE FROM usage WHERE entry_id = :id", key)
        tx.execute("DELETE FROM outcome WHERE entry_id = :id", key)
        tx.execute("INSERT INTO tombstone (entry_id, store_id, erased_at) VALUES (:id, :store_id, :now)", key)
    return gone


def _left_over(tx: Transaction, store: StoreRow) -> set[int]:
    """Texts that no state and no change says: proposed and then edited, or by a dream that was stopped."""
    rows = tx.rows(
        """
        SELECT content_id FROM content
        WHERE store_id = :store_id
            AND NOT EXISTS (SELECT 1 FROM revision WHERE revision.content_id = content.content_id)
            AND NOT EXISTS (SELECT 1 FROM change_open WHERE change_open.content_id = content.content_id)
        """,
        {"store_id": store.store_id},
    )
    return {row["content_id"] for row in rows}


def _delete_contents(tx: Transaction, contents: Iterable[int]) -> None:
    for content_id in sorted(contents):
        key = {"id": content_id}
        tx.execute(
            """
            INSERT INTO content_fts (content_fts, rowid, text)
            SELECT 'delete', content_id, text FROM content WHERE content_id = :id
            """,
            key,
        )
        tx.execute("DELETE FROM content WHERE content_id = :id", key)


def _take_digests(tx: Transaction, store: StoreRow, doomed: set[int], seq: int) -> tuple[int, ...]:
    """Take back the digest of every version that shows one of these states; the audit keeps what it was.

    The new ones take a second for each 100,000 entries, so whoever erases computes them after the commit.
    """
    rows = tx.rows(
        """
        SELECT number, digest FROM version
        WHERE store_id = :store_id AND digest IS NOT NULL AND EXISTS (
            SELECT 1 FROM json_each(:doomed) AS wanted
            CROSS JOIN revision ON revision.revision_id = wanted.value
            WHERE revision.from_seq <= version.seq AND (revision.to_seq IS NULL OR revision.to_seq > version.seq)
        )
        ORDER BY number
        """,
        {"store_id": store.store_id, "doomed": json.dumps(sorted(doomed))},
    )
    for row in rows:
        tx.execute(
            "UPDATE version SET digest = NULL, entries = NULL WHERE store_id = :store_id AND number = :number",
            {"store_id": store.store_id, "number": row["number"]},
        )
        audit.append(
            tx,
            store_id=store.store_id,
            seq=seq,
            action="undigest",
            subject=f"v{row['number']}",
            digest=row["digest"].hex(),
        )
    return tuple(row["number"] for row in rows)
