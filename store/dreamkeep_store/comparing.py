"""Which entries a dream has to compare with the others: all, or those that are new since the last one did."""

from dreamkeep_store.database import Transaction
from dreamkeep_store.dreams import check_fence, find_dream
from dreamkeep_store.models import DreamId, EntryId


def mark_compared(tx: Transaction, dream_id: DreamId, attempt: int, way: str, until: int | None) -> None:
    """Note that the dream has compared all that it reads in this way, with the vectors up to the number `until`."""
    check_fence(tx, dream_id, attempt)
    tx.execute(
        "UPDATE dream SET compared = :way, compared_until = :until WHERE dream_id = :id",
        {"id": dream_id, "way": way, "until": until},
    )


def fresh_entries(tx: Transaction, dream_id: DreamId, way: str) -> frozenset[EntryId] | None:
    """Return the entries that no earlier dream compared with all others in this way; None when that is all of them.

    The last dream before this one counts that completed, compared in the same way, and was switched to or found
    nothing: what a discarded proposal said may be said again. What its changes had read is compared once more, so
    that what is only suggested stays so, and what a merge left is seen beside what it was not compared with; and so
    is a text that got its vector since.
    """
    dream = find_dream(tx, dream_id, None, None)
    last = tx.row(
        """
        SELECT dream.dream_id, dream.compared_until, read.seq FROM dream
        JOIN version AS read ON read.store_id = dream.store_id AND read.number = dream.base
        LEFT JOIN version AS written ON written.store_id = dream.store_id AND written.number = dream.output_version
        WHERE dream.store_id = :store_id AND dream.compared = :way AND dream.status = 'completed'
            AND dream.dream_id != :id AND dream.created_at <= :created_at
            AND (dream.output_version IS NULL OR written.state = 'published')
        ORDER BY dream.created_at DESC, dream.dream_id LIMIT 1
        """,
        {"store_id": dream["store_id"], "way": way, "id": dream_id, "created_at": dream["created_at"]},
    )
    if last is None:
        return None
    rows = tx.rows(
        """
        SELECT revision.entry_id FROM revision
        JOIN version ON version.store_id = revision.store_id AND version.number = :base
        WHERE revision.store_id = :store_id
            AND revision.from_seq <= version.seq AND (revision.to_seq IS NULL OR revision.to_seq > version.seq)
            AND (
                revision.from_seq > :seq OR revision.to_seq <= :seq
                OR EXISTS (
                    SELECT 1 FROM change_read JOIN change USING (change_id)
                    WHERE change_read.revision_id = revision.revision_id AND change.dream_id = :last
                )
                OR EXISTS (
                    SELECT 1 FROM vector
                    WHERE vector.content_id = revision.content_id AND vector.vector_id > :until
                )
            )
        """,
        {
            "store_id": dream["store_id"],
            "base": dream["base"],
            "seq": last["seq"],
            "last": last["dream_id"],
            "until": last["compared_until"],
        },
    )
    return frozenset(row["entry_id"] for row in rows)
