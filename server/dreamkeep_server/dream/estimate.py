"""What a dream over a material would take, before anything is spent."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dreamkeep_server.dream.candidates import Candidate, Repeated, Stated, entries_of, find_candidates
from dreamkeep_store.models import Material

CHARACTERS_A_TOKEN = 4
BATCH_TOKENS_MAX = 6_000
_PROMPT_TOKENS = 1_200
"""The rules and the schema, once for each batch."""
_CANDIDATE_TOKENS = 40
"""Ids, tiers and times around the text of an entry or a statement."""
_ANSWER_TOKENS = 90
"""One judgement without the text that it writes."""
_ENTRIES_A_SECOND = 3_000
_TRANSCRIPT_CHARACTERS_A_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a dream would look at, and what judging by a model would take; the rules judge takes no tokens."""

    entries: int
    sessions: int
    candidates: dict[str, int]
    """How many of each kind, by the name of the kind."""
    batches: int
    input_tokens: int
    output_tokens: int
    seconds: float
    """For everything but the model, roughly, on one core."""


def estimate(material: Material, candidates: Sequence[Candidate] | None = None) -> Estimate:
    """Return the estimate; takes the candidates when they have been found already."""
    found = find_candidates(material) if candidates is None else candidates
    kinds = Counter(type(candidate).__name__ for candidate in found)
    shown = [_tokens_shown(candidate) for candidate in found]
    batches = math.ceil(sum(shown) / BATCH_TOKENS_MAX)
    characters = sum(len(m.text) for transcript in material.transcripts for m in transcript.messages)
    seconds = len(material.entries) / _ENTRIES_A_SECOND + characters / _TRANSCRIPT_CHARACTERS_A_SECOND
    prompt = _PROMPT_TOKENS + len(material.instructions) // CHARACTERS_A_TOKEN
    return Estimate(
        entries=len(material.entries),
        sessions=len(material.transcripts),
        candidates=dict(sorted(kinds.items())),
        batches=batches,
        input_tokens=sum(shown) + batches * prompt,
        output_tokens=sum(_ANSWER_TOKENS + tokens // 3 for tokens in shown),
        seconds=round(seconds, 1),
    )


def _tokens_shown(candidate: Candidate) -> int:
    """Return how many tokens of a prompt a candidate takes."""
    match candidate:
        case Stated():
            texts = [candidate.statement.content, candidate.statement.quote.text]
        case Repeated():
            texts = [text for s in candidate.statements for text in (s.content, s.quote.text)]
        case _:
            texts = [entry.content for entry in entries_of(candidate)]
    return sum(len(text) // CHARACTERS_A_TOKEN + _CANDIDATE_TOKENS for text in texts)
