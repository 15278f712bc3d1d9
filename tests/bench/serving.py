"""The installed server on a folder of its own, over stdio, with the real MCP client; and how big it grew."""

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from dreamkeep_store.models import Dream

Call = Callable[..., Awaitable[dict[str, Any]]]
"""Takes a tool's name and its arguments; gives its answer, or raises RefusedError."""
T = TypeVar("T")

STORE = "bench"
WAIT_SECONDS = 50


class RefusedError(Exception):
    """A tool refused the call; the text is its sentence."""


def command() -> str:
    """Return the path of the `dreamkeep` that is installed beside this Python."""
    found = shutil.which("dreamkeep", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit(f"dreamkeep is not installed for {sys.executable}; run `pip install -e .` first.")
    return found


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return this process's environment with nothing but the given settings of dreamkeep."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("DREAMKEEP_")}
    return {**others, "DREAMKEEP_HOME": str(home), "DREAMKEEP_STORE": STORE, **settings}


def parameters(home: Path, **settings: str) -> StdioServerParameters:
    """Return how a client starts the server on that home folder."""
    return StdioServerParameters(command=command(), args=["serve"], env=environment(home, **settings), cwd=home)


@asynccontextmanager
async def serving(home: Path, **settings: str) -> AsyncGenerator[Call]:
    """Serve that home folder to a client for as long as the context lasts."""
    async with Client(parameters(home, **settings)) as client:

        async def call(tool: str, /, **arguments: object) -> dict[str, Any]:
            return answer(await client.call_tool(tool, arguments))

        yield call


def answer(result: CallToolResult) -> dict[str, Any]:
    """Return what a tool answered. Raises RefusedError."""
    if result.is_error:
        first = result.content[0]
        raise RefusedError(first.text if isinstance(first, TextContent) else "refused without a word")
    assert result.structured_content is not None
    return result.structured_content


async def dream_through(call: Call, store: str, **arguments: object) -> dict[str, Any]:
    """Start a dream by the rules judge and return how it ended."""
    started = await call("start_dream", store=store, judge="rules", **arguments)
    return await ended(call, started["dream_id"])


async def ended(call: Call, dream_id: str) -> dict[str, Any]:
    """Return a dream once it has ended."""
    while True:
        dream = await call("get_dream", dream_id=dream_id, wait_seconds=WAIT_SECONDS)
        if dream["status"] not in ("pending", "running"):
            return dream


async def embedded(call: Call, store: str) -> None:
    """Return once every text has its vector; a server and its worker see to that by themselves."""
    while True:
        told = await call("memory_status", store=store)
        counted = re.search(r"([\d,]+) of ([\d,]+) texts", told["recall"])
        if counted is not None and counted[1] == counted[2]:
            return
        await anyio.sleep(0.1)


async def all_pages(call: Call, tool: str, field: str, **arguments: object) -> list[Any]:
    """Return what a tool lists under `field`, page after page."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = await call(tool, cursor=cursor, limit=100, **arguments)
        found += page.get(field, [])
        cursor = page.get("next_cursor", "")
        if not cursor:
            return found


def outcome_of(dream: Dream) -> str:
    """Return a dream's status and how many of its changes were decided how."""
    counted: Counter[str] = Counter()
    for kind, count in dream.counts.items():
        counted[kind.rpartition("/")[2]] += count
    told = ", ".join(f"{count:,} {decision}" for decision, count in sorted(counted.items()))
    return f"{dream.status}: {told or 'no changes'}"


def size_of(home: Path) -> int:
    """Return how many bytes the home's database takes, with its log."""
    return sum(file.stat().st_size for file in home.glob("dreamkeep.db*"))


def peak_bytes(home: Path, word: str) -> int | None:
    """Return the largest resident size so far of the home's process that has that argument.

    Linux tells that of any process while it lives; elsewhere this gives None.
    """
    mine = f"DREAMKEEP_HOME={home}".encode()
    peaks: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() not in (process / "cmdline").read_bytes().split(b"\0"):
                continue
            in_home = mine in (process / "environ").read_bytes().split(b"\0")
            status = (process / "status").read_text(encoding="utf-8")
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if in_home and "VmHWM:" in status:
            peaks.append(1024 * int(status.partition("VmHWM:")[2].split()[0]))
    return max(peaks, default=None)
