"""Switching to a proposal and rolling back: the two things that move a store's head.

Each is one transaction. A change applies whole or not at all, and what was written since it was planned
always wins. States are compared by root: the revision in which a state was first written, so that a
state which came back is recognised as the same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dreamkeep_store import audit, names
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import EntryId, RollbackMode, Skipped, Switched
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import checkpoint, find_version, insert_version, proposed_version


@dataclass(frozen=True, slots=True)
class _State:
    """The live state of an entry, as the maps below hold it."""

    root_id: int
    content_id: int


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What applying one change does, in roots."""

    change_id: int
    name: str
    operation: str
    closes: dict[EntryId, _State] = field(default_factory=dict[EntryId, _State])
    opens: dict[EntryId, _State] = field(default_factory=dict[EntryId, _State])
    reverts: str = ""


def check_head(store: StoreRow, expected_head: int | None) -> None:
    """ConflictError when the head is not the one that the caller looked at."""
    if expected_head is not None and expected_head != store.head:
        raise ConflictError(
            f"The head of store {store.name} is version {store.head}, not {expected_head}: somebody switched or rolled "
            "back meanwhile. Look at diff_versions again, then repeat the call with the new head."
        )


def switch(tx: Transaction, store: StoreRow, number: int, expected_head: int | None) -> Switched:
    """Make a proposal the head: each included change applies whole, or is skipped and reported.

    A change applies when every state it read is still live. An addition is skipped when its text is
    already live, or was forgotten after its source was said.
    """
    version = find_version(tx, store, number)
    if version["state"] != "proposed":
        raise ConflictError(_why_not_proposed(tx, store, version))
    check_head(store, expected_head)
    kept = checkpoint(tx, store)
    seq = names.next_seq(tx, store.store_id)
    parameters = {"store_id": store.store_id, "version": number, "seq": seq, "now": tx.now}
    skipped = [*_changed_since(tx, parameters), *_said_already(tx, parameters)]
    tx.execute_many(
        "UPDATE change SET applied = 0, skipped = :reason WHERE change_id = :change_id AND applied IS NULL",
        ({"change_id": row["change_id"], "reason": row["reason"]} for row in skipped),
    )
    applied = tx.execute(
        """
        UPDATE change SET applied = 1
        WHERE store_id = :store_id AND version = :version AND decision = 'included' AND applied IS NULL
        """,
        parameters,
    )
    _apply(tx, parameters)
    tx.execute(
        """
        UPDATE version SET state = 'published', seq = :seq, published_at = :now
        WHERE store_id = :store_id AND number = :version
        """,
        parameters,
    )
    tx.execute("UPDATE store SET head = :version WHERE store_id = :store_id", parameters)
    for row in tx.rows(
        """
        SELECT number, operation, applied FROM change
        WHERE store_id = :store_id AND version = :version AND applied IS NOT NULL ORDER BY number
        """,
        parameters,
    ):
        audit.append(
            tx,
            store_id=store.store_id,
            seq=seq,
            action="apply" if row["applied"] else "skip",
            subject=f"{version['dream_id']}/c{row['number']}",
            operation=row["operation"],
        )
    audit.append(tx, store_id=store.store_id, seq=seq, action="switch", subject=f"v{number}", previous=store.head)
    suggested = tx.value(
        """
        SELECT COUNT(*) FROM change
        WHERE store_id = :store_id AND version = :version AND decision = 'suggested'
        """,
        parameters,
    )
    reasons = {row["number"]: row["reason"] for row in reversed(skipped)}
    return Switched(
        store=store.name,
        head=number,
        previous=store.head,
        checkpoint=kept,
        applied=applied,
        skipped=tuple(Skipped(change=f"c{change}", reason=reasons[change]) for change in sorted(reasons)),
        suggested=suggested,
    )


