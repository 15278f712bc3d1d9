"""The main job on somebody else's data: remember, record, dream, review, switch, roll back, over stdio."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from figures import Table, in_seconds, skipped
from serving import Call, RefusedError, all_pages, command, dream_through, environment, serving
from texts import DATA, LOCOMO, session_names

from dreamkeep_store.models import StoreName
from dreamkeep_store.store import Stores, open_stores

TRANSCRIPTS = DATA / "transcripts"
ACCEPTED = 3
"""Suggestions of less than high risk that the review accepts, so that accepting is part of it."""


@dataclass(slots=True, kw_only=True)
class Told:
    """What happened to one conversation's store."""

    store: str
    entries: int = 0
    sessions: int = 0
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    proposed: Counter[str] = field(default_factory=Counter[str])
    review: str = ""
    switched: str = ""
    rolled_back: str = ""


async def measure_real(*, quick: bool) -> list[Table]:
    """Return what became of every conversation and transcript, or say why there are none."""
    missing = [path for path in (LOCOMO, TRANSCRIPTS) if not path.exists()]
    if missing:
        return [skipped("real", missing[0])]
    samples: list[dict[str, Any]] = json.loads(LOCOMO.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with (
            serving(home, DREAMKEEP_TRANSCRIPT_FOLDERS=str(TRANSCRIPTS)) as call,
            open_stores(home / "dreamkeep.db") as stores,
        ):
            told = [await _conversation(call, stores, sample) for sample in samples[: 1 if quick else None]]
            files = [await _transcript(call, file) for file in sorted(TRANSCRIPTS.iterdir())]
            dream = await dream_through(call, "transcripts")
        verified = await anyio.run_process([command(), "verify"], env=environment(home), check=False)
    verdict = verified.stdout.decode().strip()
    return [_conversations(told, verdict), _proposals(told), _transcripts(files, dream)]


async def _conversation(call: Call, stores: Stores, sample: dict[str, Any]) -> Told:
    told = Told(store=f"locomo/{sample['sample_id']}")
    began = time.perf_counter()
    await _remember(call, told, sample)
    told.seconds["remember"] = time.perf_counter() - began
    await _record(call, told, sample["conversation"])
    told.seconds["record"] = time.perf_counter() - began - told.seconds["remember"]
    began = time.perf_counter()
    dream = await dream_through(call, told.store)
    told.seconds["dream"] = time.perf_counter() - began
    told.proposed.update(dream.get("counts", {}))
    if "output_version" in dream:
        await _review(call, told, dream)
        await _there_and_back(call, stores, told, dream)
    return told


async def _remember(call: Call, told: Told, sample: dict[str, Any]) -> None:
    """Remember the facts that the data set found in the conversation, each when it was said."""
    talk = sample["conversation"]
    for name in session_names(talk):
        said_at = locomo_time(talk[f"{name}_date_time"])
        for speaker, facts in sample["observation"].get(f"{name}_observation", {}).items():
            for text, _ in facts:
                kept = await call(
                    "remember", content=text, store=told.store, tags=[speaker], asserted_at=said_at.isoformat()
                )
                told.entries += kept["outcome"] == "new"


async def _record(call: Call, told: Told, talk: dict[str, Any]) -> None:
    """Record every session; of the two people who talk, the first counts as the user."""
    for name in session_names(talk):
        said_at = locomo_time(talk[f"{name}_date_time"])
        messages = [
            {
                "role": "user" if turn["speaker"] == talk["speaker_a"] else "assistant",
                "content": turn["text"],
                "name": turn["speaker"],
                "at": said_at.isoformat(),
            }
            for turn in talk[name]
            if turn["text"]
        ]
        await call("record_session", messages=messages, session_id=f"{told.store}/{name}", store=told.store)
        told.sessions += 1


async def _review(call: Call, told: Told, dream: dict[str, Any]) -> None:
    """Page through all changes, and accept the first suggestions that no person has to be asked about."""
    lines: list[str] = await all_pages(call, "review_dream", "changes", dream_id=dream["dream_id"])
    open_to_all = [line.split()[0] for line in lines if " suggested:" in line and " high " not in line]
    accepted = 0
    for change in open_to_all:
        if accepted == ACCEPTED:
            break
        try:
            await call("review_dream", dream_id=dream["dream_id"], accept=[change])
        except RefusedError:
            continue  # it overlaps one that is included
        accepted += 1
    told.review = f"{len(lines)} read, {accepted} accepted"


async def _there_and_back(call: Call, stores: Stores, told: Told, dream: dict[str, Any]) -> None:
    """Switch, read the diff, and roll back; the digest before must be the digest after."""
    name = StoreName(told.store)
    before = await stores.digest(name, dream["base"])
    began = time.perf_counter()
    switched = await call("switch_version", version=dream["output_version"], store=told.store)
    told.seconds["switch"] = time.perf_counter() - began
    moved = await stores.digest(name, switched["head"])
    told.switched = f"{switched['applied']} applied, {switched['suggested']} left as suggestions"
    began = time.perf_counter()
    back = await call("rollback", store=told.store)
    told.seconds["rollback"] = time.perf_counter() - began
    after = await stores.digest(name, back["head"])
    equal = "the same digest as before" if after == before else "ANOTHER DIGEST than before"
    told.rolled_back = equal if moved != before else f"{equal}, as the switch moved nothing"


async def _transcript(call: Call, file: Path) -> tuple[str, ...]:
    began = time.perf_counter()
    try:
        kept = await call("record_session", transcript_path=str(file), store="transcripts")
    except RefusedError as refused:
        became = f"refused: {refused}"
    else:
        became = f"{kept['messages']} messages, {kept['redactions']} redacted. {kept.get('note', '')}"
    taken = time.perf_counter() - began
    size = (await anyio.Path(file).stat()).st_size
    return (file.name, f"{size / 1_000:,.0f}", became, in_seconds(taken))


def _conversations(told: Sequence[Told], verdict: str) -> Table:
    return Table(
        title="LoCoMo, one store a conversation",
        columns=("store", "entries", "sessions", "remember s", "record s", "dream s", "review", "switch", "rollback"),
        rows=tuple(
            (
                one.store,
                f"{one.entries:,}",
                f"{one.sessions}",
                *(f"{one.seconds[step]:.1f}" for step in ("remember", "record", "dream")),
                one.review or "nothing to review",
                one.switched,
                one.rolled_back,
            )
            for one in told
        ),
        note=f"verify: {verdict}",
    )


def _proposals(told: Sequence[Told]) -> Table:
    kinds = sorted({kind for one in told for kind in one.proposed})
    return Table(
        title="What the dreams proposed",
        columns=("operation", "risk", "decision", *(one.store for one in told), "all"),
        rows=tuple(
            (
                *kind.split("/"),
                *(str(one.proposed[kind]) for one in told),
                str(sum(one.proposed[kind] for one in told)),
            )
            for kind in kinds
        ),
    )


def _transcripts(files: Sequence[tuple[str, ...]], dream: dict[str, Any]) -> Table:
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(dream.get("counts", {}).items()))
    return Table(
        title="Transcripts",
        columns=("file", "KB", "became", "seconds"),
        rows=tuple(files),
        note=f"A dream over them {dream['status']}: {counts or 'nothing to change'}.",
    )


def locomo_time(told: str) -> datetime:
    """Return the time of a session, such as `1:56 pm on 8 May, 2023`."""
    return datetime.strptime(told.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
