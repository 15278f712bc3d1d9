"""Changes: writing a plan down, reading it for review, deciding on it, and moving what is left over."""

import json
from collections.abc import Iterable, Mapping, Sequence

from dreamkeep_store import limits
from dreamkeep_store.database import Row, Transaction, from_micros, to_micros
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import (
    RISKS,
    Change,
    ChangePage,
    Decision,
    DraftChange,
    Edit,
    Entry,
    EntryId,
    NewRevision,
    Operation,
    Quote,
    Risk,
)
from dreamkeep_store.names import StoreRow
from dreamkeep_store.revisions import put_content, tags_json, to_entry
from dreamkeep_store.versions import base_seq, check_page, find_version, to_new_revision

BEGINNING_CHARACTERS = 40
"""Of a text, in a sentence that lets somebody choose among several."""


def insert_changes(
    tx: Transaction,
    store: StoreRow,
    version: int,
    dream_id: str,
    changes: Sequence[DraftChange],
    contents: Mapping[str, int],
) -> None:
    """Write a dream's plan under its proposal, numbered from 1 in the order given.

    `contents` are the ids of texts that are stored already.
    """
    first = tx.value("SELECT COALESCE(MAX(change_id), 0) + 1 FROM change")
    tx.execute_many(
        """
        INSERT INTO change (
            change_id, store_id, version, dream_id, number, operation, risk, decision, decided_by, decided_at,
            reason, evidence, fingerprint
        ) VALUES (
            :change_id, :store_id, :version, :dream_id, :number, :operation, :risk, :decision, 'judge', :now,
            :reason, :evidence, :fingerprint
        )
        """,
        (
            {
                "change_id": first + index,
                "store_id": store.store_id,
                "version": version,
                "dream_id": dream_id,
                "number": index + 1,
                "operation": change.operation,
                "risk": change.risk,
                "decision": change.decision,
                "now": tx.now,
                "reason": change.reason,
                "evidence": json.dumps(change.evidence, ensure_ascii=False),
                "fingerprint": change.fingerprint,
            }
            for index, change in enumerate(changes)
        ),
    )
    tx.execute_many(
        "INSERT INTO change_read (change_id, revision_id, closes) VALUES (:change_id, :revision_id, :closes)",
        (
            {"change_id": first + index, "revision_id": revision_id, "closes": revision_id in change.closes}
            for index, change in enumerate(changes)
            for revision_id in change.reads
        ),
    )
    tx.execute_many(
        """
        INSERT INTO change_open (
            change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id
        ) VALUES (
            :change_id, :entry_id, :content_id, :tier, :tags, :topic, :trust, :asserted_at, :session_id
        )
        """,
        [
            {
                "change_id": first + index,
                "entry_id": new.entry_id,
                "content_id": contents.get(new.content) or put_content(tx, store.store_id, new.content).content_id,
                "tier": new.tier,
                "tags": tags_json(new.tags),
                "topic": new.topic,
                "trust": new.trust,
                "asserted_at": to_micros(new.asserted_at),
                "session_id": new.session_id,
            }
            for index, change in enumerate(changes)
            for new in change.opens
        ],
    )
    tx.execute_many(
        """
        INSERT INTO change_quote (change_id, position, session_id, message, role, text, at)
        VALUES (:change_id, :position, :session_id, :message, :role, :text, :at)
        """,
        (
            {
                "change_id": first + index,
                "position": position,
                "session_id": quote.session_id,
                "message": quote.message,
                "role": quote.role,
                "text": quote.text,
                "at": None if quote.at is None else to_micros(quote.at),
            }
            for index, change in enumerate(changes)
            for position, quote in enumerate(change.quotes)
        ),
    )