def _why_not_proposed(tx: Transaction, store: StoreRow, version: Row) -> str:
    number = version["number"]
    open_number = proposed_version(tx, store)
    there_is = (
        f"The open proposal is version {open_number}."
        if open_number is not None
        else "No proposal is open; start_dream makes one."
    )
    if version["state"] == "discarded":
        return f"Version {number} of store {store.name} was discarded. {there_is}"
    if number == store.head:
        return f"Version {number} is the head of store {store.name} already. {there_is}"
    return (
        f"Version {number} of store {store.name} was published before; switch_version takes a proposed version. To "
        f"undo what came after it and keep later writes: rollback(version={number}). To return to exactly what it "
        f"was: rollback(version={number}, mode='restore'). {there_is}"
    )


def _changed_since(tx: Transaction, parameters: Mapping[str, object]) -> Sequence[Row]:
    """Included changes that read a state which is not live any more."""
    return tx.rows(
        """
        SELECT change.change_id, change.number,
            read.entry_id || CASE WHEN live.revision_id IS NULL THEN ' is not live any more'
                ELSE ' was changed' END || ' since the dream read it' AS reason
        FROM change
        CROSS JOIN change_read ON change_read.change_id = change.change_id
        CROSS JOIN revision AS read ON read.revision_id = change_read.revision_id
        LEFT JOIN revision AS live ON live.entry_id = read.entry_id AND live.to_seq IS NULL
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
            AND change.applied IS NULL
            AND COALESCE(live.restored_from, live.revision_id) IS NOT COALESCE(read.restored_from, read.revision_id)
        """,
        parameters,
    )


def _said_already(tx: Transaction, parameters: Mapping[str, object]) -> Sequence[Row]:
    """Included additions whose text is live by now, or was forgotten after it was said."""
    return tx.rows(
        """
        SELECT change.change_id, change.number,
            CASE WHEN live.entry_id IS NOT NULL THEN live.entry_id || ' says this already'
                ELSE 'this was forgotten after it had been said' END AS reason
        FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        LEFT JOIN revision AS live ON live.content_id = change_open.content_id AND live.to_seq IS NULL
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
            AND change.applied IS NULL AND change.operation IN ('add', 'insight')
            AND (
                live.entry_id IS NOT NULL
                OR EXISTS (
                    SELECT 1 FROM revision AS gone
                    WHERE gone.content_id = change_open.content_id AND gone.closed_how = 'forgotten'
                        AND gone.closed_at >= change_open.asserted_at
                )
            )
        """,
        parameters,
    )


def _apply(tx: Transaction, parameters: Mapping[str, object]) -> None:
    tx.execute(
        """
        -- Materialized, or SQLite looks through all revisions for each change.
        WITH closing AS MATERIALIZED (
            SELECT live.revision_id, change.change_id,
                EXISTS (
                    SELECT 1 FROM change_open
                    WHERE change_open.change_id = change.change_id AND change_open.entry_id = live.entry_id
                ) AS stays
            FROM change
            CROSS JOIN change_read ON change_read.change_id = change.change_id AND change_read.closes = 1
            CROSS JOIN revision AS read ON read.revision_id = change_read.revision_id
            CROSS JOIN revision AS live ON live.entry_id = read.entry_id AND live.to_seq IS NULL
            WHERE change.store_id = :store_id AND change.version = :version AND change.applied = 1
        )
        UPDATE revision
        SET to_seq = :seq, closed_at = :now, closed_by = closing.change_id,
            closed_how = CASE WHEN closing.stays THEN 'edited' ELSE 'dream' END
        FROM closing
        WHERE revision.revision_id = closing.revision_id
        """,
        parameters,
    )
    tx.execute(
        """
        INSERT INTO revision (
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, opened_by,
            from_seq, opened_at
        )
        SELECT
            change.store_id, change_open.entry_id, change_open.content_id, change_open.tier, change_open.tags,
            change_open.topic, change_open.trust, change_open.asserted_at, change_open.session_id,
            change.change_id, :seq, :now
        FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.applied = 1
        ORDER BY change.change_id, change_open.open_id
        """,
        parameters,
    )
    tx.execute(
        """
        UPDATE change_open SET root_id = opened.revision_id
        FROM (
            SELECT revision.revision_id, revision.opened_by, revision.entry_id
            FROM revision WHERE revision.store_id = :store_id AND revision.from_seq = :seq
        ) AS opened
        WHERE change_open.change_id = opened.opened_by AND change_open.entry_id = opened.entry_id
        """,
        parameters,
    )


