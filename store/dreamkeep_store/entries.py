"""Entries: remembering, confirming, editing, retagging, forgetting, and finding them by id."""

import json
from collections.abc import Sequence
from dataclasses import replace

from dreamkeep_store import audit, limits, names
from dreamkeep_store.database import Row, Transaction, from_micros, to_micros
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.ids import new_id
from dreamkeep_store.models import (
    TIERS,
    Closed,
    Entry,
    EntryId,
    NewEntry,
    NewRevision,
    Outcome,
    Remembered,
    StoreName,
    Tier,
)
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.revisions import (
    close_revision,
    live_row,
    live_with_content,
    open_revision,
    put_content,
    reopen,
    to_entry,
)

IDS_MAX = 100
BECAME_DEPTH_MAX = 50


def remember(tx: Transaction, store: StoreName, new: NewEntry, visible: Visible) -> Remembered:
    """Keep a fact: as a new entry, as a confirmation of one that says the same, or instead of others."""
    new = replace(
        new,
        content=limits.check_content(new.content),
        tags=None if new.tags is None else limits.check_tags(new.tags),
        topic=limits.check_topic(new.topic),
    )
    asserted = limits.check_asserted(new.asserted_at, tx.now)
    row = names.find_or_create(tx, store, visible)
    if new.session_id is not None:
        check_session(tx, row, new.session_id)
    if new.replaces:
        return _replace(tx, row, new, asserted, visible)
    same = live_with_content(tx, row.store_id, new.content)
    if same is not None:
        return _confirm(tx, row, new, asserted, same)
    return _write(tx, row, "remember", _revision(new, free_id(tx), asserted), asserted, outcome="new")


def _revision(new: NewEntry, entry_id: EntryId, asserted: int, was: Row | None = None) -> NewRevision:
    """The state that `new` asks for; what it leaves out stays as it `was`."""
    return NewRevision(
        entry_id=entry_id,
        content=new.content,
        tier=new.tier or (was["tier"] if was else "standard"),
        tags=new.tags if new.tags is not None else (tuple(json.loads(was["tags"])) if was else ()),
        topic=new.topic if new.topic is not None else (was["topic"] if was else None),
        trust=new.trust,
        asserted_at=from_micros(asserted),
        session_id=new.session_id,
    )


def _write(
    tx: Transaction,
    store: StoreRow,
    action: str,
    new: NewRevision,
    asserted: int,
    *,
    outcome: str,
    closes: Sequence[Row] = (),
) -> Remembered:
    content = put_content(tx, store.store_id, new.content)
    seq = names.next_seq(tx, store.store_id)
    into: list[EntryId] = []
    for row in closes:
        if row["entry_id"] == new.entry_id:
            close_revision(tx, row["revision_id"], seq=seq, how="edited")
        else:
            close_revision(tx, row["revision_id"], seq=seq, how="replaced", into=new.entry_id)
            into.append(row["entry_id"])
    revision_id = open_revision(
        tx, store_id=store.store_id, new=new, content_id=content.content_id, seq=seq, micros=asserted
    )
    audit.append(
        tx,
        store_id=store.store_id,
        seq=seq,
        action=action,
        subject=new.entry_id,
        revision=revision_id,
        content=audit.salted(content.salt, content.sha256),
        closes=[row["revision_id"] for row in closes],
    )
    return Remembered(
        entry_id=new.entry_id,
        seq=seq,
        outcome=outcome,  # pyright: ignore[reportArgumentType]  # one of the three words, from this module only
        tier=new.tier,
        closed=tuple(into),
    )


def _confirm(tx: Transaction, store: StoreRow, new: NewEntry, asserted: int, same: Row) -> Remembered:
    """The same text again: newer, never less lasting, with the tags of both.

    Only the user's own words make it more trusted: an agent that repeats what it read has not checked it.
    """
    was: tuple[str, ...] = tuple(json.loads(same["tags"]))
    confirmed = NewRevision(
        entry_id=same["entry_id"],
        content=new.content,
        tier=min(new.tier or same["tier"], same["tier"], key=TIERS.index),
        tags=limits.check_tags((*was, *(new.tags or ()))),
        topic=same["topic"] or new.topic,
        trust="user" if new.trust == "user" else same["trust"],
        asserted_at=from_micros(max(asserted, same["asserted_at"])),
        session_id=same["session_id"],
    )
    state = (
        confirmed.tier,
        confirmed.tags,
        confirmed.topic,
        confirmed.trust,
        to_micros(confirmed.asserted_at),
    )
    if state == (same["tier"], was, same["topic"], same["trust"], same["asserted_at"]):
        return Remembered(
            entry_id=confirmed.entry_id, seq=store.seq, outcome="confirmed", tier=confirmed.tier, closed=()
        )
    return _write(tx, store, "confirm", confirmed, state[-1], outcome="confirmed", closes=[same])