def list_changes(
    tx: Transaction,
    store: StoreRow,
    dream_id: str,
    *,
    numbers: Sequence[int],
    operations: Sequence[Operation],
    risks: Sequence[Risk],
    decisions: Sequence[Decision],
    limit: int,
    offset: int,
) -> ChangePage:
    """A page of a dream's changes, riskiest first, then by number."""
    check_page(limit, offset)
    parameters = {
        "dream_id": dream_id,
        "numbers": json.dumps(numbers) if numbers else None,
        "operations": json.dumps(operations) if operations else None,
        "risks": json.dumps(risks) if risks else None,
        "decisions": json.dumps(decisions) if decisions else None,
        "limit": limit,
        "offset": offset,
    }
    rows = tx.rows(
        """
        SELECT change_id, version, dream_id, number, operation, risk, decision, decided_by, reason, evidence,
            applied, skipped, COUNT(*) OVER () AS total
        FROM change
        WHERE dream_id = :dream_id
            AND (:numbers IS NULL OR number IN (SELECT value FROM json_each(:numbers)))
            AND (:operations IS NULL OR operation IN (SELECT value FROM json_each(:operations)))
            AND (:risks IS NULL OR risk IN (SELECT value FROM json_each(:risks)))
            AND (:decisions IS NULL OR decision IN (SELECT value FROM json_each(:decisions)))
        ORDER BY CASE risk WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, number
        LIMIT :limit OFFSET :offset
        """,
        parameters,
    )
    return ChangePage(changes=tuple(to_changes(tx, store, rows)), total=rows[0]["total"] if rows else 0)


def to_changes(tx: Transaction, store: StoreRow, rows: Sequence[Row]) -> list[Change]:
    """Changes with what they read, open and quote, from rows of `change`."""
    wanted = {"ids": json.dumps([row["change_id"] for row in rows])}
    before: dict[int, list[Entry]] = {}
    closes: dict[int, list[int]] = {}
    for row in tx.rows(
        """
        SELECT change_read.change_id, change_read.closes, entry.*
        FROM json_each(:ids) AS wanted
        CROSS JOIN change_read ON change_read.change_id = wanted.value
        CROSS JOIN entry ON entry.revision_id = change_read.revision_id
        ORDER BY entry.asserted_at, entry.entry_id
        """,
        wanted,
    ):
        before.setdefault(row["change_id"], []).append(to_entry(row))
        if row["closes"]:
            closes.setdefault(row["change_id"], []).append(row["revision_id"])
    after: dict[int, list[NewRevision]] = {}
    for row in tx.rows(
        """
        SELECT proposed_entry.* FROM json_each(:ids) AS wanted
        CROSS JOIN proposed_entry ON proposed_entry.change_id = wanted.value
        ORDER BY -proposed_entry.revision_id
        """,
        wanted,
    ):
        after.setdefault(row["change_id"], []).append(to_new_revision(row))
    quotes: dict[int, list[Quote]] = {}
    for row in tx.rows(
        """
        SELECT change_quote.change_id, session_id, message, role, text, at FROM json_each(:ids) AS wanted
        CROSS JOIN change_quote ON change_quote.change_id = wanted.value ORDER BY position
        """,
        wanted,
    ):
        quotes.setdefault(row["change_id"], []).append(
            Quote(
                session_id=row["session_id"],
                message=row["message"],
                text=row["text"],
                role=row["role"],
                at=None if row["at"] is None else from_micros(row["at"]),
            )
        )
    outdated = {
        row["change_id"]: row["reason"]
        for row in tx.rows(
            """
            SELECT change_read.change_id, MIN(read.entry_id) || ' was changed since the dream read it' AS reason
            FROM json_each(:ids) AS wanted
            CROSS JOIN change_read ON change_read.change_id = wanted.value
            CROSS JOIN revision AS read ON read.revision_id = change_read.revision_id
            LEFT JOIN revision AS live ON live.entry_id = read.entry_id AND live.to_seq IS NULL
            WHERE COALESCE(live.restored_from, live.revision_id) IS NOT COALESCE(read.restored_from, read.revision_id)
            GROUP BY change_read.change_id
            """,
            wanted,
        )
    }
    return [
        Change(
            number=row["number"],
            store=store.name,
            version=row["version"],
            dream_id=row["dream_id"],
            operation=row["operation"],
            risk=row["risk"],
            decision=row["decision"],
            decided_by=row["decided_by"],
            reason=row["reason"],
            quotes=tuple(quotes.get(row["change_id"], ())),
            evidence=tuple(json.loads(row["evidence"])),
            before=tuple(before.get(row["change_id"], ())),
            closes=tuple(closes.get(row["change_id"], ())),  # pyright: ignore[reportArgumentType]  # a NewType
            after=tuple(after.get(row["change_id"], ())),
            applied=None if row["applied"] is None else bool(row["applied"]),
            skipped=row["skipped"],
            outdated=outdated.get(row["change_id"]) if row["applied"] is None else None,
        )
        for row in rows
    ]