def rollback(tx: Transaction, store: StoreRow, number: int | None, mode: RollbackMode) -> Switched:
    """Undo what came after a version, as a new version: history is never rewritten.

    `revert` undoes every switch and rollback after it, newest first, change by change, and keeps what was
    written by hand; a change whose result was touched since is left whole and reported. `restore` returns
    to exactly what the version showed.
    """
    if mode == "restore":
        target = find_version(tx, store, number) if number is not None else _before_newest_switch(tx, store)
        _check_published(store, target)
        return _restore(tx, store, target)
    if number is None:
        newest = _newest_switch(tx, store)
        return _revert(tx, store, _movers_after(tx, store, newest["seq"] - 1))
    target = find_version(tx, store, number)
    _check_published(store, target)
    movers = _movers_after(tx, store, target["seq"])
    if not movers and _movers_after(tx, store, target["seq"], all_of_them=True):
        raise ConflictError(
            f"What came after version {number} of store {store.name} is undone already. list_versions shows the "
            "rollbacks; rolling back to the version before one of them redoes what it undid."
        )
    if not movers:
        raise ConflictError(
            f"No switch or rollback came after version {number} of store {store.name}, so there is nothing to revert. "
            f"To drop what was written since: rollback(version={number}, mode='restore')."
        )
    return _revert(tx, store, movers)


def _check_published(store: StoreRow, target: Row) -> None:
    if target["seq"] is None:
        raise ConflictError(
            f"Version {target['number']} of store {store.name} is {target['state']}, so it was never live. rollback "
            "takes a published version; list_versions shows them."
        )


def _movers(tx: Transaction, store: StoreRow) -> Sequence[Row]:
    """Every switch and rollback, oldest first."""
    return tx.rows(
        """
        SELECT version.number, version.kind, version.seq, version.mode, version.undoes, restored.seq AS restored_seq
        FROM version
        LEFT JOIN version AS restored
            ON restored.store_id = version.store_id AND restored.number = version.restores
        WHERE version.store_id = :store_id AND version.state = 'published' AND version.kind IN ('dream', 'rollback')
        ORDER BY version.seq
        """,
        {"store_id": store.store_id},
    )


def undone(movers: Sequence[Row]) -> dict[int, int]:
    """Which switches and rollbacks are undone now, each with the rollback that did it; takes `_movers`.

    Undoing a rollback is a redo, so what it had undone stands again; restoring a version brings back
    what was undone, and what was not, when that version was live.
    """
    place = {row["number"]: index for index, row in enumerate(movers)}
    before: list[dict[int, int]] = []
    by: dict[int, int] = {}
    for here, row in enumerate(movers):
        before.append(by)
        mover: int = row["number"]
        if row["mode"] == "revert":
            numbers: list[int] = json.loads(row["undoes"])
            for number in numbers:
                by = before[place[number]] | {key: by[key] for key in by if place[key] >= place[number]}
            by = {**by, **dict.fromkeys(numbers, mover)}
        elif row["mode"] == "restore":
            since: list[int] = [other["number"] for other in movers[:here] if other["seq"] > row["restored_seq"]]
            by = before[here - len(since)] | {number: by.get(number, mover) for number in since}
    return by


def _newest_switch(tx: Transaction, store: StoreRow) -> Row:
    movers = _movers(tx, store)
    by = undone(movers)
    for row in reversed(movers):
        if row["kind"] == "dream" and row["number"] not in by:
            return row
    raise ConflictError(
        f"No switch of store {store.name} is left to undo. Name a version to return to; list_versions shows them."
    )


def _before_newest_switch(tx: Transaction, store: StoreRow) -> Row:
    """The newest version before that switch: its checkpoint, if something had been written."""
    switch_seq = _newest_switch(tx, store)["seq"]
    row = tx.row(
        """
        SELECT number, parent, kind, state, seq, mode FROM version
        WHERE store_id = :store_id AND seq < :seq ORDER BY seq DESC, number DESC LIMIT 1
        """,
        {"store_id": store.store_id, "seq": switch_seq},
    )
    assert row is not None  # version 1 has seq 0 and every switch a later one
    return row


