"""Switching to a proposal: its included changes become part of the live memory, in one transaction.

A change applies whole or not at all, and what was written since it was planned always wins. States are
compared by root: the revision in which a state was first written, so that a state which came back is
recognised as the same.
"""

from collections.abc import Mapping, Sequence

from dreamkeep_store import audit, names
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import Skipped, Switched
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import checkpoint, find_version, proposed_version


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
    decided = tx.rows(
        """
        SELECT number, operation, applied FROM change
        WHERE store_id = :store_id AND version = :version AND applied IS NOT NULL ORDER BY number
        """,
        parameters,
    )
    audit.append_all(
        tx,
        store_id=store.store_id,
        seq=seq,
        records=(
            audit.Record(
                action="apply" if row["applied"] else "skip",
                subject=f"{version['dream_id']}/c{row['number']}",
                detail={"operation": row["operation"]},
            )
            for row in decided
        ),
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
