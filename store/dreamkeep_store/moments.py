"""Moments: when each entry that a version shows was said, in numbers only, for whoever ranks all of them at once."""

from array import array
from collections.abc import Iterable

from dreamkeep_store import audit
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TIERS, Moments, Outcomes
from dreamkeep_store.names import StoreRow
from dreamkeep_store.versions import base_seq, erased, find_version

COLUMNS = 5
"""revision, root, content, tier (its place in TIERS), asserted_at (microseconds since 1970 in UTC)."""


def moments(tx: Transaction, store: StoreRow, after: Moments | None) -> Moments:
    """The live entries; with `after`, what has changed since, if nothing was erased meanwhile."""
    if after is None or (after.store_id, after.erased) != (store.store_id, erased(tx, store)):
        return _whole(tx, store)
    if not audit.holds(tx, after.history):
        return _whole(tx, store)
    asked = {"store_id": store.store_id, "seq": after.seq}
    # One query of a WHERE with OR goes through all revisions of the store.
    opened = tx.rows(
        """
        SELECT revision_id, COALESCE(restored_from, revision_id) AS root_id, content_id, tier, asserted_at
        FROM revision WHERE store_id = :store_id AND from_seq > :seq AND to_seq IS NULL
        """,
        asked,
    )
    closed = tx.rows(
        """
        SELECT revision_id FROM revision WHERE store_id = :store_id AND to_seq > :seq AND from_seq <= :seq
        """,
        asked,
    )
    return Moments(
        store_id=store.store_id,
        erased=after.erased,
        seq=store.seq,
        history=audit.newest(tx),
        whole=False,
        opened=_in_numbers(opened),
        closed=tuple(row["revision_id"] for row in closed),
    )


def _whole(tx: Transaction, store: StoreRow) -> Moments:
    rows = tx.rows(
        """
        SELECT revision_id, COALESCE(restored_from, revision_id) AS root_id, content_id, tier, asserted_at
        FROM revision WHERE store_id = :store_id AND to_seq IS NULL
        """,
        {"store_id": store.store_id},
    )
    return Moments(
        store_id=store.store_id,
        erased=erased(tx, store),
        seq=store.seq,
        history=audit.newest(tx),
        whole=True,
        opened=_in_numbers(rows),
        closed=(),
    )


def moments_of_version(tx: Transaction, store: StoreRow, number: int) -> Moments:
    """The entries that a version shows; a change that a proposal includes has a revision number below zero."""
    version = find_version(tx, store, number)
    if version["state"] == "discarded":
        raise InvalidError(f"Version {number} of store {store.name} was discarded; read another one.")
    is_proposal = version["seq"] is None
    seq = base_seq(tx, store, version) if is_proposal else version["seq"]
    rows = tx.rows(
        """
        SELECT revision_id, COALESCE(restored_from, revision_id) AS root_id, content_id, tier, asserted_at
        FROM revision
        WHERE store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
            AND (:proposal IS NULL OR NOT EXISTS (
                SELECT 1 FROM change_read
                CROSS JOIN change ON change.change_id = change_read.change_id
                WHERE change_read.revision_id = revision.revision_id AND change_read.closes = 1
                    AND change.version = :proposal AND change.decision = 'included' AND change.applied IS NULL
            ))
        UNION ALL
        SELECT -change_open.open_id, change_open.open_id, change_open.content_id, change_open.tier,
            change_open.asserted_at
        FROM change CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id = :store_id AND change.version = :proposal AND change.decision = 'included'
        """,
        {"store_id": store.store_id, "seq": seq, "proposal": number if is_proposal else None},
    )
    return Moments(
        store_id=store.store_id,
        erased=erased(tx, store),
        seq=seq,
        history=audit.newest(tx),
        whole=True,
        opened=_in_numbers(rows),
        closed=(),
    )


def _in_numbers(rows: Iterable[Row]) -> "array[int]":
    place = {tier: index for index, tier in enumerate(TIERS)}
    numbers = array("q")
    for row in rows:
        numbers.extend((row["revision_id"], row["root_id"], row["content_id"], place[row["tier"]], row["asserted_at"]))
    return numbers


def outcomes(tx: Transaction, store: StoreRow) -> Outcomes:
    """How the live entries fared of which somebody said so."""
    rows = tx.rows(
        """
        SELECT revision.revision_id, usage.useful, usage.wrong, usage.outdated,
            COALESCE(usage.useful_at, 0) AS useful_at
        FROM usage
        CROSS JOIN revision ON revision.entry_id = usage.entry_id AND revision.to_seq IS NULL
        WHERE usage.store_id = :store_id AND usage.useful + usage.wrong + usage.outdated > 0
        """,
        {"store_id": store.store_id},
    )
    numbers = array("q")
    for row in rows:
        numbers.extend((row["revision_id"], row["useful"], row["wrong"], row["outdated"], row["useful_at"]))
    return Outcomes(newest=newest_outcome(tx), seq=store.seq, rows=numbers)


def newest_outcome(tx: Transaction) -> int:
    """The number of the newest outcome in the database: a larger one means that an entry fared otherwise."""
    return tx.value("SELECT COALESCE(MAX(outcome_id), 0) FROM outcome")