def named_changes(tx: Transaction, dream_id: str, numbers: Sequence[int]) -> Mapping[int, Row]:
    """The rows of the changes with these numbers; NotFoundError names one that is not there."""
    rows = tx.rows(
        """
        SELECT change_id, dream_id, number, version, operation, risk, decision, applied FROM change
        WHERE dream_id = :dream_id AND number IN (SELECT value FROM json_each(:numbers))
        """,
        {"dream_id": dream_id, "numbers": json.dumps(numbers)},
    )
    found = {row["number"]: row for row in rows}
    for number in numbers:
        if number not in found:
            last = tx.value("SELECT COALESCE(MAX(number), 0) FROM change WHERE dream_id = :id", {"id": dream_id})
            if number <= last:
                raise NotFoundError(
                    f"c{number} of dream {dream_id} is gone: what it spoke of was erased. review_dream lists the rest."
                )
            there = f"its changes are c1 to c{last}" if last else "it proposed no change"
            raise NotFoundError(f"There is no change c{number} in dream {dream_id}; {there}.")
    return found


def check_undone(row: Row) -> None:
    """ConflictError when the change's version was switched to, with it or without it."""
    if row["applied"] is not None:
        raise ConflictError(
            f"c{row['number']} of dream {row['dream_id']} belongs to version {row['version']}, which was switched to "
            "already. rollback undoes that switch."
        )


def accept_fitting(tx: Transaction, store: StoreRow, rows: Iterable[Row]) -> dict[int, str]:
    """Include, one after another, those that can be beside what is included then; gives why each other one cannot."""
    left_out: dict[int, str] = {}
    for row in rows:
        try:
            decide(tx, store, [row], "included")
        except ConflictError as refused:
            left_out[row["number"]] = str(refused)
    return left_out


def decide(
    tx: Transaction,
    store: StoreRow,
    rows: Iterable[Row],
    decision: Decision,
) -> None:
    """Record what somebody decided on changes that were not applied; `tx.actor` is who."""
    for row in rows:
        check_undone(row)
        if decision == "included":
            check_fits(tx, store, row)
            check_overlap(tx, row)
        tx.execute(
            """
            UPDATE change SET decision = :decision, decided_by = :actor, decided_at = :now
            WHERE change_id = :change_id
            """,
            {"decision": decision, "actor": tx.actor, "now": tx.now, "change_id": row["change_id"]},
        )


def check_fits(tx: Transaction, store: StoreRow, row: Row) -> None:
    """ConflictError when what the change read is not shown by the proposal's base, or not live any more."""
    gone = tx.value(
        """
        SELECT MIN(read.entry_id) FROM change_read
        CROSS JOIN revision AS read ON read.revision_id = change_read.revision_id
        LEFT JOIN revision AS live ON live.entry_id = read.entry_id AND live.to_seq IS NULL
        WHERE change_read.change_id = :change_id
            AND (
                NOT (read.from_seq <= :seq AND (read.to_seq IS NULL OR read.to_seq > :seq))
                OR COALESCE(live.restored_from, live.revision_id) IS NOT COALESCE(read.restored_from, read.revision_id)
            )
        """,
        {"change_id": row["change_id"], "seq": base_seq(tx, store, find_version(tx, store, row["version"]))},
    )
    if gone is not None:
        raise ConflictError(
            f"c{row['number']} cannot be accepted any more: {gone} was changed since the dream read it. Remember what "
            "you want instead, or start_dream looks again."
        )


