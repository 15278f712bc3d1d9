"""What a dream over a material would take, before anything is spent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.questions import ask, in_batches, tokens_of
from dreamkeep_store.models import Material

_PROMPT_TOKENS = 2_000
"""The rules and the schema, once for each batch; most of them are read from the cache."""
_ANSWER_TOKENS = 250
"""One judgement, with what a model thinks about it."""
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
    questions = ask(found)
    batches = len(in_batches(questions))
    characters = sum(len(m.text) for transcript in material.transcripts for m in transcript.messages)
    seconds = len(material.entries) / _ENTRIES_A_SECOND + characters / _TRANSCRIPT_CHARACTERS_A_SECOND
    prompt = _PROMPT_TOKENS + tokens_of(material.instructions)
    return Estimate(
        entries=len(material.entries),
        sessions=len(material.transcripts),
        candidates=dict(sorted(kinds.items())),
        batches=batches,
        input_tokens=sum(question.tokens for question in questions) + batches * prompt,
        output_tokens=_ANSWER_TOKENS * len(questions),
        seconds=round(seconds, 1),
    )
