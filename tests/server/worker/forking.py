"""Worker processes that kill themselves at a given point of a dream, as `kill -9` would have it.

Usage: forking.py, then lines of JSON on standard input, `{"database": PATH, "url": URL, "point": N}`, each answered
by a line. Whatever a worker does to the store, and whatever it gets from an endpoint, is a point; it dies before the
one of this number, counted from 0. The answer is how many points were passed, and whether it died. Everything is
imported once: each worker is a fork, and takes no longer than its dream does.
"""

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio

from dreamkeep_server.dream.judges.claude import Claude
from dreamkeep_server.worker import run_worker
from dreamkeep_store.store import Stores, open_stores

for slow in ("anthropic", "dreamkeep_server.dream.pipeline"):
    import_module(slow)  # once, and not in every fork

LEASE_SECONDS = 1.0
_BEATS = frozenset(("beat", "claim_dream", "dream_waits", "close"))
"""What the clock decides about: no points of a dream."""

Method = Callable[..., Awaitable[Any]]
passed = 0


def count(kind: type[Any], name: str, point: int, told: int) -> None:
    """Have a method be a point, before it and after it."""
    method: Method = getattr(kind, name)

    async def counted(*arguments: Any, **named: Any) -> Any:
        pass_by(point, told)
        result = await method(*arguments, **named)
        pass_by(point, told)
        return result

    setattr(kind, name, counted)


def pass_by(point: int, told: int) -> None:
    global passed  # noqa: PLW0603 - it is what this process is for
    if passed == point:
        os.write(told, str(passed).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    passed += 1


async def work(database: Path) -> None:
    async with open_stores(database) as stores:
        await run_worker(stores, idle_seconds=0.0, lease_seconds=LEASE_SECONDS)


def run(database: Path, url: str, point: int) -> tuple[int, bool]:
    """A worker over the database; how many points it passed, and whether it died."""
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.environ["ANTHROPIC_BASE_URL"] = url
        os.environ["ANTHROPIC_API_KEY"] = "none of anybody's"
        for name in sorted(vars(Stores)):
            if not name.startswith("_") and name not in _BEATS:
                count(Stores, name, point, told)
        count(Claude, "ask", point, told)
        anyio.run(work, database)
        os.write(told, str(passed).encode())
        os._exit(0)
    os.close(told)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read, "rb") as answer:
        points = int(answer.read() or b"-1")
    return points, os.WIFSIGNALED(status)


for line in sys.stdin:
    asked = json.loads(line)
    points, died = run(Path(asked["database"]), asked["url"], asked["point"])
    sys.stdout.write(json.dumps({"points": points, "died": died}) + "\n")
    sys.stdout.flush()
