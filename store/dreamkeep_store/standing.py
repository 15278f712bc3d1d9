"""How a store stands, in figures."""

from dreamkeep_store.database import Transaction, from_micros
from dreamkeep_store.models import FRUITLESS_DREAMS_MAX, TIERS, Standing
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import newest_seq


def standing(tx: Transaction, store: StoreRow) -> Standing:
    """Entries, versions, sessions, the open proposal and the latest dream of a store."""
    key = {"store_id": store.store_id}
    by_tier = dict.fromkeys(TIERS, 0) | {
        row["tier"]: row["count"]
        for row in tx.rows(
            """
            SELECT tier, COUNT(*) AS count FROM revision
            WHERE store_id = :store_id AND to_seq IS NULL GROUP BY tier
            """,
            key,
        )
    }
    sessions = tx.row(
        """
        SELECT COUNT(*) AS total, COALESCE(SUM(read_messages < messages), 0) AS new FROM session
        WHERE store_id = :store_id
        """,
        key,
    )
    proposal = tx.row("SELECT number, created_at FROM version WHERE store_id = :store_id AND state = 'proposed'", key)
    latest = tx.row(
        """
        SELECT dream_id, status, ended_at FROM dream WHERE store_id = :store_id
        ORDER BY created_at DESC, dream_id DESC LIMIT 1
        """,
        key,
    )
    completed = tx.row(
        """
        SELECT dream.ended_at, version.seq FROM dream
        JOIN version ON version.store_id = dream.store_id AND version.number = dream.base
        WHERE dream.store_id = :store_id
            AND (dream.status = 'completed' OR (dream.error_code = 'budget_exceeded' AND dream.output_version NOT NULL))
        ORDER BY dream.ended_at DESC LIMIT 1
        """,
        key,
    )
    entries_then = None
    if completed is not None:
        # From what is live now, by what was written since: counting what was visible then would read every revision.
        entries_then = sum(by_tier.values()) + tx.value(
            """
            SELECT
                (SELECT COUNT(*) FROM revision WHERE store_id = :store_id AND to_seq > :seq AND from_seq <= :seq)
                - (SELECT COUNT(*) FROM revision WHERE store_id = :store_id AND from_seq > :seq AND to_seq IS NULL)
            """,
            {**key, "seq": completed["seq"]},
        )
    fruitless = _fruitless(tx, store)
    assert sessions is not None  # an aggregate has a row
    return Standing(
        store=store.name,
        head=store.head,
        seq=store.seq,
        written_since_head=store.seq - newest_seq(tx, store),
        by_tier={str(tier): count for tier, count in by_tier.items()},
        versions=tx.value("SELECT COUNT(*) FROM version WHERE store_id = :store_id", key),
        sessions=sessions["total"],
        new_sessions=sessions["new"],
        proposal=None if proposal is None else proposal["number"],
        proposal_at=None if proposal is None else from_micros(proposal["created_at"]),
        dream_id=None if latest is None else latest["dream_id"],
        dream_status=None if latest is None else latest["status"],
        dreamed_at=None if completed is None else from_micros(completed["ended_at"]),
        entries_at_dream=entries_then,
        dream_ended_at=None if latest is None or latest["ended_at"] is None else from_micros(latest["ended_at"]),
        fruitless=len(fruitless),
        failure=next((why for why in fruitless if why is not None), None),
    )


def _fruitless(tx: Transaction, store: StoreRow) -> list[str | None]:
    """The latest dreams in a row that came to nothing, the newest first: why each failed, None where it did not.

    One that was canceled counts neither way. One that started by itself came to nothing as well when all that it
    proposed was thrown away; where somebody asked for the dream, that was their own business.
    """
    rows = tx.rows(
        """
        SELECT error_code, error_message,
            status = 'failed' AND (error_code <> 'budget_exceeded' OR output_version IS NULL) AS has_failed,
            requested_by = 'policy'
                AND EXISTS (SELECT 1 FROM version WHERE version.dream_id = dream.dream_id)
                AND NOT EXISTS (
                    SELECT 1 FROM version WHERE version.dream_id = dream.dream_id AND version.state <> 'discarded'
                ) AS is_thrown_away
        FROM dream WHERE store_id = :store_id AND status IN ('completed', 'failed')
        ORDER BY created_at DESC, dream_id DESC LIMIT :most
        """,
        {"store_id": store.store_id, "most": FRUITLESS_DREAMS_MAX},
    )
    fruitless: list[str | None] = []
    for row in rows:
        if not row["has_failed"] and not row["is_thrown_away"]:
            break
        fruitless.append(f"{row['error_code']}: {row['error_message']}" if row["has_failed"] else None)
    return fruitless
