"""What a dream may look at, fixed when it was started."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dreamkeep_store import changes, inputs, names, sessions
from dreamkeep_store.database import Transaction, from_micros
from dreamkeep_store.dreams import USAGE_STEP, find_dream, read_step
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import DreamId, Entry, EntryId, Material, SessionId, Usage
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.recipes import find_recipe
from dreamkeep_store.revisions import to_entry, to_usage, visible_rows
from dreamkeep_store.vectors import is_whole
from dreamkeep_store.versions import find_version


def material_of(tx: Transaction, dream_id: DreamId) -> Material:
    """All that the dream may look at; the same for each attempt."""
    row = find_dream(tx, dream_id, None, None)
    store = names.find(tx, row["store"], None)
    seq = find_version(tx, store, row["base"])["seq"]
    usage = _fixed_usage(tx, dream_id)
    read = tx.rows(
        "SELECT session_id, messages FROM dream_session WHERE dream_id = :id ORDER BY session_id",
        {"id": dream_id},
    )
    return Material(
        dream_id=dream_id,
        entries=entries_at(tx, store, seq, usage),
        transcripts=tuple(sessions.get_transcript(tx, found["session_id"], None, found["messages"]) for found in read),
        instructions=row["instructions"],
        now=from_micros(row["created_at"]),
        rejected=changes.rejected_fingerprints(tx, store, row["created_at"]),
        declined=changes.declined(tx, store, row["created_at"]),
        forgotten=forgotten_at(tx, store, seq),
    )


def prospective_material(
    tx: Transaction, store: StoreRow, base: int | None, wanted: Sequence[SessionId] | str, visible: Visible
) -> Material:
    """What a dream would read if it started now; writes nothing. ConflictError when it is too much."""
    seq = store.seq if base is None else find_version(tx, store, base)["seq"]
    if seq is None:
        raise ConflictError(f"Version {base} of store {store.name} is not published; a dream reads a published one.")
    too_large = inputs.too_large(tx, store, seq)
    if too_large is not None:
        raise ConflictError(too_large)
    read = sessions.input_sessions(tx, store, wanted, visible)
    return Material(
        dream_id=DreamId("d_00000000"),
        entries=tuple(to_entry(row) for row in visible_rows(tx, store.store_id, seq)),
        transcripts=tuple(sessions.get_transcript(tx, session_id, visible) for session_id in read),
        instructions="",
        now=from_micros(tx.now),
        rejected=changes.rejected_fingerprints(tx, store, tx.now),
        declined=changes.declined(tx, store, tx.now),
        forgotten=forgotten_at(tx, store, seq),
    )


def _fixed_usage(tx: Transaction, dream_id: DreamId) -> dict[str, Usage]:
    payload = read_step(tx, dream_id, USAGE_STEP)
    columns: tuple[str, ...] = ("entry_id", "recalls", "useful", "wrong", "outdated", "recalled_at", "useful_at")
    rows: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in json.loads(payload or b"[]")]
    return {row["entry_id"]: to_usage(row) for row in rows}


def vectors_of_dream(
    tx: Transaction, dream_id: DreamId, recipe: str, until: int, after: EntryId, limit: int
) -> list[tuple[EntryId, bytes | None]]:
    """Vectors of what the dream reads, up to the number `until`, by entry in order of id, from `after` on.

    Entries whose text has none are left out; None stands for one that is not what was written. NotFoundError
    without the recipe.
    """
    row = find_dream(tx, dream_id, None, None)
    store = names.find(tx, row["store"], None)
    found = find_recipe(tx, recipe)
    rows = tx.rows(
        """
        SELECT revision.entry_id, vector.vector, vector.sha256 FROM revision
        JOIN vector ON vector.content_id = revision.content_id
        WHERE revision.store_id = :store_id AND revision.entry_id > :after
            AND revision.from_seq <= :seq AND (revision.to_seq IS NULL OR revision.to_seq > :seq)
            AND vector.recipe_id = :recipe_id AND vector.vector_id <= :until AND vector.vector IS NOT NULL
        ORDER BY revision.entry_id LIMIT :limit
        """,
        {
            "store_id": store.store_id,
            "after": after,
            "seq": find_version(tx, store, row["base"])["seq"],
            "recipe_id": found["recipe_id"],
            "until": until,
            "limit": limit,
        },
    )
    whole = [is_whole(one["vector"], one["sha256"], found["dimensions"]) for one in rows]
    return [(one["entry_id"], one["vector"] if sound else None) for one, sound in zip(rows, whole, strict=True)]


def entries_at(tx: Transaction, store: StoreRow, seq: int, usage: dict[str, Usage]) -> tuple[Entry, ...]:
    """The entries visible at `seq`, in order of id, with this usage instead of today's."""
    return tuple(
        replace(to_entry(row), usage=usage.get(row["entry_id"], Usage()))
        for row in visible_rows(tx, store.store_id, seq)
    )


def forgotten_at(tx: Transaction, store: StoreRow, seq: int) -> tuple[tuple[str, datetime], ...]:
    """Texts that had been forgotten by `seq` and that no entry visible there says."""
    rows = tx.rows(
        """
        SELECT content.text, MAX(gone.closed_at) AS at FROM revision AS gone
        JOIN content ON content.content_id = gone.content_id
        WHERE gone.store_id = :store_id AND gone.closed_how = 'forgotten' AND gone.to_seq <= :seq
            AND NOT EXISTS (
                SELECT 1 FROM revision AS here
                WHERE here.content_id = gone.content_id
                    AND here.from_seq <= :seq AND (here.to_seq IS NULL OR here.to_seq > :seq)
            )
        GROUP BY content.content_id ORDER BY content.text
        """,
        {"store_id": store.store_id, "seq": seq},
    )
    return tuple((row["text"], from_micros(row["at"])) for row in rows)