def _movers_after(tx: Transaction, store: StoreRow, seq: int, *, all_of_them: bool = False) -> list[Row]:
    """Switches and rollbacks after that seq, newest first, without those that cancel out.

    A revert and the switches it undid are left alone when all of them came after `seq`: undoing and
    redoing them would only trip over what was written since.
    """
    movers = _movers(tx, store)
    by = undone(movers)
    rows = [row for row in reversed(movers) if row["seq"] > seq]
    if all_of_them:
        return list(rows)
    after = {row["number"] for row in rows}
    cancelled: set[int] = set()
    for row in rows:
        if row["mode"] != "revert" or row["number"] in by:
            continue
        undid: set[int] = set(json.loads(row["undoes"]))
        if undid <= after:
            cancelled |= {row["number"], *undid}
    return [row for row in rows if row["number"] not in cancelled]


def _revert(tx: Transaction, store: StoreRow, movers: Sequence[Row]) -> Switched:
    """Undo these versions, given newest first."""
    oldest = movers[-1]["seq"] if movers else store.seq
    kept_entries = tx.value(
        """
        SELECT COUNT(DISTINCT entry_id) FROM revision
        WHERE store_id = :store_id AND from_seq > :seq AND to_seq IS NULL
            AND opened_by IS NULL AND restored_from IS NULL
        """,
        {"store_id": store.store_id, "seq": oldest},
    )
    kept = checkpoint(tx, store)
    numbers = [row["number"] for row in movers]
    plans = [plan for number in numbers for plan in _undo_plans(tx, store, number)]
    live = _live_states(tx, {entry_id for plan in plans for entry_id in (*plan.closes, *plan.opens)})
    texts = _live_texts(tx, {state.content_id for plan in plans for state in plan.opens.values()})
    initial = dict(live)
    done: list[_Plan] = []
    left: list[Skipped] = []
    for plan in plans:
        why = _why_left(plan, live, texts)
        if why is not None:
            left.append(Skipped(change=plan.name, reason=why))
            continue
        for entry_id, state in plan.closes.items():
            del live[entry_id]
            texts.get(state.content_id, set()).discard(entry_id)
        for entry_id, state in plan.opens.items():
            live[entry_id] = state
            texts.setdefault(state.content_id, set()).add(entry_id)
        done.append(plan)
    switched = _write_rollback(tx, store, done, initial, live, undoes=numbers)
    return Switched(
        store=store.name,
        head=switched,
        previous=store.head,
        checkpoint=kept,
        applied=len(done),
        skipped=tuple(left),
        suggested=0,
        undone=tuple(numbers),
        kept=kept_entries,
    )


def _undo_plans(tx: Transaction, store: StoreRow, number: int) -> list[_Plan]:
    """The opposite of each change that was applied in a version, last one first."""
    parameters = {"store_id": store.store_id, "version": number}
    plans: dict[int, _Plan] = {
        row["change_id"]: _Plan(
            change_id=row["change_id"],
            name=f"v{number} c{row['number']}",
            operation="revert",
            reverts=row["operation"],
        )
        for row in tx.rows(
            """
            SELECT change_id, number, operation FROM change
            WHERE store_id = :store_id AND version = :version AND applied = 1 ORDER BY number DESC
            """,
            parameters,
        )
    }
    for row in tx.rows(
        """
        SELECT change.change_id, revision.entry_id, revision.content_id,
            COALESCE(revision.restored_from, revision.revision_id) AS root_id
        FROM change
        CROSS JOIN change_read ON change_read.change_id = change.change_id AND change_read.closes = 1
        CROSS JOIN revision ON revision.revision_id = change_read.revision_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.applied = 1
        """,
        parameters,
    ):
        plans[row["change_id"]].opens[row["entry_id"]] = _State(row["root_id"], row["content_id"])
    for row in tx.rows(
        """
        SELECT change.change_id, change_open.entry_id, change_open.content_id, change_open.root_id
        FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.applied = 1
        """,
        parameters,
    ):
        plans[row["change_id"]].closes[row["entry_id"]] = _State(row["root_id"], row["content_id"])
    return list(plans.values())