def check_overlap(tx: Transaction, row: Row) -> None:
    """ConflictError when an included change of the same version closes or opens what this one does."""
    other = tx.value(
        """
        WITH touching (change_id) AS (
            SELECT theirs.change_id FROM change_read AS mine
            CROSS JOIN change_read AS theirs ON theirs.revision_id = mine.revision_id
            WHERE mine.change_id = :change_id AND (mine.closes = 1 OR theirs.closes = 1)
            UNION ALL
            SELECT theirs.change_id FROM change_open AS mine
            CROSS JOIN change_open AS theirs ON theirs.entry_id = mine.entry_id
            WHERE mine.change_id = :change_id
            UNION ALL
            SELECT theirs.change_id FROM change_open AS mine
            CROSS JOIN change_open AS theirs ON theirs.content_id = mine.content_id
            WHERE mine.change_id = :change_id
        )
        SELECT MIN(change.number) FROM touching
        CROSS JOIN change ON change.change_id = touching.change_id
        WHERE change.change_id != :change_id AND change.decision = 'included' AND change.version = :version
            AND change.dream_id = :dream_id
        """,
        {"version": row["version"], "change_id": row["change_id"], "dream_id": row["dream_id"]},
    )
    if other is not None:
        raise ConflictError(
            f"c{row['number']} cannot be accepted beside c{other}: both rest on the same entry, or write the same "
            f"text. Reject c{other} first, or leave c{row['number']} out."
        )


def edit(tx: Transaction, store: StoreRow, row: Row, wanted: Edit) -> None:
    """Let a change write this text, with this trust, instead of what its judge proposed.

    The change is at least of this risk from then on. Where it writes nothing and one entry stays in place of
    others, that entry is what it writes from then on.
    """
    content = limits.check_content(wanted.content)
    check_undone(row)
    tx.execute(
        "UPDATE change_open SET content_id = :content_id, trust = :trust WHERE open_id = :open_id",
        {
            "content_id": put_content(tx, store.store_id, content).content_id,
            "trust": wanted.trust,
            "open_id": _written_by(tx, row, wanted.entry_id),
        },
    )
    tx.execute(
        "UPDATE change SET reason = reason || ' (Text edited in review.)', risk = :risk WHERE change_id = :id",
        {"id": row["change_id"], "risk": max(row["risk"], wanted.risk, key=RISKS.index)},
    )


def _written_by(tx: Transaction, row: Row, entry_id: EntryId | None) -> int:
    """The `open_id` of the entry, or of the only one, that a change writes; InvalidError says which there are."""
    opens = tx.rows(
        """
        SELECT open_id, entry_id, text FROM change_open JOIN content USING (content_id)
        WHERE change_id = :id ORDER BY open_id
        """,
        {"id": row["change_id"]},
    )
    if not opens and (stays := _staying(tx, row)) is not None:
        opens = [stays]
    named = [one for one in opens if entry_id in (None, one["entry_id"])]
    if len(named) == 1:
        return named[0]["open_id"] or _write_staying(tx, row, named[0]["entry_id"])
    what = f"c{row['number']} ({row['operation']})"
    if not opens:
        raise InvalidError(
            f"{what} writes no text that could be edited. Reject it, and remember what you want instead."
        )
    there = ", ".join(f"{one['entry_id']} {_beginning(one['text'])!r}" for one in opens)
    asked = f"{what} does not write {entry_id}" if entry_id else f"{what} writes {len(opens)} entries"
    raise InvalidError(f"{asked}; name the entry whose text it is: {there}.")


def _beginning(text: str) -> str:
    return text if len(text) <= BEGINNING_CHARACTERS else text[:BEGINNING_CHARACTERS].rstrip() + "…"


