"""Rolling back: undoing what came after a version, or returning to what it was, as a new version.

One transaction, as a switch is; a change is undone whole or left whole. States are compared by root, as
in `switching`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dreamkeep_store import audit, names
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import EntryId, RollbackMode, Skipped, Switched
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import checkpoint, erased, find_version, insert_version


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a rollback would do to a store as it was when it was planned."""

    seq: int
    erased: int
    plans: Sequence[_Plan]
    initial: Mapping[EntryId, _State]
    final: Mapping[EntryId, _State]
    undone: tuple[int, ...]
    restores: int | None = None
    left: tuple[Skipped, ...] = ()
    kept_entries: int = 0


def plan(tx: Transaction, store: StoreRow, number: int | None, mode: RollbackMode) -> Planned:
    """Decide how to undo what came after a version; writes nothing.

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


def still_holds(tx: Transaction, store: StoreRow, planned: Planned) -> bool:
    """Whether nothing was written to the store, and nothing erased from it, since the rollback was planned."""
    return planned.seq == store.seq and planned.erased == erased(tx, store)


def rollback(tx: Transaction, store: StoreRow, planned: Planned) -> Switched:
    """Carry a plan that still holds out, as a new version: history is never rewritten."""
    kept = checkpoint(tx, store)
    return Switched(
        store=store.name,
        head=_write_rollback(tx, store, planned),
        previous=store.head,
        checkpoint=kept,
        applied=len(planned.plans),
        skipped=planned.left,
        suggested=0,
        undone=planned.undone,
        kept=planned.kept_entries,
    )


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


def undone_now(tx: Transaction, store: StoreRow) -> frozenset[int]:
    """Which switches and rollbacks of a store are undone, by number."""
    return frozenset(undone(_movers(tx, store)))


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


def _revert(tx: Transaction, store: StoreRow, movers: Sequence[Row]) -> Planned:
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
    return Planned(
        seq=store.seq,
        erased=erased(tx, store),
        plans=done,
        initial=initial,
        final=live,
        undone=tuple(numbers),
        left=tuple(left),
        kept_entries=kept_entries,
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


def _restore(tx: Transaction, store: StoreRow, target: Row) -> Planned:
    """Make the live state exactly what the version showed."""
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
    return Planned(
        seq=store.seq,
        erased=erased(tx, store),
        plans=plans,
        initial=initial,
        final=final,
        undone=tuple(later),
        restores=target["number"],
    )


def _write_rollback(tx: Transaction, store: StoreRow, planned: Planned) -> int:
    """Write the new version: its changes, and what they come to for each entry; gives its number.

    Rows that copy a revision are written by one statement: a statement for each takes twice as long, and
    nobody else can write meanwhile.
    """
    seq = names.next_seq(tx, store.store_id)
    is_revert = planned.restores is None
    if is_revert:
        note = "undoes " + ", ".join(f"version {number}" for number in planned.undone)
    else:
        note = f"restores version {planned.restores}"
    number = insert_version(
        tx,
        store,
        "rollback",
        parent=store.head,
        seq=seq,
        undoes=planned.undone if is_revert else None,
        restores=planned.restores,
        note=note,
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
            for index, plan in enumerate(planned.plans)
        ),
    )
    _write_moves(tx, planned, first, seq)
    tx.execute(
        "UPDATE store SET head = :number WHERE store_id = :store_id",
        {"number": number, "store_id": store.store_id},
    )
    audit.append_all(
        tx,
        store_id=store.store_id,
        seq=seq,
        records=(
            audit.Record(
                action=plan.operation,
                subject=f"v{number}/c{index + 1}",
                detail={"entries": [*plan.closes, *plan.opens]},
            )
            for index, plan in enumerate(planned.plans)
        ),
    )
    audit.append(
        tx,
        store_id=store.store_id,
        seq=seq,
        action="rollback",
        subject=f"v{number}",
        mode="revert" if is_revert else "restore",
        previous=store.head,
    )
    return number


def _write_moves(tx: Transaction, planned: Planned, first: int, seq: int) -> None:
    """Say what each change closes and opens, and make it so; `first` is the first change's id."""
    initial, final = planned.initial, planned.final
    tx.execute_many(
        "INSERT INTO change_read (change_id, revision_id, closes) VALUES (:change_id, :root_id, 1)",
        (
            {"change_id": first + index, "root_id": state.root_id}
            for index, plan in enumerate(planned.plans)
            for state in plan.closes.values()
        ),
    )
    opens = [
        (first + index, state.root_id) for index, plan in enumerate(planned.plans) for state in plan.opens.values()
    ]
    tx.execute(
        """
        INSERT INTO change_open (
            change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, root_id
        )
        SELECT
            opens.value ->> 0, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id, revision_id
        FROM json_each(:opens) AS opens CROSS JOIN revision ON revision_id = opens.value ->> 1
        """,
        {"opens": json.dumps(opens)},
    )
    last_change = {
        entry_id: first + index for index, plan in enumerate(planned.plans) for entry_id in (*plan.closes, *plan.opens)
    }
    moved = [entry_id for entry_id in last_change if initial.get(entry_id) != final.get(entry_id)]
    closing = [(entry_id, last_change[entry_id], entry_id in final) for entry_id in moved if entry_id in initial]
    tx.execute(
        """
        WITH closing AS MATERIALIZED (
            SELECT live.revision_id, wanted.value ->> 1 AS change_id, wanted.value ->> 2 AS stays
            FROM json_each(:closing) AS wanted
            CROSS JOIN revision AS live ON live.entry_id = wanted.value ->> 0 AND live.to_seq IS NULL
        )
        UPDATE revision
        SET to_seq = :seq, closed_at = :now, closed_how = CASE WHEN closing.stays THEN 'edited' ELSE 'rollback' END,
            closed_by = closing.change_id
        FROM closing WHERE revision.revision_id = closing.revision_id
        """,
        {"closing": json.dumps(closing), "seq": seq, "now": tx.now},
    )
    returning = [(final[entry_id].root_id, last_change[entry_id]) for entry_id in moved if entry_id in final]
    tx.execute(
        """
        INSERT INTO revision (
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            restored_from, opened_by, from_seq, opened_at
        )
        SELECT
            store_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id,
            revision_id, wanted.value ->> 1, :seq, :now
        FROM json_each(:returning) AS wanted CROSS JOIN revision ON revision_id = wanted.value ->> 0
        """,
        {"returning": json.dumps(returning), "seq": seq, "now": tx.now},
    )
