"""Proposals: writing a plan down as a version, deciding on its changes, and what a switch left over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dreamkeep_store import audit, changes, names
from dreamkeep_store.database import Transaction
from dreamkeep_store.dreams import check_fence, check_free, find_dream
from dreamkeep_store.errors import ConflictError, InvalidError
from dreamkeep_store.models import TAGS_MAX, DraftChange, DreamId, Edit, EntryId, RevisionId
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.versions import erased, find_version, insert_version, live_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A plan was found sound, and its texts stored: so it stays while nothing is erased from its store."""

    erased: int
    contents: Mapping[str, int]


def check(tx: Transaction, dream_id: DreamId, drafts: Sequence[DraftChange]) -> int:
    """How much was erased when these drafts were sound; InvalidError when they are not."""
    row = find_dream(tx, dream_id, None, None)
    store = names.find(tx, row["store"], None)
    _check_drafts(tx, store, find_version(tx, store, row["base"])["seq"], drafts)
    return erased(tx, store)


def propose(
    tx: Transaction,
    dream_id: DreamId,
    attempt: int,
    drafts: Sequence[DraftChange],
    refusals: Sequence[str],
    checked: Checked,
) -> int | None:
    """Write the dream's plan as a proposed version; None, and no version, when it changes nothing."""
    row = check_fence(tx, dream_id, attempt)
    if row["output_version"] is not None:
        return row["output_version"]
    number = None
    if drafts:
        store = names.find(tx, row["store"], None)
        holds = checked.erased == erased(tx, store)
        if not holds:
            _check_drafts(tx, store, find_version(tx, store, row["base"])["seq"], drafts)
        number = insert_version(tx, store, "dream", parent=row["base"], seq=None, dream_id=dream_id)
        changes.insert_changes(tx, store, number, dream_id, drafts, checked.contents if holds else {})
        audit.append(
            tx,
            store_id=store.store_id,
            seq=store.seq,
            action="propose",
            subject=f"v{number}",
            changes=len(drafts),
        )
    tx.execute(
        "UPDATE dream SET output_version = :number, refusals = :refusals WHERE dream_id = :id",
        {"id": dream_id, "number": number, "refusals": json.dumps(list(refusals), ensure_ascii=False)},
    )
    return number


def _check_drafts(tx: Transaction, store: StoreRow, seq: int, drafts: Sequence[DraftChange]) -> None:
    """InvalidError when a plan rests on what its base does not show, or would give an entry two states."""
    shown = _shown(tx, store, seq, drafts)
    known = _known(tx, drafts)
    read: set[RevisionId] = set()
    closed: set[RevisionId] = set()
    opened: set[EntryId] = set()
    for number, draft in enumerate(drafts, start=1):
        reads, closes = set(draft.reads), set(draft.closes)
        if not closes <= reads:
            raise InvalidError(f"c{number} closes what it does not read.")
        if not reads <= shown.keys():
            raise InvalidError(f"c{number} reads what its base version does not show.")
        if draft.decision == "included":
            if closed & reads or read & closes:
                raise InvalidError(f"c{number} rests on what another included change closes.")
            closed |= closes
            read |= reads
        opens = {one.entry_id for one in draft.opens}
        new = opens - {shown[revision_id] for revision_id in closes}
        clash = sorted((new & known) | (new & opened))
        if clash or len(opens) < len(draft.opens):
            raise InvalidError(f"c{number} opens {clash[0] if clash else 'an entry'} a second time.")
        opened |= new


def _shown(tx: Transaction, store: StoreRow, seq: int, drafts: Sequence[DraftChange]) -> dict[RevisionId, EntryId]:
    """The revisions among those that the drafts read which are visible at `seq`, each with its entry."""
    rows = tx.rows(
        """
        SELECT revision_id, entry_id FROM json_each(:reads) AS wanted
        CROSS JOIN revision ON revision.revision_id = wanted.value
        WHERE +store_id = :store_id AND from_seq <= :seq AND (to_seq IS NULL OR to_seq > :seq)
        """,
        {
            "reads": json.dumps([read for draft in drafts for read in draft.reads]),
            "store_id": store.store_id,
            "seq": seq,
        },
    )
    return {row["revision_id"]: row["entry_id"] for row in rows}


def _known(tx: Transaction, drafts: Sequence[DraftChange]) -> set[EntryId]:
    """The entry ids among those that the drafts open which were ever given out."""
    rows = tx.rows(
        """
        SELECT wanted.value AS entry_id FROM json_each(:opens) AS wanted
        WHERE EXISTS (SELECT 1 FROM revision WHERE revision.entry_id = wanted.value)
            OR EXISTS (SELECT 1 FROM tombstone WHERE tombstone.entry_id = wanted.value)
        """,
        {"opens": json.dumps([one.entry_id for draft in drafts for one in draft.opens])},
    )
    return {row["entry_id"] for row in rows}


