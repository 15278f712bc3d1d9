"""Recall: which entries answer a query, in which order, and why; the tools and the command line use it.

Words and meaning both count (`ranking`); without an embedder it goes by words. Nothing here remembers what
was recalled.
"""

import importlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning, Near
from dreamkeep_server.ranking.dates import dates_named
from dreamkeep_server.ranking.formula import Parts, Scores, best, joined, scored
from dreamkeep_server.ranking.newest import COMPARED, newest_first
from dreamkeep_server.ranking.timeline import COLUMNS, Fared, Timeline, followed, timeline
from dreamkeep_server.staleness import freshness, is_stale
from dreamkeep_store.errors import StoreError
from dreamkeep_store.models import PAGE_MAX, Entry, EntryId, Match, RevisionId, Search, StoreName, WordScores
from dreamkeep_store.store import Stores

if TYPE_CHECKING:
    pass

WORD = re.compile(r"[^\W_]+")
LOADING = "By words only, while what meaning needs is being loaded; a moment later recall finds more."
TEXTS_BY_WORDS = 1_000
"""How many of the best texts by words have their words counted; beyond, nothing reaches a page."""
TEXTS_ENOUGH = 8
"""With fewer texts that say the query's rarer words, its commonest ones count too; the same for every page."""
FETCH_MORE = 40
FETCH_GROWTH = 8
ENTRIES_AT_ONCE = 5_000
"""What is scored on the event loop: some 3 ms; a longer timeline goes to a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An entry in its place."""

    entry: Entry
    score: float
    """By `ranking.formula`, bigger is better; comparable within one answer only. 0 where nothing was asked.

    One that was put before an older one has the older one's, if that is bigger."""
    parts: Parts | None
    stale: bool
    why: str
    """What speaks for it, in a line, for whoever asks."""
    newer: EntryId | None = None
    """An entry that may replace this one, as it says itself, or as a dream suggests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The entries that answer, best first."""

    entries: tuple[Ranked, ...]
    without_meaning: str | None = None
    """Why meaning had no part in it, or not in all of it, in a sentence; None when it had, or nobody wanted it to."""


