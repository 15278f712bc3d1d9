"""A worker process that kills itself as soon as a call that was paid for is journaled.

Usage: killed_judge.py DATABASE
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio

from dreamkeep_server.worker import run_worker
from dreamkeep_store.store import Stores, open_stores

write_step = Stores.write_step


async def die(self: Stores, *arguments: Any, cost: Any = None) -> None:
    """Journal, and be gone if it cost something."""
    await write_step(self, *arguments, cost=cost)
    if cost is not None:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    """Run one worker over the database until it dies."""
    setattr(Stores, "write_step", die)  # noqa: B010  # it has the same arguments, which no type checker sees
    async with open_stores(Path(sys.argv[1])) as stores:
        await run_worker(stores, idle_seconds=0.0, lease_seconds=0.5)


anyio.run(main)
