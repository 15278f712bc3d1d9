"""Under which topics a version's entries are."""

from dreamkeep_store.database import Transaction
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import base_seq, find_version


def count_topics(tx: Transaction, store: StoreRow, number: int | None) -> dict[str, int]:
    """How many entries are under each topic itself, by path; under "" those without one.

    None is the live memory. InvalidError for a discarded version.
    """
    seq, proposal = store.seq, None
    if number is not None:
        version = find_version(tx, store, number)
        if version["state"] == "discarded":
            raise InvalidError(f"Version {number} of store {store.name} was discarded; read another one.")
        seq, proposal = version["seq"], None
        if seq is None:
            seq, proposal = base_seq(tx, store, version), number
    rows = tx.rows(
        """
        SELECT COALESCE(topic, '') AS topic, COUNT(*) AS entries FROM (
            SELECT revision.topic FROM revision
            WHERE store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
                AND (:proposal IS NULL OR NOT EXISTS (
                    SELECT 1 FROM change_read
                    CROSS JOIN change ON change.change_id = change_read.change_id
                    WHERE change_read.revision_id = revision.revision_id AND change_read.closes = 1
                        AND change.version = :proposal AND change.decision = 'included' AND change.applied IS NULL
                ))
            UNION ALL
            SELECT change_open.topic
            FROM change CROSS JOIN change_open ON change_open.change_id = change.change_id
            WHERE change.store_id = :store_id AND change.version = :proposal AND change.decision = 'included'
        )
        GROUP BY 1 ORDER BY 1
        """,
        {"store_id": store.store_id, "seq": seq, "proposal": proposal},
    )
    return {row["topic"]: row["entries"] for row in rows}
