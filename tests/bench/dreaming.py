"""What dreams take as a store grows: the first, and one after a hundred new entries; by words, and by meaning too.

The vectors are made up from a seed, for embedding 100,000 texts takes five minutes: none is near to another, so that
these figures say what comparing takes, and not what is found by meaning.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from figures import Table, in_seconds, megabytes
from meaning import seed_vectors
from serving import STORE, Call, ended, outcome_of, peak_bytes, serving
from speed import remember_all
from texts import Fact, make_corpus, plant_changes

from dreamkeep_store.models import Dream, DreamId, NewDream, StoreName
from dreamkeep_store.store import Stores, open_stores

STORE_NAME = StoreName(STORE)
SIZES = (10_000, 100_000)
SIZES_QUICK = (500, 2_000)
GROUPS_OF = 100
"""One group of two entries in so many has something for the rules judge to be sure of."""
NEW = 100


async def measure_dreams(*, quick: bool) -> list[Table]:
    """Return how long dreams take and how much memory their worker needs, at each size and way."""
    rows = [
        row
        for size in (SIZES_QUICK if quick else SIZES)
        for way in ("none", "minilm")
        for row in await _rows(size, way)
    ]
    return [
        Table(
            title="Dreams, rules judge",
            columns=("entries", "way", "dream", "seconds", "worker's peak MB", "what came of it"),
            rows=tuple(rows),
            note=f"The second dream follows a switch to the first and {NEW} new entries.",
        )
    ]


async def _rows(size: int, embedder: str) -> list[tuple[str, ...]]:
    groups = size // GROUPS_OF
    corpus = make_corpus(size + NEW - 2 * groups).facts
    way = "by words" if embedder == "none" else "by words and meaning"
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        database = home / "dreamkeep.db"
        await _grow(database, [*corpus[NEW:], *plant_changes(groups)], embedder)
        async with open_stores(database) as stores, serving(home, DREAMKEEP_EMBEDDER=embedder) as call:
            first, *told = await _dream(home, stores, call)
            rows.append((f"{size:,}", way, "first", *told))
            if first.output_version is not None:
                await stores.switch(STORE_NAME, first.output_version, actor="user")
            await _grow(database, corpus[:NEW], embedder)
            _, *told = await _dream(home, stores, call)
            rows.append((f"{size + NEW:,}", way, "second", *told))
    return rows


async def _grow(database: Path, facts: Sequence[Fact], embedder: str) -> None:
    await remember_all(database, facts)
    if embedder != "none":
        await seed_vectors(database)


async def _dream(home: Path, stores: Stores, call: Call) -> tuple[Dream, str, str, str]:
    started = await stores.start_dream(NewDream(store=STORE_NAME, requested_by="user"))
    began = time.perf_counter()
    await ended(call, started.dream.dream_id)
    seconds = time.perf_counter() - began
    peak = peak_bytes(home, "dreamkeep_server.worker")
    dream = await stores.get_dream(DreamId(started.dream.dream_id))
    return dream, in_seconds(seconds), megabytes(peak), outcome_of(dream)
