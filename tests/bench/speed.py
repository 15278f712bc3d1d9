"""How long remember and recall take: through stdio, as a client has it, and recall inside the server."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from figures import Table, megabytes, middle_and_tail
from serving import STORE, Call, peak_bytes, serving
from texts import Corpus, Fact, make_corpus

from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.recall import Recall
from dreamkeep_store.models import NewEntry, Search, StoreName
from dreamkeep_store.store import open_stores

SIZES = (1_000, 10_000, 100_000)
SIZES_QUICK = (500, 2_000)
CALLS = 400
CALLS_QUICK = 40
WARM_UP = 10
BATCH = 1_000
ANSWERS = 8
"""What `recall` gives where no limit is named."""


async def measure_tools(*, quick: bool) -> list[Table]:
    """Return p50 and p95 of both tools at each size."""
    calls = CALLS_QUICK if quick else CALLS
    rows: list[tuple[str, ...]] = []
    source = ""
    for size in SIZES_QUICK if quick else SIZES:
        corpus = make_corpus(size + calls + WARM_UP)
        source = corpus.source
        rows.append(await _at_size(corpus, size, calls))
    return [
        Table(
            title="remember and recall, milliseconds",
            columns=(
                "entries",
                "remember p50",
                "remember p95",
                "recall p50",
                "recall p95",
                "recall inside the server p50",
                "recall inside the server p95",
                "server's peak MB",
            ),
            rows=tuple(rows),
            note=f"{calls} calls each, through stdio with the real client unless it says inside; one store; by "
            f"words, without an embedder (`recall` measures it with one); {source}. "
            "Goal: recall inside the server at 100,000 entries has a p95 under 50 ms.",
        )
    ]


async def _at_size(corpus: Corpus, size: int, calls: int) -> tuple[str, ...]:
    questions = corpus.questions[: calls + WARM_UP]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        await remember_all(home / "dreamkeep.db", corpus.facts[:size])
        async with serving(home, DREAMKEEP_EMBEDDER="none") as call:
            recalled = await _recalls(call, questions)
            remembered = await _remembers(call, corpus.facts[size:])
            peak = peak_bytes(home, "serve")
        inside = await _recalls_inside(home / "dreamkeep.db", questions)
    return (
        f"{size:,}",
        *middle_and_tail(remembered),
        *middle_and_tail(recalled),
        *middle_and_tail(inside),
        megabytes(peak),
    )


async def remember_all(database: Path, facts: Sequence[Fact]) -> None:
    """Put the facts into a database, a thousand to a transaction."""
    async with open_stores(database) as stores:
        for start in range(0, len(facts), BATCH):
            entries = [
                NewEntry(content=fact.content, asserted_at=fact.said_at) for fact in facts[start : start + BATCH]
            ]
            await stores.remember_all(StoreName(STORE), entries, actor="user")


async def _recalls(call: Call, questions: Sequence[str]) -> list[float]:
    taken: list[float] = []
    for question in questions:
        began = time.perf_counter()
        await call("recall", query=question, store=STORE)
        taken.append(time.perf_counter() - began)
    return taken[WARM_UP:]


async def _remembers(call: Call, facts: Sequence[Fact]) -> list[float]:
    taken: list[float] = []
    for fact in facts:
        began = time.perf_counter()
        await call("remember", content=fact.content, store=STORE, asserted_at=fact.said_at.isoformat())
        taken.append(time.perf_counter() - began)
    return taken[WARM_UP:]


async def _recalls_inside(database: Path, questions: Sequence[str]) -> list[float]:
    taken: list[float] = []
    recall = Recall(Meaning("none"))
    async with open_stores(database) as stores:
        for question in questions:
            began = time.perf_counter()
            wanted = Search(query=question, stores=(StoreName(STORE),), limit=ANSWERS)
            await recall.find(stores, wanted, datetime.now(UTC))
            taken.append(time.perf_counter() - began)
    return taken[WARM_UP:]