def _replace(tx: Transaction, store: StoreRow, new: NewEntry, asserted: int, visible: Visible) -> Remembered:
    """An edit: the first entry named keeps its id with the new text, the others close into it."""
    rows = require_live(tx, new.replaces, visible)
    for row in rows:
        if row["store_id"] != store.store_id:
            raise InvalidError(
                f"{row['entry_id']} is in store {row['store']}, not in {store.name}. replaces takes entries of one "
                f"store: say store={row['store']!r}, or leave that id out."
            )
    first = rows[0]
    revision = _revision(new, first["entry_id"], asserted, first)
    return _write(tx, store, "edit", revision, asserted, outcome="replaced", closes=rows)


def free_id(tx: Transaction) -> EntryId:
    """An entry id that nothing in this database has had."""
    while True:
        entry_id = EntryId(new_id("e"))
        if not _was_ever(tx, entry_id):
            return entry_id


def _was_ever(tx: Transaction, entry_id: EntryId) -> bool:
    return (
        tx.value(
            """
            SELECT 1 FROM revision WHERE entry_id = :id
            UNION ALL SELECT 1 FROM tombstone WHERE entry_id = :id
            """,
            {"id": entry_id},
        )
        is not None
    )


def check_session(tx: Transaction, store: StoreRow, session_id: str) -> None:
    """NotFoundError unless that store has the session."""
    if (
        tx.value(
            "SELECT 1 FROM session WHERE session_id = :session_id AND store_id = :store_id",
            {"session_id": session_id, "store_id": store.store_id},
        )
        is None
    ):
        raise NotFoundError(
            f"There is no session {session_id[:80]!r} in store {store.name}. Record it first with record_session, "
            "or leave session_id out."
        )


def check_ids(entry_ids: Sequence[EntryId]) -> list[EntryId]:
    """The ids without repeats; InvalidError when there are none or too many."""
    unique = list(dict.fromkeys(entry_ids))
    if not unique:
        raise InvalidError("No entry was named. Give one or more entry ids; recall shows them.")
    if len(unique) > IDS_MAX:
        raise InvalidError(f"{len(unique)} entries were named and one call takes at most {IDS_MAX}. Split the call.")
    return unique


def require_live(tx: Transaction, entry_ids: Sequence[EntryId], visible: Visible) -> list[Row]:
    """The entries' live states; an error names each id that has none, and what became of it."""
    rows: list[Row] = []
    for found in look_up(tx, entry_ids, visible):
        if isinstance(found, Closed):
            raise ConflictError(f"{describe_closed(found)} Nothing was changed.")
        rows.append(found)
    return rows


def describe_closed(closed: Closed) -> str:
    """What became of an entry, in a sentence or two."""
    if closed.became:
        return f"{closed.entry_id} is not live any more: it became {', '.join(closed.became)}. Use that id."
    match closed.how:
        case "forgotten":
            return f"{closed.entry_id} was forgotten; forget with undo=true brings it back."
        case "dream":
            return f"{closed.entry_id} was let go by a dream; rollback brings it back."
        case "rollback":
            return f"{closed.entry_id} was taken back by a rollback; rolling back that rollback brings it back."
        case "replaced":
            return f"{closed.entry_id} was replaced by an entry that is not live any more."


def look_up(tx: Transaction, entry_ids: Sequence[EntryId], visible: Visible) -> list[Row | Closed]:
    """Each entry's live row of the view `entry`, or how it ended, in the order asked.

    Raises NotFoundError naming every id that the caller cannot know.
    """
    found: list[Row | Closed] = []
    unknown: list[EntryId] = []
    erased: list[EntryId] = []
    for entry_id in check_ids(entry_ids):
        row = live_row(tx, entry_id)
        if row is None:
            row = tx.row("SELECT * FROM entry WHERE entry_id = :id ORDER BY from_seq DESC LIMIT 1", {"id": entry_id})
        if row is None and _was_erased(tx, entry_id, visible):
            erased.append(entry_id)
        elif row is None or (visible is not None and row["store"] not in visible):
            unknown.append(entry_id)
        else:
            found.append(row if row["to_seq"] is None else _closed(tx, row, visible))
    if unknown or erased:
        parts = [f"There is no entry {', '.join(repr(i[:80]) for i in unknown[:5])}."] if unknown else []
        parts += [f"{', '.join(erased[:5])} was erased for good."] if erased else []
        raise NotFoundError(" ".join(parts) + " Entry ids look like e_4k7m2xq9; recall shows the ones there are.")
    return found