def decide(
    tx: Transaction,
    dream_id: DreamId,
    *,
    accept: Sequence[int],
    accept_fitting: Sequence[int],
    reject: Sequence[int],
    edit: Edit | None,
    visible: Visible,
) -> list[str]:
    """Accept, reject and edit a dream's changes by number; gives why some of `accept_fitting` do not fit.

    Accepting a suggestion that a switch left over opens the dream's next proposal, on today's head.
    """
    row = find_dream(tx, dream_id, None, visible)
    both = {*accept, *accept_fitting} & set(reject)
    if both:
        raise InvalidError(f"c{min(both)} is both accepted and rejected; say one of the two.")
    store = names.find(tx, row["store"], visible)
    edited = () if edit is None else (edit.number,)
    asked = list(dict.fromkeys((*accept, *accept_fitting, *reject, *edited)))
    found = changes.named_changes(tx, dream_id, asked)
    for change in found.values():
        state = find_version(tx, store, change["version"])["state"]
        if state == "discarded":
            raise ConflictError(
                f"Version {change['version']} of dream {dream_id} was discarded, so c{change['number']} cannot be "
                "decided on any more. start_dream makes a new proposal."
            )
        if state == "published" and change["applied"] is None and change["number"] not in reject:
            _next_proposal(tx, store, dream_id, change["version"])
            found = changes.named_changes(tx, dream_id, asked)
            break
    if edit is not None:
        changes.edit(tx, store, found[edit.number], edit)
    changes.decide(tx, store, [found[number] for number in dict.fromkeys(reject)], "rejected")
    changes.decide(tx, store, [found[number] for number in dict.fromkeys(accept)], "included")
    left_out = changes.accept_fitting(tx, store, [found[n] for n in sorted({*accept_fitting} - {*accept})])
    if accept_fitting and len(left_out) == len(asked):
        raise ConflictError(f"None of these changes can be accepted. {next(iter(left_out.values()))}")
    if edit is not None and changes.named_changes(tx, dream_id, edited)[edit.number]["decision"] == "included":
        changes.check_overlap(tx, found[edit.number])  # another text, or another entry that it closes now
    audit.append(
        tx,
        store_id=store.store_id,
        seq=store.seq,
        action="review",
        subject=dream_id,
        accept=sorted({*accept, *accept_fitting} - left_out.keys()),
        reject=sorted(reject),
        edit=None if edit is None else edit.number,
    )
    return list(left_out.values())


def _next_proposal(tx: Transaction, store: StoreRow, dream_id: DreamId, left_in: int) -> None:
    """Move what a switch left undecided to a new proposal on today's head."""
    check_free(tx, store)
    number = insert_version(tx, store, "dream", parent=live_version(tx, store), seq=None, dream_id=dream_id)
    parameters = {"dream_id": dream_id, "number": number, "left_in": left_in}
    tx.execute(
        """
        UPDATE change SET version = :number
        WHERE dream_id = :dream_id AND version = :left_in AND applied IS NULL
        """,
        parameters,
    )
    # What they read may be live as another revision that says the same: a rollback brought it back, or a
    # change that was applied joined other entries to it. What it has gained by that is not taken from it.
    tx.execute(
        """
        UPDATE change_read SET revision_id = same.live_id
        FROM (
            SELECT change.change_id, read.revision_id AS read_id, live.revision_id AS live_id
            FROM change
            CROSS JOIN change_read ON change_read.change_id = change.change_id
            CROSS JOIN revision AS read ON read.revision_id = change_read.revision_id
            CROSS JOIN revision AS live ON live.entry_id = read.entry_id AND live.to_seq IS NULL
            WHERE change.dream_id = :dream_id AND change.version = :number
                AND live.content_id = read.content_id AND live.tier = read.tier AND live.topic IS read.topic
        ) AS same
        WHERE change_read.change_id = same.change_id AND change_read.revision_id = same.read_id
        """,
        parameters,
    )
    tx.execute(
        """
        UPDATE change_open SET tags = (
            SELECT json_group_array(tag) FROM (
                SELECT own.value AS tag FROM json_each(change_open.tags) AS own
                UNION
                SELECT theirs.value FROM change_read
                CROSS JOIN revision ON revision.revision_id = change_read.revision_id
                CROSS JOIN json_each(revision.tags) AS theirs
                WHERE change_read.change_id = change_open.change_id AND change_read.closes = 1
                ORDER BY tag LIMIT :tags_max
            )
        )
        WHERE change_id IN (SELECT change_id FROM change WHERE dream_id = :dream_id AND version = :number)
            AND EXISTS (SELECT 1 FROM change_read WHERE change_read.change_id = change_open.change_id)
        """,
        {**parameters, "tags_max": TAGS_MAX},
    )
    tx.execute("UPDATE dream SET output_version = :number WHERE dream_id = :dream_id", parameters)