def _live_states(tx: Transaction, entry_ids: Iterable[EntryId]) -> dict[EntryId, _State]:
    rows = tx.rows(
        """
        SELECT revision.entry_id, revision.content_id,
            COALESCE(revision.restored_from, revision.revision_id) AS root_id
        FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.entry_id = wanted.value AND revision.to_seq IS NULL
        """,
        {"ids": json.dumps(sorted(entry_ids))},
    )
    return {row["entry_id"]: _State(row["root_id"], row["content_id"]) for row in rows}


def _live_texts(tx: Transaction, content_ids: Iterable[int]) -> dict[int, set[EntryId]]:
    """Which live entries say each of these texts."""
    texts: dict[int, set[EntryId]] = {}
    for row in tx.rows(
        """
        SELECT revision.content_id, revision.entry_id FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.content_id = wanted.value AND revision.to_seq IS NULL
        """,
        {"ids": json.dumps(sorted(content_ids))},
    ):
        texts.setdefault(row["content_id"], set()).add(row["entry_id"])
    return texts


def _why_left(plan: _Plan, live: Mapping[EntryId, _State], texts: Mapping[int, set[EntryId]]) -> str | None:
    """Why a change cannot be undone as a whole; None when it can."""
    for entry_id, state in plan.closes.items():
        now = live.get(entry_id)
        if now is None:
            return f"its result {entry_id} is not live any more"
        if now.root_id != state.root_id:
            return f"its result {entry_id} was changed since"
    for entry_id, state in plan.opens.items():
        if entry_id not in plan.closes and entry_id in live:
            return f"{entry_id} is live again already"
        others = texts.get(state.content_id, set()) - set(plan.closes) - {entry_id}
        if others:
            return f"what {entry_id} said was remembered again since, as {min(others)}"
    return None


def _restore(tx: Transaction, store: StoreRow, target: Row) -> Switched:
    """Make the live state exactly what the version showed."""
    kept = checkpoint(tx, store)
    parameters = {"store_id": store.store_id, "seq": target["seq"]}
    wanted = {
        row["entry_id"]: _State(row["root_id"], row["content_id"])
        for row in tx.rows(
            """
            SELECT entry_id, content_id, COALESCE(restored_from, revision_id) AS root_id FROM revision
            WHERE store_id = :store_id AND from_seq <= :seq AND to_seq > :seq
            """,
            parameters,
        )
    }
    since = {
        row["entry_id"]: _State(row["root_id"], row["content_id"])
        for row in tx.rows(
            """
            SELECT entry_id, content_id, COALESCE(restored_from, revision_id) AS root_id FROM revision
            WHERE store_id = :store_id AND from_seq > :seq AND to_seq IS NULL
            """,
            parameters,
        )
    }
    plans: list[_Plan] = []
    for entry_id in sorted({*wanted, *since}):
        old, new = since.get(entry_id), wanted.get(entry_id)
        if old is not None and new is not None and old.root_id == new.root_id:
            continue
        plans.append(
            _Plan(
                change_id=0,
                name=entry_id,
                operation="restore",
                closes={} if old is None else {entry_id: old},
                opens={} if new is None else {entry_id: new},
            )
        )
    movers = _movers(tx, store)
    by = undone(movers)
    later = [row["number"] for row in reversed(movers) if row["seq"] > target["seq"] and row["number"] not in by]
    touched = {entry_id for plan in plans for entry_id in (*plan.closes, *plan.opens)}
    initial = {entry_id: state for entry_id, state in since.items() if entry_id in touched}
    final = {entry_id: state for plan in plans for entry_id, state in plan.opens.items()}
    switched = _write_rollback(tx, store, plans, initial, final, restores=target["number"])
    return Switched(
        store=store.name,
        head=switched,
        previous=store.head,
        checkpoint=kept,
        applied=len(plans),
        skipped=(),
        suggested=0,
        undone=tuple(later),
    )


