"""From starting the server to its first answer, beside a bare server of the same SDK."""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from figures import Table, in_seconds
from mcp import Client, StdioServerParameters
from serving import STORE, answer, parameters
from texts import make_corpus

from dreamkeep_store.models import NewEntry, StoreName
from dreamkeep_store.store import open_stores

ROUNDS = 15
ROUNDS_QUICK = 3
ENTRIES = 1_000
GOAL = 1.15
BARE = Path(__file__).with_name("bare_server.py")


async def measure_start(*, quick: bool) -> list[Table]:
    """Return the medians of both, taken in turn so that the machine's moods fall on both."""
    corpus = make_corpus(ENTRIES)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with open_stores(home / "dreamkeep.db") as stores:
            entries = [NewEntry(content=fact.content, asserted_at=fact.said_at) for fact in corpus.facts]
            await stores.remember_all(StoreName(STORE), entries, actor="user")
        bare = StdioServerParameters(command=sys.executable, args=[str(BARE)])
        taken: dict[str, list[tuple[float, float]]] = {"bare": [], "dreamkeep": []}
        for question in corpus.questions[: ROUNDS_QUICK if quick else ROUNDS]:
            taken["bare"].append(await _first_answer(bare, "echo", text=question))
            taken["dreamkeep"].append(await _first_answer(parameters(home), "recall", query=question))
    wall = {name: statistics.median(seconds for seconds, _ in rounds) for name, rounds in taken.items()}
    busy = {name: statistics.median(seconds for _, seconds in rounds) for name, rounds in taken.items()}
    return [
        Table(
            title="Start to first answer",
            columns=("", "bare MCPServer, one tool", "dreamkeep serve, recall", "ratio", "goal"),
            rows=(
                _row("seconds from spawn to answer", wall, f"{GOAL}"),
                _row("CPU seconds of the process's life", busy, ""),
            ),
            note=f"Medians of {len(taken['bare'])} starts each, in turn; {ENTRIES:,} entries in the store.",
        )
    ]


def _row(name: str, medians: dict[str, float], goal: str) -> tuple[str, ...]:
    ratio = medians["dreamkeep"] / medians["bare"] if medians["bare"] else 0.0
    return (name, in_seconds(medians["bare"]), in_seconds(medians["dreamkeep"]), f"{ratio:.2f}", goal)


async def _first_answer(server: StdioServerParameters, tool: str, **arguments: object) -> tuple[float, float]:
    """Return the seconds to the first answer, and the CPU seconds that the process used until its end."""
    before = os.times()
    started = time.perf_counter()
    async with Client(server) as client:
        answer(await client.call_tool(tool, arguments))
        taken = time.perf_counter() - started
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return taken, busy
