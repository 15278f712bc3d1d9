"""The difference between two versions, entry by entry, with who or what made it."""

import json
from collections.abc import Mapping, Sequence

from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import Difference, DiffPage, EntryId
from dreamkeep_store.names import StoreRow
from dreamkeep_store.revisions import to_entry
from dreamkeep_store.versions import base_seq, check_page, find_version


def diff(
    tx: Transaction, store: StoreRow, base: int | None, target: int | None, *, limit: int | None, offset: int
) -> DiffPage:
    """What turns `base` into `target`, in order of entry id; None is the head with every write since.

    From the head to a proposal it is what the proposal's included changes do: writes since the dream
    read its base are not the proposal's, and a switch keeps them. No limit gives all of it.
    """
    if limit is not None:
        check_page(limit, offset)
    to = _readable(tx, store, target)
    start = _readable(tx, store, base)
    if to is not None and to["seq"] is None and base is None:
        start = find_version(tx, store, to["parent"])
    touched = _touched(tx, store, _seq(tx, store, start), _seq(tx, store, to))
    for version in (start, to):
        if version is not None and version["seq"] is None:
            touched |= _changed_by(tx, store, version["number"])
    before = _states(tx, store, start, touched)
    after = _states(tx, store, to, touched)
    different = [entry_id for entry_id in sorted(touched) if _says(before, entry_id) != _says(after, entry_id)]
    page = different[offset:] if limit is None else different[offset : offset + limit]
    causes = _causes(tx, store, to, page)
    return DiffPage(
        differences=tuple(
            _difference(entry_id, before.get(entry_id), after.get(entry_id), causes.get(entry_id)) for entry_id in page
        ),
        total=len(different),
    )


def _readable(tx: Transaction, store: StoreRow, number: int | None) -> Row | None:
    if number is None:
        return None
    version = find_version(tx, store, number)
    if version["state"] == "discarded":
        raise ConflictError(
            f"Version {number} of store {store.name} was discarded, so there is nothing to compare with. "
            "list_versions shows the versions that can be read."
        )
    return version


def _seq(tx: Transaction, store: StoreRow, version: Row | None) -> int:
    if version is None:
        return store.seq
    return base_seq(tx, store, version) if version["seq"] is None else version["seq"]


def _touched(tx: Transaction, store: StoreRow, one: int, other: int) -> set[EntryId]:
    """Entries that got or lost a state between two seqs."""
    rows = tx.rows(
        """
        SELECT entry_id FROM revision WHERE store_id = :store_id AND from_seq > :low AND from_seq <= :high
        UNION
        SELECT entry_id FROM revision WHERE store_id = :store_id AND to_seq > :low AND to_seq <= :high
        """,
        {"store_id": store.store_id, "low": min(one, other), "high": max(one, other)},
    )
    return {row["entry_id"] for row in rows}


def _changed_by(tx: Transaction, store: StoreRow, number: int) -> set[EntryId]:
    """Entries that the included changes of a proposal close or open."""
    rows = tx.rows(
        """
        SELECT revision.entry_id FROM change
        CROSS JOIN change_read ON change_read.change_id = change.change_id AND change_read.closes = 1
        CROSS JOIN revision ON revision.revision_id = change_read.revision_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
        UNION
        SELECT change_open.entry_id FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
        """,
        {"store_id": store.store_id, "version": number},
    )
    return {row["entry_id"] for row in rows}


def _states(tx: Transaction, store: StoreRow, version: Row | None, entry_ids: set[EntryId]) -> dict[EntryId, Row]:
    """What these entries say in a version, as rows of the view `entry` or of its shape."""
    rows = tx.rows(
        """
        SELECT entry.* FROM json_each(:ids) AS wanted
        CROSS JOIN entry ON entry.entry_id = wanted.value
        WHERE +entry.store_id = :store_id -- the plus keeps SQLite from looking up the whole store for each id
            AND entry.from_seq <= :seq AND (entry.to_seq IS NULL OR entry.to_seq > :seq)
        """,
        {"ids": json.dumps(sorted(entry_ids)), "store_id": store.store_id, "seq": _seq(tx, store, version)},
    )
    states = {row["entry_id"]: row for row in rows}
    if version is None or version["seq"] is not None:
        return states
    number = version["number"]
    for entry_id in _changed_by(tx, store, number):
        states.pop(entry_id, None)
    for row in tx.rows(
        """
        SELECT * FROM proposed_entry
        WHERE store_id = :store_id AND version = :version AND decision = 'included'
        """,
        {"store_id": store.store_id, "version": number},
    ):
        states[row["entry_id"]] = row
    return states


def _says(states: Mapping[EntryId, Row], entry_id: EntryId) -> tuple[object, ...] | None:
    row = states.get(entry_id)
    if row is None:
        return None
    return (row["content_id"], row["tier"], row["tags"], row["topic"], row["trust"], row["asserted_at"])


def _causes(tx: Transaction, store: StoreRow, target: Row | None, entry_ids: Sequence[EntryId]) -> dict[EntryId, Row]:
    """The last change, up to the target, that closed or opened each entry; plain writes have none."""
    ids = json.dumps(entry_ids)
    rows = tx.rows(
        """
        SELECT revision.entry_id, change.operation, change.reason, change.number, change.version
        FROM json_each(:ids) AS wanted
        CROSS JOIN revision ON revision.entry_id = wanted.value
        CROSS JOIN change ON change.change_id = CASE
            WHEN revision.to_seq <= :seq THEN revision.closed_by ELSE revision.opened_by END
        WHERE revision.from_seq = (
            SELECT MAX(latest.from_seq) FROM revision AS latest
            WHERE latest.entry_id = revision.entry_id AND latest.from_seq <= :seq
        )
        """,
        {"ids": ids, "seq": _seq(tx, store, target)},
    )
    causes = {row["entry_id"]: row for row in rows}
    if target is None or target["seq"] is not None:
        return causes
    proposed = tx.rows(
        """
        SELECT revision.entry_id, change.operation, change.reason, change.number, change.version FROM change
        CROSS JOIN change_read ON change_read.change_id = change.change_id AND change_read.closes = 1
        CROSS JOIN revision ON revision.revision_id = change_read.revision_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
        UNION ALL
        SELECT change_open.entry_id, change.operation, change.reason, change.number, change.version FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id = :store_id AND change.version = :version AND change.decision = 'included'
        """,
        {"store_id": store.store_id, "version": target["number"]},
    )
    return {**causes, **{row["entry_id"]: row for row in proposed}}


def _difference(entry_id: EntryId, before: Row | None, after: Row | None, cause: Row | None) -> Difference:
    plain = "remembered" if before is None else "forgotten" if after is None else "edited"
    return Difference(
        entry_id=entry_id,
        before=None if before is None else to_entry(before),
        after=None if after is None else to_entry(after),
        how=plain if cause is None else cause["operation"],
        version=None if cause is None else cause["version"],
        change=None if cause is None else cause["number"],
        reason=None if cause is None else cause["reason"],
    )
