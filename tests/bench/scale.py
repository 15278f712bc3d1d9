"""What a large store costs: import, snapshot, dream, diff, switch and rollback, and who waits meanwhile."""

import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
from figures import Table, in_seconds, megabytes
from serving import STORE, command, ended, environment, outcome_of, peak_bytes, serving, size_of
from speed import remember_all
from texts import Fact, lines, make_corpus, plant_changes

from dreamkeep_store.models import Dream, NewDream, NewEntry, StoreName
from dreamkeep_store.store import Stores, open_stores

STORE_NAME = StoreName(STORE)
PROBE = Path(__file__).with_name("probe.py")
IDLE_SECONDS = 2.0
ACTOR = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One run: how many entries, in how many of them the dream will find something, and the way in."""

    entries: int
    groups: int
    way_in: Literal["dreamkeep import", "remember_all by the thousand"]


SIZES = (
    Size(entries=10_000, groups=1_000, way_in="dreamkeep import"),
    Size(entries=100_000, groups=1_000, way_in="dreamkeep import"),
    Size(entries=100_000, groups=10_000, way_in="remember_all by the thousand"),
)
SIZES_QUICK = (
    Size(entries=3_000, groups=100, way_in="dreamkeep import"),
    Size(entries=3_000, groups=300, way_in="remember_all by the thousand"),
)


@dataclass(slots=True, kw_only=True)
class Steps:
    """What was done when, and what the probes waited for."""

    taken: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """Each step's begin and end, in seconds of the clock that the probes share."""
    remarks: dict[str, str] = field(default_factory=dict[str, str])
    waits: dict[str, list[list[float]]] = field(default_factory=dict[str, list[list[float]]])
    """Per role: when an attempt began, and how long it took."""

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Time what happens inside."""
        began = time.monotonic()
        yield
        self.taken[name] = (began, time.monotonic())

    def longest(self, role: str, name: str) -> float:
        """Return how long an attempt took at most that began during the step, or before and was still waiting."""
        first, last = self.taken[name]
        during = [seconds for began, seconds in self.waits[role] if began <= last and began + seconds >= first]
        return max(during, default=0.0)


async def measure_scale(*, quick: bool) -> list[Table]:
    """Return one table for each size."""
    return [await _at_size(size) for size in (SIZES_QUICK if quick else SIZES)]


async def _at_size(size: Size) -> Table:
    corpus = make_corpus(size.entries - 2 * size.groups)
    facts = [*corpus.facts, *plant_changes(size.groups)]
    steps = Steps()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        database = home / "dreamkeep.db"
        async with open_stores(database) as stores:
            # The probes' own store comes first, so that theirs is the row that nothing else touches.
            await stores.remember(StoreName("probe"), NewEntry(content="Somebody else is here."), actor=ACTOR)
            async with _probing("writer", database, steps), _probing("reader", database, steps):
                with steps.step("nothing, for comparison"):
                    await anyio.sleep(IDLE_SECONDS)
                await _fill(size, facts, home, steps)
                dream, *peaks = await _dream(home, stores, steps)
                if dream.output_version is not None:
                    await _move(stores, dream, dream.output_version, steps)
            with steps.step("verify"):
                problems = await stores.verify()
        steps.remarks["verify"] = f"{len(problems)} problems"
        bytes_on_disk = await anyio.to_thread.run_sync(size_of, home)
    return _table(size, steps, corpus.source, peaks=(peaks[0], peaks[1]), bytes_on_disk=bytes_on_disk)


async def _fill(size: Size, facts: list[Fact], home: Path, steps: Steps) -> None:
    name = size.way_in
    if size.way_in == "dreamkeep import":
        file = home / "facts.jsonl"
        file.write_text(lines(facts), encoding="utf-8")
        with steps.step(name):
            await anyio.run_process([command(), "import", str(file)], env=environment(home, DREAMKEEP_EMBEDDER="none"))
        file.unlink()
    else:
        with steps.step(name):
            await remember_all(home / "dreamkeep.db", facts)
    began, ended = steps.taken[name]
    steps.remarks[name] = f"{len(facts) / (ended - began):,.0f} entries a second"


async def _dream(home: Path, stores: Stores, steps: Steps) -> tuple[Dream, int | None, int | None]:
    """Dream through the real server and worker; gives the dream and the peaks of worker and server."""
    async with serving(home, DREAMKEEP_EMBEDDER="none") as call:
        await call("recall", query="Who moved house last year?")
        await stores.remember(STORE_NAME, NewEntry(content="So that there is something to snapshot."), actor=ACTOR)
        with steps.step("snapshot, when a dream starts"):
            started = await stores.start_dream(_wanted())
        with steps.step("dream, rules judge"):
            await ended(call, started.dream.dream_id)
        peaks = peak_bytes(home, "dreamkeep_server.worker"), peak_bytes(home, "serve")
    dream = await stores.get_dream(started.dream.dream_id)
    steps.remarks["dream, rules judge"] = outcome_of(dream)
    return dream, *peaks


def _wanted() -> NewDream:
    return NewDream(store=STORE_NAME, requested_by=ACTOR)


async def _move(stores: Stores, dream: Dream, proposal: int, steps: Steps) -> None:
    """Look at the proposal, switch to it, and go back and forth."""
    with steps.step("diff, first page"):
        await stores.diff(STORE_NAME, dream.base, proposal, limit=10)
    with steps.step("diff, whole"):
        page = await stores.diff(STORE_NAME, dream.base, proposal)
    steps.remarks["diff, whole"] = f"{page.total:,} entries differ"
    with steps.step("digest of the proposal"):
        await stores.digest(STORE_NAME, proposal)
    with steps.step("switch"):
        switched = await stores.switch(STORE_NAME, proposal, actor=ACTOR)
    steps.remarks["switch"] = f"{switched.applied:,} changes"
    with steps.step("rollback, revert"):
        undone = await stores.rollback(STORE_NAME, actor=ACTOR)
    steps.remarks["rollback, revert"] = f"{undone.applied:,} changes"
    with steps.step("rollback, revert of that (redo)"):
        redone = await stores.rollback(STORE_NAME, proposal, actor=ACTOR)
    steps.remarks["rollback, revert of that (redo)"] = f"{redone.applied:,} changes"
    with steps.step("rollback, restore"):
        restored = await stores.rollback(STORE_NAME, dream.base, mode="restore", actor=ACTOR)
    same = await stores.digest(STORE_NAME, restored.head) == await stores.digest(STORE_NAME, dream.base)
    steps.remarks["rollback, restore"] = f"{restored.applied:,} entries; {'same' if same else 'NOT THE SAME'} digest"


@asynccontextmanager
async def _probing(role: Literal["writer", "reader"], database: Path, steps: Steps) -> AsyncGenerator[None]:
    """Run a probe beside what happens inside, and keep what it waited for."""
    process = await anyio.open_process([sys.executable, str(PROBE), role, str(database)], stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    told = b""
    while not told.endswith(b"ready\n"):
        told += await process.stdout.receive()
    try:
        yield
    finally:
        await process.stdin.aclose()
        said = b"".join([piece async for piece in process.stdout])
        await process.wait()
        steps.waits[role] = json.loads(said)


def _table(size: Size, steps: Steps, source: str, *, peaks: tuple[int | None, int | None], bytes_on_disk: int) -> Table:
    rows: list[tuple[str, ...]] = []
    for name, (began, until) in steps.taken.items():
        probed = name != "verify"
        rows.append(
            (
                name,
                in_seconds(until - began),
                steps.remarks.get(name, ""),
                in_seconds(steps.longest("writer", name)) if probed else "",
                in_seconds(steps.longest("reader", name)) if probed else "",
            )
        )
    return Table(
        title=f"{size.entries:,} entries, {size.groups:,} planted changes",
        columns=("step", "seconds", "what came of it", "a tiny write took at most", "a read took at most"),
        rows=tuple(rows),
        note=f"Database {megabytes(bytes_on_disk)} MB; peak memory of the worker {megabytes(peaks[0])} MB, of the "
        f"server {megabytes(peaks[1])} MB; no embedder; {source}. The last two columns are what two other processes "
        "saw meanwhile, in seconds, so the first of them is how long the write lock was held. "
        "Goals: switch of 1,000 changes under 0.2 s, no lock over 0.5 s but a switch's, no read that waits.",
    )