def _was_erased(tx: Transaction, entry_id: EntryId, visible: Visible) -> bool:
    store = tx.value(
        "SELECT store.name FROM tombstone JOIN store USING (store_id) WHERE entry_id = :id", {"id": entry_id}
    )
    return store is not None and (visible is None or store in visible)


def _closed(tx: Transaction, row: Row, visible: Visible) -> Closed:
    last = tx.row(
        """
        SELECT closed_how, closed_at, COALESCE(
            close_reason,
            (
                SELECT change.reason FROM change_read
                CROSS JOIN change ON change.change_id = change_read.change_id
                WHERE closed_how = 'dream' AND change_read.revision_id = revision.revision_id
                    AND change_read.closes = 1 AND change.applied = 1
                ORDER BY change.change_id DESC LIMIT 1
            )
        ) AS close_reason
        FROM revision WHERE revision_id = :id
        """,
        {"id": row["revision_id"]},
    )
    assert last is not None
    return Closed(
        entry_id=row["entry_id"],
        store=row["store"],
        how=last["closed_how"],
        became=tuple(entry_id for entry_id in became(tx, row["entry_id"]) if _may_see(tx, entry_id, visible)),
        closed_at=from_micros(last["closed_at"]),
        reason=last["close_reason"],
    )


def _may_see(tx: Transaction, entry_id: EntryId, visible: Visible) -> bool:
    row = live_row(tx, entry_id)
    return row is not None and (visible is None or row["store"] in visible)


def move_usage(tx: Transaction, entry_id: EntryId, into: EntryId, store: StoreRow) -> None:
    """Count how one entry served as how another one, of that store, did."""
    tx.execute(
        """
        INSERT INTO usage (entry_id, store_id, recalls, useful, wrong, outdated, recalled_at, useful_at)
        SELECT :into, :store_id, recalls, useful, wrong, outdated, recalled_at, useful_at FROM usage
        WHERE entry_id = :entry_id
        ON CONFLICT (entry_id) DO UPDATE SET
            recalls = recalls + excluded.recalls,
            useful = useful + excluded.useful,
            wrong = wrong + excluded.wrong,
            outdated = outdated + excluded.outdated,
            recalled_at = MAX(COALESCE(recalled_at, excluded.recalled_at), COALESCE(excluded.recalled_at, recalled_at)),
            useful_at = MAX(COALESCE(useful_at, excluded.useful_at), COALESCE(excluded.useful_at, useful_at))
        """,
        {"into": into, "store_id": store.store_id, "entry_id": entry_id},
    )


def became(tx: Transaction, entry_id: EntryId) -> tuple[EntryId, ...]:
    """The live entries that say what this one said, followed through every merge and edit since."""
    live: dict[EntryId, None] = {}
    seen: set[EntryId] = {entry_id}
    pending = [entry_id]
    for _ in range(BECAME_DEPTH_MAX):
        following: list[EntryId] = []
        for closed_id in pending:
            for next_id in _next_ids(tx, closed_id):
                if next_id in seen:
                    continue
                seen.add(next_id)
                if live_row(tx, next_id) is not None:
                    live[next_id] = None
                else:
                    following.append(next_id)
        if not following:
            break
        pending = following
    return tuple(live)


def _next_ids(tx: Transaction, entry_id: EntryId) -> list[EntryId]:
    last = tx.row(
        """
        SELECT closed_how, closed_into, closed_by FROM revision
        WHERE entry_id = :id ORDER BY from_seq DESC LIMIT 1
        """,
        {"id": entry_id},
    )
    if last is None or last["closed_how"] not in ("replaced", "dream"):
        return []
    if last["closed_into"] is not None:
        return [last["closed_into"]]
    rows = tx.rows(
        """
        SELECT entry_id FROM change_open WHERE change_id = :change_id
        UNION
        SELECT revision.entry_id FROM change_read
        JOIN revision ON revision.revision_id = change_read.revision_id
        WHERE change_read.change_id = :change_id AND change_read.closes = 0
        ORDER BY entry_id
        """,
        {"change_id": last["closed_by"]},
    )
    return [row["entry_id"] for row in rows]


def get_entries(tx: Transaction, entry_ids: Sequence[EntryId], visible: Visible) -> list[Entry | Closed]:
    """The entries as they are, or how they ended, in the order asked."""
    return [row if isinstance(row, Closed) else to_entry(row) for row in look_up(tx, entry_ids, visible)]


