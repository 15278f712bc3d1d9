"""Recall: which entries answer a query, in which order, and why; the tools and the dream's check use it.

By words for now: the order is the store's BM25. Nothing here remembers what was recalled.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from dreamkeep_server.staleness import is_stale
from dreamkeep_store.models import Entry, Match, Search
from dreamkeep_store.store import Stores

WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An entry in its place."""

    entry: Entry
    score: float
    """BM25, bigger is better; comparable within one answer only."""
    stale: bool
    why: str
    """What speaks for it, for whoever asks."""


async def recall(stores: Stores, wanted: Search, now: datetime) -> list[Ranked]:
    """The entries that answer, best first; `now` decides which look stale."""
    return [
        Ranked(entry=match.entry, score=match.score, stale=is_stale(match.entry, now), why=_why(match))
        for match in await stores.search(wanted)
    ]


def _why(match: Match) -> str:
    if not match.words:
        return "newest first"
    said = set(WORD.findall(unicodedata.normalize("NFKC", match.entry.content).casefold()))
    found = [word for word in match.words if word in said]
    missing = len(match.words) - len(found)
    if not found:
        return "other forms of the words asked for"
    return f"says {', '.join(found)}" + (
        f"; {missing} of {len(match.words)} words not, or in another form" if missing else ""
    )