def _staying(tx: Transaction, row: Row) -> Row | None:
    """The one entry that stays where a change closes others, if there is just one."""
    rows = tx.rows(
        """
        SELECT NULL AS open_id, entry_id, text FROM change_read
        CROSS JOIN revision ON revision.revision_id = change_read.revision_id
        JOIN content USING (content_id)
        WHERE change_id = :id AND closes = 0
        """,
        {"id": row["change_id"]},
    )
    return rows[0] if len(rows) == 1 else None


def _write_staying(tx: Transaction, row: Row, entry_id: EntryId) -> int:
    """Let a change close the entry that stays, and write it again; gives the `open_id` of that."""
    parameters = {"id": row["change_id"], "entry_id": entry_id}
    tx.execute(
        """
        INSERT INTO change_open (change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id)
        SELECT change_id, entry_id, content_id, tier, tags, topic, trust, asserted_at, session_id
        FROM change_read CROSS JOIN revision ON revision.revision_id = change_read.revision_id
        WHERE change_id = :id AND entry_id = :entry_id
        """,
        parameters,
    )
    tx.execute("UPDATE change_read SET closes = 1 WHERE change_id = :id AND closes = 0", parameters)
    return tx.value("SELECT open_id FROM change_open WHERE change_id = :id", parameters)


def hold_back(tx: Transaction, store: StoreRow, version: int, above: Risk) -> None:
    """Leave every included change of a proposal that is riskier than `above` as a suggestion."""
    tx.execute(
        """
        UPDATE change SET decision = 'suggested', decided_by = :actor, decided_at = :now
        WHERE store_id = :store_id AND version = :version AND decision = 'included' AND applied IS NULL
            AND risk IN (SELECT value FROM json_each(:risks))
        """,
        {
            "actor": tx.actor,
            "now": tx.now,
            "store_id": store.store_id,
            "version": version,
            "risks": json.dumps(RISKS[RISKS.index(above) + 1 :]),
        },
    )


def counts(tx: Transaction, dream_id: str) -> dict[str, int]:
    """How many changes a dream has of each `operation/risk/decision`."""
    rows = tx.rows(
        """
        SELECT operation || '/' || risk || '/' || decision AS kind, COUNT(*) AS count FROM change
        WHERE dream_id = :dream_id GROUP BY kind ORDER BY kind
        """,
        {"dream_id": dream_id},
    )
    return {row["kind"]: row["count"] for row in rows}


def rejected_fingerprints(tx: Transaction, store: StoreRow, before: int) -> frozenset[bytes]:
    """What somebody rejected in this store until then, by fingerprint."""
    rows = tx.rows(
        """
        SELECT DISTINCT fingerprint FROM change
        WHERE store_id = :store_id AND decision = 'rejected' AND decided_at <= :before
        """,
        {"store_id": store.store_id, "before": before},
    )
    return frozenset(row["fingerprint"] for row in rows)


def declined(tx: Transaction, store: StoreRow, before: int) -> frozenset[tuple[EntryId, str, str]]:
    """What somebody did not want entries to become until then: each with its text, and the tier or the topic.

    Entry by entry: such a change is of several only so that one decision is enough.
    """
    rows = tx.rows(
        """
        SELECT read.entry_id, content.text,
            CASE change.operation WHEN 'move' THEN change_open.topic ELSE change_open.tier END AS wanted
        FROM change
        JOIN change_open ON change_open.change_id = change.change_id
        JOIN change_read ON change_read.change_id = change.change_id
        JOIN revision AS read ON read.revision_id = change_read.revision_id AND read.entry_id = change_open.entry_id
        JOIN content ON content.content_id = read.content_id
        WHERE change.store_id = :store_id AND change.decision = 'rejected' AND change.decided_at <= :before
            AND change.operation IN ('move', 'retier')
        """,
        {"store_id": store.store_id, "before": before},
    )
    return frozenset((row["entry_id"], row["text"], row["wanted"]) for row in rows)
