"""A worker process that kills itself just before or just after one call on the store.

Usage: killed_worker.py DATABASE METHOD before|after
"""

import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from dreamkeep_server.worker import run_worker
from dreamkeep_store.store import Stores, open_stores


def kill_at(method: str, when: str) -> None:
    """Have this process die at that call, as `kill -9` would have it."""
    call: Callable[..., Awaitable[object]] = getattr(Stores, method)

    @functools.wraps(call)
    async def die(*arguments: object, **named: object) -> None:
        if when == "after":
            await call(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Stores, method, die)


async def main() -> None:
    """Run one worker over the database until it dies."""
    kill_at(sys.argv[2], sys.argv[3])
    async with open_stores(Path(sys.argv[1])) as stores:
        await run_worker(stores, idle_seconds=0.0, lease_seconds=0.5)


anyio.run(main)
