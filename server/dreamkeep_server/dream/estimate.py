"""What a dream over a material would take, before anything is spent."""

import functools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dreamkeep_server.dream import awaiting
from dreamkeep_server.dream.answers import JudgeAnswer
from dreamkeep_server.dream.candidate import Candidate, WholeSession
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.judges import claude, prices
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, Question, ask, in_batches, tokens_of
from dreamkeep_store.models import JudgeName, Material, TokenUsage

_ANSWER_TOKENS: Final = 60
"""One judgement: a few ids and a reason; a merge says a text as well, most others do not."""
_SESSION_TOKENS: Final = 750
"""Five additions with their quotes: most sessions give none or one, few a dozen, and none more than it says."""
_CALL_TOKENS: Final = 60
"""What stands around the questions of a call."""
_ENTRIES_A_SECOND = 3_000
_TRANSCRIPT_CHARACTERS_A_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a dream would look at, and what judging by a model would take; the rules judge takes no tokens."""

    entries: int
    sessions: int
    candidates: dict[str, int]
    """How many of each kind, by the name of the kind."""
    settled: int
    """How many questions a model has answered before: they are not asked again."""
    batches: int
    cost: TokenUsage = field(default_factory=TokenUsage)
    seconds: float
    """For everything but the model, roughly, on one core."""


def estimate(
    material: Material,
    judge: JudgeName,
    model: str | None = None,
    budget_tokens: int | None = None,
    *,
    settled: Callable[[Sequence[Question]], frozenset[int]] = lambda _: frozenset(),
) -> Estimate:
    """Return the estimate; `settled` says which questions, by number, are not asked again."""
    found = find_candidates(material)
    kinds = Counter(type(candidate).__name__ for candidate in found)
    characters = sum(len(m.text) for transcript in material.transcripts for m in transcript.messages)
    seconds = len(material.entries) / _ENTRIES_A_SECOND + characters / _TRANSCRIPT_CHARACTERS_A_SECOND
    asked = _asked(found, material, judge)
    known = settled(asked)
    new = [question for question in asked if question.number not in known]
    batches = batches_of(new, judge, budget_tokens, material.instructions)
    return Estimate(
        entries=len(material.entries),
        sessions=len(material.transcripts),
        candidates=dict(sorted(kinds.items())),
        settled=len(known),
        batches=len(batches),
        cost=cost_of(batches, judge, model, material.instructions),
        seconds=round(seconds, 1),
    )


def _asked(found: Sequence[Candidate], material: Material, judge: JudgeName) -> tuple[Question, ...]:
    if judge == "rules":
        return ()
    return ask(found, material.transcripts, tokens_max=_room(judge, material.instructions))


def _room(judge: JudgeName, instructions: str) -> int:
    return awaiting.room_for(instructions) if judge == "agent" else BATCH_TOKENS_MAX


def batches_of(
    questions: Sequence[Question], judge: JudgeName, budget_tokens: int | None, instructions: str
) -> Sequence[Sequence[Question]]:
    """Return the batches in which a judge of that kind would be asked these questions."""
    batches = in_batches(questions, tokens_max=_room(judge, instructions))
    return batches[: awaiting.most_batches(questions, budget_tokens)] if judge == "agent" else batches


def cost_of(
    batches: Sequence[Sequence[Question]], judge: JudgeName, model: str | None, instructions: str
) -> TokenUsage:
    """Return the tokens, and with Claude the dollars: what every call begins with is written once and read then."""
    if not batches or judge == "rules":
        return TokenUsage()
    asked = sum(question.tokens for batch in batches for question in batch) + _CALL_TOKENS * len(batches)
    given = sum(_answer_tokens(question) for batch in batches for question in batch)
    if judge == "agent":
        rules = sum(map(tokens_of, (*awaiting.rules(), instructions)))
        return TokenUsage(input_tokens=asked + rules * len(batches), output_tokens=given)
    prefix = _prefix_tokens() + tokens_of(instructions)
    usage = TokenUsage(
        input_tokens=asked,
        output_tokens=given,
        cache_creation_input_tokens=prefix,
        cache_read_input_tokens=prefix * (len(batches) - 1),
    )
    return replace(usage, cost_usd=prices.price_of(model or prices.MODEL).of(usage))


def _answer_tokens(question: Question) -> int:
    if isinstance(question.candidate, WholeSession):
        return _ANSWER_TOKENS + min(question.tokens, _SESSION_TOKENS)
    return _ANSWER_TOKENS


@functools.cache
def _prefix_tokens() -> int:
    return tokens_of(claude.prose()) + tokens_of(json.dumps(JudgeAnswer.model_json_schema()))