class Recall:
    """Answers queries over one database; it keeps in memory what it compares a query with."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self._lines: dict[StoreName, Timeline] = {}
        self._fared: dict[StoreName, Fared] = {}
        self._reading = anyio.Lock()

    async def prepare(self, stores: Stores, names: Sequence[StoreName]) -> None:
        """Load what recalls from these stores need; those that are not there have no part.

        Raises EmbedderError when meaning cannot have a part now, and what `Stores.moments` raises.
        """
        there = [name for name in await stores.list_stores() if name in names]
        await anyio.to_thread.run_sync(importlib.import_module, "numpy")  # a tenth of a second
        for name in there:
            await self._line(stores, name, None)
        await self.meaning.prepare(stores, there)

    async def find(self, stores: Stores, wanted: Search, now: datetime, *, at_once: bool = False) -> Ranking:
        """The entries that answer; an empty query lists the newest.

        `now` decides how fresh they are. `at_once` loads nothing: it goes by words and BM25 alone. Raises
        what `Stores.search` raises, and no EmbedderError: it goes by words then, and says why.
        """
        if not wanted.query.strip():
            return Ranking(entries=tuple(_plain(match, "newest first", now) for match in await stores.search(wanted)))
        if at_once:
            found = await stores.search(wanted)
            return Ranking(
                entries=tuple(_plain(match, _words_said(match.entry.content, match.words), now) for match in found),
                without_meaning=None if self.meaning.setting == "none" else LOADING,
            )
        await stores.saying(wanted, ())  # refuses what cannot be asked, before anything is loaded
        lines = [await self._line(stores, name, wanted.version) for name in wanted.stores]
        if not any(len(line.entries) for line in lines):
            return Ranking(entries=())
        near, words, why_not = await self._compared(stores, wanted)
        fared = [await self._outcomes(stores, name, wanted.version) for name in wanted.stores]
        dates = dates_named(wanted.query)

        def score() -> Scores:
            return joined(
                [
                    scored(
                        line,
                        bm25=words.scores,
                        cosines=None if near is None else near.cosines,
                        dates=dates,
                        fared=one,
                        now=now,
                    )
                    for line, one in zip(lines, fared, strict=True)
                ]
            )

        scores = await _computed(score, sum(len(line.entries) for line in lines))
        page = await self._page(stores, wanted, scores)
        ranked = [_ranked(entry, scores, row, words.words, now) for entry, row in page]
        ranked += await _others(stores, wanted, {entry.revision_id for entry, _ in page}, now)
        if wanted.offset < COMPARED:
            ranked = [*await _newest_first(stores, wanted, ranked[:COMPARED]), *ranked[COMPARED:]]
        return Ranking(entries=tuple(ranked[wanted.offset : wanted.offset + wanted.limit]), without_meaning=why_not)

    async def _compared(self, stores: Stores, wanted: Search) -> tuple[Near | None, WordScores, str | None]:
        """How near all texts are, how well some say the words, and why meaning has no part in it if it has none."""
        near: Near | None = None
        words: WordScores | None = None
        why_not: str | None = None
        failed: list[StoreError] = []

        async def compare() -> None:
            nonlocal near, why_not
            try:
                near = await self.meaning.near(stores, wanted.query, wanted.stores)
            except EmbedderError as error:
                why_not = f"By words only: {error}"
            except StoreError as error:
                failed.append(error)
            else:
                if near is not None and not near.covered:
                    why_not = "Texts are still being embedded; those that are not yet go by words only."
                elif near is not None and near.damaged:
                    why_not = f"Damaged vectors were left out ({near.damaged:,}); `dreamkeep reindex` makes them anew."

        async def look_up() -> None:
            nonlocal words
            try:
                words = await stores.word_scores(wanted.query, wanted.stores, enough=TEXTS_ENOUGH, limit=TEXTS_BY_WORDS)
            except StoreError as error:
                failed.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(compare)
            tasks.start_soon(look_up)
        if failed:
            raise failed[0]
        assert words is not None
        return near, words, why_not

    async def _page(self, stores: Stores, wanted: Search, scores: Scores) -> list[tuple[Entry, int]]:
        """The entries up to the page's end with their rows: the best are fetched until enough pass the filters."""
        end = max(wanted.offset + wanted.limit, COMPARED)
        fetch = end + FETCH_MORE
        passed: dict[int, tuple[Entry, int]] = {}
        asked = 0
        while True:
            rows = await _computed(partial(best, scores, fetch), len(scores.content_ids))
            row_of = {int(scores.content_ids[row]): row for row in reversed(rows)}
            new = list(dict.fromkeys(int(scores.content_ids[row]) for row in rows[asked:]))
            for match in await stores.saying(wanted, new):
                passed.setdefault(match.entry.revision_id, (match.entry, row_of[match.content_id]))
            if len(passed) >= end or len(rows) < fetch:
                return list(passed.values())[:end]
            asked, fetch = len(rows), fetch * FETCH_GROWTH

    async def _line(self, stores: Stores, name: StoreName, version: int | None) -> Timeline:
        if version is not None:
            return timeline(await stores.moments_of_version(name, version))
        async with self._reading:
            known = self._lines.get(name)
            moments = await stores.moments(name, after=None if known is None else known.moments)
            if known is not None and moments.whole:
                self.meaning.forget()  # something was erased, or another database was restored
            if known is None or moments.whole:
                line = await _computed(partial(timeline, moments), len(moments.opened) // COLUMNS)
            else:
                line = await _computed(partial(followed, known, moments), known.size)
            self._lines[name] = line
            return line

    async def _outcomes(self, stores: Stores, name: StoreName, version: int | None) -> Fared | None:
        """How live entries fared; of an old version's nobody asks."""
        if version is not None:
            return None
        known = self._fared.get(name)
        newest = await stores.newest_outcome()
        seq = self._lines[name].moments.seq
        if known is None or (known.outcomes.newest, known.outcomes.seq) != (newest, seq):
            known = Fared(outcomes=await stores.outcomes(name))
            self._fared[name] = known
        return known


T = TypeVar("T")


async def _computed(compute: Callable[[], T], entries: int) -> T:
    """What that gives; where it goes through many entries, on a thread."""
    return await anyio.to_thread.run_sync(compute) if entries > ENTRIES_AT_ONCE else compute()


async def _others(stores: Stores, wanted: Search, passed: set[RevisionId], now: datetime) -> list[Ranked]:
    """What says a word of the query behind the best texts by words, where those are too few for the page.

    Filters may have taken them, or they are not live. It is a tail in the order of BM25, the same for each page.
    """
    missing = wanted.offset + wanted.limit - len(passed)
    found: list[Ranked] = []
    offset = 0
    while missing > len(found):
        matches = await stores.search(replace(wanted, offset=offset, limit=PAGE_MAX))
        found += [
            _plain(match, _words_said(match.entry.content, match.words), now)
            for match in matches
            if match.entry.revision_id not in passed
        ]
        offset += len(matches)
        if len(matches) < PAGE_MAX:
            break
    return found


async def _newest_first(stores: Stores, wanted: Search, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best answers, a newer one before an older one that it may replace."""
    entries = [one.entry for one in ranked]
    of_head = wanted.version is None
    suggested = await stores.suggested_newer([entry.revision_id for entry in entries]) if of_head else {}
    order = newest_first(entries, wanted.query, suggested)
    found: list[Ranked] = []
    best_behind = [max(ranked[place].score for place in order.places[at:]) for at in range(len(ranked))]
    for place, score in zip(order.places, best_behind, strict=True):
        one = ranked[place]
        why = order.why.get(one.entry.entry_id)
        found.append(
            replace(
                one,
                score=score if why is not None else one.score,
                why=f"{why}; {one.why}" if why is not None else one.why,
                newer=order.newer.get(one.entry.entry_id),
            )
        )
    return found


def _ranked(entry: Entry, scores: Scores, row: int, words: Sequence[str], now: datetime) -> Ranked:
    parts = scores.parts(row)
    total = sum((parts.words, parts.meaning or 0.0, parts.occasion, parts.tier, parts.freshness, parts.outcomes))
    return Ranked(entry=entry, score=total, parts=parts, stale=is_stale(entry, now), why=_why(entry, words, parts, now))


def _plain(match: Match, why: str, now: datetime) -> Ranked:
    return Ranked(entry=match.entry, score=match.score, parts=None, stale=is_stale(match.entry, now), why=why)


def _words_said(content: str, words: Sequence[str]) -> str:
    said = set(WORD.findall(unicodedata.normalize("NFKC", content).casefold()))
    found = [word for word in words if word in said]
    # How many words were left out is not told: those are the words that no text says, in any store.
    return f"says {', '.join(found)}" if found else "other forms of the words asked for, or the date"


def _why(entry: Entry, words: Sequence[str], parts: Parts, now: datetime) -> str:
    reasons: list[str] = []
    if parts.words > 0:
        reasons.append(_words_said(entry.content, words))
    if parts.meaning is not None:
        reasons.append(f"similarity {parts.meaning:.2f}")
    weighed = (
        ("words", parts.words),
        ("occasion", parts.occasion),
        ("tier", parts.tier),
        ("age", parts.freshness),
        ("outcomes", parts.outcomes),
    )
    reasons += [f"{name} {value:+.2f}" for name, value in weighed if abs(value) >= 0.005]
    reasons.append(f"{freshness(entry, now):.0%} fresh")
    return "; ".join(reasons)
