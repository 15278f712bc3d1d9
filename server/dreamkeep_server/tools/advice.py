"""What to tell an agent about a fact that it remembers; pure, and never a reason to refuse it."""

import re
from collections.abc import Sequence

from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_server.dream.words import STOP_WORDS, stem, tokens
from dreamkeep_server.tools.cuts import one_line
from dreamkeep_server.tools.results import Similar
from dreamkeep_store.models import EntryId, Match, Tier

SIMILAR_MAX = 3
SIMILAR_CHARACTERS = 160
ALIKE_FROM = 0.5
"""Share of the shorter text's telling words that the other must have too."""
WORDS_SHARED_MIN = 2
QUERY_CHARACTERS_MAX = 400
"""A long content is looked up by its beginning; a query of thousands of terms helps nobody."""

_PASSING = re.compile(
    r"\b(today|tonight|tomorrow|this (morning|afternoon|evening|week|session|conversation)|right now|at the moment|"
    r"for now|temporar(y|ily)|currently (\w+ing|in the middle)|just (now|started|ran)|in progress|"
    r"next step|todo|wip)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*([-*•]|\d+[.)])\s+\S", re.MULTILINE)
_GOES_ON = re.compile(r"\. |\n|;\s|,\s+and\s")
"""What stands between two facts; a text without it needs no grammar, which takes longer to import than to be told."""


def warnings_about(content: str, tier: Tier | None, redactions: int) -> list[str]:
    """What is odd about the content, each in a sentence that says what to do."""
    warnings: list[str] = []
    if redactions:
        what = "1 secret was" if redactions == 1 else f"{redactions} secrets were"
        warnings.append(f"{what} redacted before anything was stored; keep secrets out of the memory.")
    if holds_several(content, tier):
        warnings.append("This looks like several facts; one fact an entry can be found and replaced by itself.")
    if tier not in ("ephemeral",) and (found := _PASSING.search(content)):
        warnings.append(
            f'"{found[0].lower()}" sounds passing; tag_tier(tier="ephemeral") lets it fade, or name the date.'
        )
    if (reason := looks_like_instruction(content)) is not None:
        warnings.append(f"This looks like an instruction ({reason}); it is kept as text, and a person reviews it.")
    return warnings


def holds_several(content: str, tier: Tier | None) -> bool:
    """Whether the content looks like more than one fact: two list points, or what a dream would take apart."""
    if len(_BULLET.findall(content)) > 1:
        return True
    if tier == "ephemeral" or _GOES_ON.search(content.rstrip()) is None:
        return False
    from dreamkeep_server.dream.parts import find_parts

    return bool(find_parts(content))


def alike(content: str, matches: Sequence[Match], leave_out: frozenset[EntryId]) -> list[Similar]:
    """The matches that say much the same as the content, best first, shortened."""
    mine = _telling(content)
    similar: list[Similar] = []
    for match in matches:
        theirs = _telling(match.entry.content)
        shared = len(mine & theirs)
        enough = shared >= min(WORDS_SHARED_MIN, len(mine), len(theirs)) and shared > 0
        if match.entry.entry_id in leave_out or not enough or shared < ALIKE_FROM * min(len(mine), len(theirs)):
            continue
        similar.append(Similar(id=match.entry.entry_id, content=one_line(match.entry.content, SIMILAR_CHARACTERS)))
    return similar[:SIMILAR_MAX]


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem(token) for token in tokens(text) if token not in STOP_WORDS)
