"""A dream that runs in a worker, watched from here until it ends."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import anyio

from dreamkeep_server.cli.text import one_line, plural
from dreamkeep_server.worker import ensure_worker
from dreamkeep_store.models import DECISIONS, OPERATIONS, RISKS, Change, Decided, Dream, DreamId

if TYPE_CHECKING:
    from rich.console import Console

    from dreamkeep_server.meaning.meaning import Meaning
    from dreamkeep_store.store import Stores

LOOK_AGAIN_SECONDS = 0.1
SHOWN_OF_A_KIND_MAX = 3
"""However many changes a dream makes, so many of each kind get a line; the rest is counted."""
REASON_CHARACTERS = 110
TEXT_CHARACTERS = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Which changes of a dream have been told."""

    of_a_kind: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    number: int = 0
    """Of the newest decided one; a worker that takes over decides the same ones again, under the same numbers."""


def lines_of(seen: Seen, decided: Iterable[Decided]) -> tuple[Seen, list[str]]:
    """What a person reads about the changes that were not told yet: two lines for the first few of each kind."""
    told = dict(seen.of_a_kind)
    newest = seen.number
    lines: list[str] = []
    for one in decided:
        if one.number <= seen.number:
            continue
        newest = max(newest, one.number)
        kind = (one.operation, one.risk, one.decision)
        told[kind] = told.get(kind, 0) + 1
        if told[kind] <= SHOWN_OF_A_KIND_MAX:
            lines.append(f"  {one.operation}, {one.risk} risk, {one.decision}: {one_line(one.text, TEXT_CHARACTERS)}")
            lines.append(f"    {one_line(one.reason, REASON_CHARACTERS)}")
    return Seen(of_a_kind=told, number=newest), lines


async def watch(stores: "Stores", meaning: "Meaning", dream_id: DreamId) -> AsyncGenerator[Dream]:
    """The dream each time it changed, until it ended; a worker is started whenever one is missing.

    It asks the database again and again: the worker is another process, and SQLite tells nobody that
    another connection has written. A look is one read that waits for no writer.
    """
    seen: Dream | None = None
    while True:
        dream = await stores.get_dream(dream_id)
        if dream != seen:
            yield dream
        if dream.ended_at is not None:
            return
        seen = dream
        if await stores.dream_waits():
            await ensure_worker(stores, meaning)
        await anyio.sleep(LOOK_AGAIN_SECONDS)


async def watch_drawn(
    stores: "Stores", meaning: "Meaning", dream: Dream, console: "Console", *, tells: bool = True
) -> Dream:
    """The dream once it has ended; meanwhile a bar on a terminal, or a line a stage in a pipe.

    With `tells`, the first changes of each kind are printed as they are decided, unless it ended long ago.
    """
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[of]}"),
        TimeElapsedColumn(),
    )
    stage = ""
    seen = Seen()
    tells = tells and dream.ended_at is None
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("dreaming", total=None, of="")
        async for now in watch(stores, meaning, dream.dream_id):
            dream = now
            seen, lines = lines_of(seen, dream.decided if tells else ())
            for line in lines:
                console.print(line, no_wrap=True, overflow="ellipsis")
            of = ", ".join(part for part in (_how_far(dream), _how_many(dream)) if part)
            progress.update(task, description=dream.stage, total=dream.total or None, completed=dream.done, of=of)
            if not console.is_terminal and dream.stage != stage:
                many = _how_many(dream)
                console.print(f"{dream.status}: {dream.stage}" + (f", {many}" if many else ""))
            stage = dream.stage
    if tells:
        for line in await _missed(stores, dream, seen):
            console.print(line, no_wrap=True, overflow="ellipsis")
    return dream


def _how_far(dream: Dream) -> str:
    return f"{dream.done:,} of {dream.total:,}" if dream.total else ""


def _how_many(dream: Dream) -> str:
    return f"{plural(sum(dream.counts.values()), 'change')} decided" if dream.decided else ""


async def _missed(stores: "Stores", dream: Dream, seen: Seen) -> list[str]:
    """Lines for the kinds of changes of which none was told: a short dream ends between two looks."""
    if dream.output_version is None or dream.ended_at is None:
        return []
    lines: list[str] = []
    for operation, risk, decision in product(OPERATIONS, RISKS, DECISIONS):
        kind = (operation, risk, decision)
        if "/".join(kind) in dream.counts and kind not in seen.of_a_kind:
            page = await stores.list_changes(
                dream.dream_id, operations=[operation], risks=[risk], decisions=[decision], limit=SHOWN_OF_A_KIND_MAX
            )
            lines += lines_of(Seen(), [_as_decided(change) for change in page.changes])[1]
    return lines


def _as_decided(change: Change) -> Decided:
    closed = [entry.content for entry in change.before if entry.revision_id in change.closes]
    texts = (*closed, *(one.content for one in change.after), *(entry.content for entry in change.before))
    return Decided(
        number=change.number,
        operation=change.operation,
        risk=change.risk,
        decision=change.decision,
        reason=change.reason,
        text=next(iter(texts), ""),
    )
