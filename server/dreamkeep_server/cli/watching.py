"""A dream that runs in a worker, watched from here until it ends."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio

from dreamkeep_server.worker import ensure_worker
from dreamkeep_store.models import Dream, DreamId

if TYPE_CHECKING:
    from rich.console import Console

    from dreamkeep_store.store import Stores

LOOK_AGAIN_SECONDS = 0.1


async def watch(stores: "Stores", dream_id: DreamId) -> AsyncGenerator[Dream]:
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
            await ensure_worker(stores)
        await anyio.sleep(LOOK_AGAIN_SECONDS)


async def watch_drawn(stores: "Stores", dream: Dream, console: "Console") -> Dream:
    """The dream once it has ended; meanwhile a bar on a terminal, or a line a stage in a pipe."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[of]}"),
        TimeElapsedColumn(),
    )
    stage = ""
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("dreaming", total=None, of="")
        async for now in watch(stores, dream.dream_id):
            dream = now
            of = f"{dream.done:,} of {dream.total:,}" if dream.total else ""
            progress.update(task, description=dream.stage, total=dream.total or None, completed=dream.done, of=of)
            if not console.is_terminal and dream.stage != stage:
                console.print(f"{dream.status}: {dream.stage}")
            stage = dream.stage
    return dream