def _write_rollback(
    tx: Transaction,
    store: StoreRow,
    plans: Sequence[_Plan],
    initial: Mapping[EntryId, _State],
    final: Mapping[EntryId, _State],
    *,
    undoes: Sequence[int] | None = None,
    restores: int | None = None,
) -> int:
    """Write the new version: its changes, and what they come to for each entry; gives its number."""
    seq = names.next_seq(tx, store.store_id)
    if undoes is None:
        note = f"restores version {restores}"
    else:
        note = "undoes " + ", ".join(f"version {number}" for number in undoes)
    number = insert_version(
        tx, store, "rollback", parent=store.head, seq=seq, undoes=undoes, restores=restores, note=note
    )
    first = tx.value("SELECT COALESCE(MAX(change_id), 0) + 1 FROM change")
    tx.execute_many(
        """
        INSERT INTO change (
            change_id, store_id, version, number, operation, risk, decision, decided_by, decided_at, reason,
            evidence, fingerprint, applied
        ) VALUES (
            :change_id, :store_id, :version, :number, :operation, 'low', 'included', :actor, :now, :reason,
            '[]', x'', 1
        )
        """,
        (
            {
                "change_id": first + index,
                "store_id": store.store_id,
                "version": number,
                "number": index + 1,
                "operation": plan.operation,
                "actor": tx.actor,
                "now": tx.now,
                "reason": f"Undoes {plan.name} ({plan.reverts})." if plan.reverts else f"Returns {plan.name}.",
            }
            for index, plan in enumerate(plans)
        ),
    )
    tx.execute_many(
        "INSERT INTO change_read (change_id, revision_id, closes) VALUES (:change_id, :root_id, 1)",
        (
            {"change_id": first + index, "root_id": state.root_id}
            for index, plan in enumerate(plans)
            for state in plan.closes.values()
        ),
    )
    tx.execute_many(
        """
        INSERT INTO change_open (
            change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, root_id
        )
        SELECT
            :change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, :root_id
        FROM revision WHERE revision_id = :root_id
        """,
        (
            {"change_id": first + index, "root_id": state.root_id}
            for index, plan in enumerate(plans)
            for state in plan.opens.values()
        ),
    )
    last_change = {
        entry_id: first + index for index, plan in enumerate(plans) for entry_id in (*plan.closes, *plan.opens)
    }
    moved = [entry_id for entry_id in last_change if initial.get(entry_id) != final.get(entry_id)]
    tx.execute_many(
        """
        UPDATE revision
        SET to_seq = :seq, closed_at = :now, closed_how = :how, closed_by = :change_id
        WHERE entry_id = :entry_id AND to_seq IS NULL
        """,
        (
            {
                "entry_id": entry_id,
                "seq": seq,
                "now": tx.now,
                "how": "edited" if entry_id in final else "rollback",
                "change_id": last_change[entry_id],
            }
            for entry_id in moved
            if entry_id in initial
        ),
    )
    tx.execute_many(
        """
        INSERT INTO revision (
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            restored_from, opened_by, from_seq, opened_at
        )
        SELECT
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            revision_id, :change_id, :seq, :now
        FROM revision WHERE revision_id = :root_id
        """,
        (
            {
                "root_id": final[entry_id].root_id,
                "change_id": last_change[entry_id],
                "seq": seq,
                "now": tx.now,
            }
            for entry_id in moved
            if entry_id in final
        ),
    )
    tx.execute(
        "UPDATE store SET head = :number WHERE store_id = :store_id",
        {"number": number, "store_id": store.store_id},
    )
    for index, plan in enumerate(plans):
        audit.append(
            tx,
            store_id=store.store_id,
            seq=seq,
            action=plan.operation,
            subject=f"v{number}/c{index + 1}",
            entries=[*plan.closes, *plan.opens],
        )
    audit.append(
        tx,
        store_id=store.store_id,
        seq=seq,
        action="rollback",
        subject=f"v{number}",
        mode="restore" if undoes is None else "revert",
        previous=store.head,
    )
    return number