def retag(
    tx: Transaction,
    entry_ids: Sequence[EntryId],
    tier: Tier | None,
    add_tags: Sequence[str],
    remove_tags: Sequence[str],
    visible: Visible,
) -> list[Entry]:
    """Change tier and tags; every other part of the entries stays as it is."""
    if tier is None and not add_tags and not remove_tags:
        raise InvalidError("Nothing to change was named. Give a tier, add_tags or remove_tags.")
    adding, removing = limits.check_tags(add_tags), set(limits.check_tags(remove_tags))
    for row in require_live(tx, entry_ids, visible):
        was: tuple[str, ...] = tuple(json.loads(row["tags"]))
        tags = limits.check_tags(tag for tag in (*was, *adding) if tag not in removing)
        if (tier or row["tier"], tags) == (row["tier"], was):
            continue
        entry = to_entry(row)
        seq = names.next_seq(tx, row["store_id"])
        close_revision(tx, row["revision_id"], seq=seq, how="edited")
        revision_id = open_revision(
            tx,
            store_id=row["store_id"],
            new=NewRevision(
                entry_id=entry.entry_id,
                content=entry.content,
                tier=tier or entry.tier,
                tags=tags,
                topic=entry.topic,
                trust=entry.trust,
                asserted_at=entry.asserted_at,
                session_id=entry.session_id,
            ),
            content_id=row["content_id"],
            seq=seq,
            micros=row["asserted_at"],
        )
        audit.append(
            tx,
            store_id=row["store_id"],
            seq=seq,
            action="retag",
            subject=entry.entry_id,
            revision=revision_id,
            closes=[entry.revision_id],
        )
    return [to_entry(row) for row in require_live(tx, entry_ids, visible)]


def forget(tx: Transaction, entry_ids: Sequence[EntryId], reason: str | None, visible: Visible) -> list[Closed]:
    """Close entries; the ones forgotten already are answered as they are."""
    if reason is not None:
        limits.check_text(reason, "reason")
    for found in look_up(tx, entry_ids, visible):
        if isinstance(found, Closed):
            if found.how != "forgotten":
                raise ConflictError(f"{describe_closed(found)} Nothing was forgotten.")
            continue
        seq = names.next_seq(tx, found["store_id"])
        close_revision(tx, found["revision_id"], seq=seq, how="forgotten", reason=reason)
        audit.append(
            tx,
            store_id=found["store_id"],
            seq=seq,
            action="forget",
            subject=found["entry_id"],
            closes=[found["revision_id"]],
        )
    return [found for found in look_up(tx, entry_ids, visible) if isinstance(found, Closed)]


def unforget(tx: Transaction, entry_ids: Sequence[EntryId], visible: Visible) -> list[Entry]:
    """Bring forgotten entries back as they were; the live ones are answered as they are."""
    for found in look_up(tx, entry_ids, visible):
        if not isinstance(found, Closed):
            continue
        if found.how != "forgotten":
            raise ConflictError(f"{describe_closed(found)} Only what was forgotten can be brought back so.")
        row = tx.row(
            "SELECT revision_id, store_id FROM revision WHERE entry_id = :id ORDER BY from_seq DESC LIMIT 1",
            {"id": found.entry_id},
        )
        assert row is not None
        seq = names.next_seq(tx, row["store_id"])
        reopen(tx, [row["revision_id"]], seq=seq)
        audit.append(tx, store_id=row["store_id"], seq=seq, action="unforget", subject=found.entry_id)
    return [to_entry(row) for row in require_live(tx, entry_ids, visible)]


def record_outcome(
    tx: Transaction, entry_ids: Sequence[EntryId], outcome: Outcome, note: str | None, visible: Visible
) -> list[Entry]:
    """Note how entries served; gives them with their usage."""
    if note is not None:
        limits.check_text(note, "note")
    for row in require_live(tx, entry_ids, visible):
        tx.execute(
            "INSERT INTO outcome (entry_id, outcome, note, actor, at) VALUES (:id, :outcome, :note, :actor, :now)",
            {"id": row["entry_id"], "outcome": outcome, "note": note, "actor": tx.actor, "now": tx.now},
        )
        tx.execute(
            """
            INSERT INTO usage (entry_id, store_id, useful, wrong, outdated, useful_at)
            VALUES (
                :id, :store_id, :outcome = 'useful', :outcome = 'wrong', :outcome = 'outdated',
                CASE :outcome WHEN 'useful' THEN :now END
            )
            ON CONFLICT (entry_id) DO UPDATE SET
                useful = useful + excluded.useful,
                wrong = wrong + excluded.wrong,
                outdated = outdated + excluded.outdated,
                useful_at = COALESCE(excluded.useful_at, useful_at)
            """,
            {"id": row["entry_id"], "store_id": row["store_id"], "outcome": outcome, "now": tx.now},
        )
    return [to_entry(row) for row in require_live(tx, entry_ids, visible)]
