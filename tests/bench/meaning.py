"""Recall by words and meaning as a store grows: how long, how much memory, and what building it takes.

The vectors are made up from a seed, for embedding 1,000,000 texts takes an hour and none of these figures
depends on where a vector points. What embedding takes is measured apart, on some of the texts.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread
import numpy as np
from figures import Table, in_seconds, megabytes, middle_and_tail, milliseconds, percentile
from serving import STORE, Call, peak_bytes, serving, size_of
from speed import remember_all
from texts import make_corpus

from dreamkeep_server.embedding.builtin import DIMENSIONS, RECIPE, open_minilm
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.recall import Recall
from dreamkeep_store.models import Embedded, Search, StoreName
from dreamkeep_store.store import Stores, open_stores

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SIZES_QUICK = (500, 2_000)
QUESTIONS = 200
QUESTIONS_QUICK = 20
EMBEDDED = 500
TEXTS_AT_ONCE = 1_000
ANSWERS = 8
SEED = 20_261_121
WARM_SECONDS = 90.0


async def measure_meaning(*, quick: bool) -> list[Table]:
    """Return the figures of recall at each size, and of embedding."""
    questions = QUESTIONS_QUICK if quick else QUESTIONS
    rows = [await _at_size(size, questions) for size in (SIZES_QUICK if quick else SIZES)]
    return [
        Table(
            title="Recall by words and meaning, milliseconds",
            columns=(
                "entries",
                "inside p50",
                "inside p95",
                "of it the query's vector p50",
                "by words only, inside p50",
                "by words only, inside p95",
                "through stdio p50",
                "through stdio p95",
                "first recall inside, s",
                "server's peak MB",
                "database MB",
                "full-text index anew, s",
                "vectors stored, s",
            ),
            rows=tuple(rows),
            note=f"{questions} questions each; vectors from a seed. Goals at 100,000: p95 under 60 ms, under 600 MB.",
        ),
        await anyio.to_thread.run_sync(_embedding, quick),
    ]


async def _at_size(size: int, count: int) -> tuple[str, ...]:
    corpus = make_corpus(size)
    questions = corpus.questions[:count]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        database = home / "dreamkeep.db"
        await remember_all(database, corpus.facts)
        stored = await seed_vectors(database)
        async with open_stores(database) as stores:
            began = time.perf_counter()
            await stores.reindex()
            indexed = time.perf_counter() - began
            recall = Recall(Meaning("minilm"))
            first = (await _inside(stores, recall, questions[:1]))[0]
            inside = await _inside(stores, recall, questions)
            words = Recall(Meaning("none"))
            await _inside(stores, words, questions[:1])
            by_words = await _inside(stores, words, questions)
            vectors = [await _vector(recall, question) for question in questions]
        async with serving(home) as call:
            await _warm(call, questions[0])
            through = await _through(call, questions)
            peak = peak_bytes(home, "serve")
        bytes_on_disk = await anyio.to_thread.run_sync(size_of, home)
    return (
        f"{size:,}",
        *middle_and_tail(inside),
        milliseconds(percentile(vectors, 0.5)),
        *middle_and_tail(by_words),
        *middle_and_tail(through),
        in_seconds(first),
        megabytes(peak),
        megabytes(bytes_on_disk),
        in_seconds(indexed),
        in_seconds(stored),
    )


async def seed_vectors(database: Path) -> float:
    """Give every text a vector from a seed, as the embedder that comes with dreamkeep; gives the seconds."""
    random = np.random.default_rng(SEED)
    began = time.perf_counter()
    async with open_stores(database) as stores:
        await stores.use_recipe(RECIPE, "minilm", DIMENSIONS)
        while texts := await stores.texts_to_embed(RECIPE, TEXTS_AT_ONCE):
            rows = random.standard_normal((len(texts), DIMENSIONS)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1)[:, np.newaxis]
            await stores.put_vectors(
                RECIPE,
                [
                    Embedded(content_id=text.content_id, sha256=text.sha256, vector=row.astype("<f2").tobytes())
                    for text, row in zip(texts, rows, strict=True)
                ],
            )
    return time.perf_counter() - began


async def _inside(stores: Stores, recall: Recall, questions: Sequence[str]) -> list[float]:
    taken: list[float] = []
    for question in questions:
        began = time.perf_counter()
        wanted = Search(query=question, stores=(StoreName(STORE),), limit=ANSWERS)
        await recall.find(stores, wanted, datetime.now(UTC))
        taken.append(time.perf_counter() - began)
    return taken


async def _vector(recall: Recall, question: str) -> float:
    embedder = await recall.meaning.embedder()
    assert embedder is not None
    began = time.perf_counter()
    await anyio.to_thread.run_sync(embedder.embed, [question])
    return time.perf_counter() - began


async def _warm(call: Call, question: str) -> None:
    """Recall until the server has loaded what it needs, which it does beside its first answers."""
    with anyio.fail_after(WARM_SECONDS):
        while "being loaded" in (await call("recall", query=question, store=STORE)).get("note", ""):  # noqa: ASYNC110  # nobody tells
            await anyio.sleep(0.1)


async def _through(call: Call, questions: Sequence[str]) -> list[float]:
    taken: list[float] = []
    for question in questions:
        began = time.perf_counter()
        await call("recall", query=question, store=STORE)
        taken.append(time.perf_counter() - began)
    return taken


def _embedding(quick: bool) -> Table:
    began = time.perf_counter()
    embedder = open_minilm()
    loaded = time.perf_counter() - began
    texts = [fact.content for fact in make_corpus(EMBEDDED).facts[: EMBEDDED // 10 if quick else EMBEDDED]]
    embedder.embed(texts[:10])
    began = time.perf_counter()
    embedder.embed(texts)
    taken = time.perf_counter() - began
    characters = sum(map(len, texts)) / len(texts)
    return Table(
        title="Embedding",
        columns=("embedder", "loading, s", "ms a text", "100,000 such texts, minutes"),
        rows=(
            (
                "minilm",
                in_seconds(loaded),
                f"{1_000 * taken / len(texts):.2f}",
                f"{100_000 * taken / len(texts) / 60:.1f}",
            ),
        ),
        note=f"{len(texts)} texts of {characters:.0f} characters on average, one after the other, one thread.",
    )
