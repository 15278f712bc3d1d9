"""Batches for a judge that answers when it likes: the connected agent, through a tool.

What it is asked is journaled when its dream gives the lease back; what it answered, batch by batch, until the dream
goes on. A batch is offered until it was answered, and once more with what was refused or left out of the answer.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Final

from pydantic import TypeAdapter

from dreamkeep_server.dream.answers import Row, plain
from dreamkeep_server.dream.candidate import WholeSession
from dreamkeep_server.dream.checking import Held, check, united
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judging import Verdict
from dreamkeep_server.dream.keeping import kept, restored
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, Question, in_batches, narrowed, tokens_of
from dreamkeep_store.models import Material

BATCHES_MAX: Final = 10
WAIT_SECONDS: Final = 24 * 3_600.0
"""How long a dream waits for the next judgement."""
BATCHES_STEP: Final = "batches"
"""The step of the journal that keeps what is asked."""
INSIGHTS_STEP: Final = "batches of insights"
"""The one that keeps what is asked afterwards, about what the sessions turned out to have in common."""
ANSWERS: Final = "answer "
"""How the steps begin that keep what was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A question as it stands in the journal."""

    number: int
    asked: str
    candidate: str
    """As `keeping` writes it: entries and sessions are looked up in the material again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the agent is asked next."""

    batch_id: str
    place: int
    """From 1, of all batches."""
    kept: tuple[_Kept, ...]
    """The questions that are open still."""
    is_again: bool

    @property
    def step(self) -> str:
        """Where its answer is journaled."""
        return f"{ANSWERS}{self.batch_id}{' again' if self.is_again else ''}"

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The questions, for an agent."""
        return [{"candidate": one.number, **json.loads(one.asked)} for one in self.kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an answer."""

    judged: int
    refused: tuple[str, ...]
    payload: bytes
    """For the journal."""


def rules() -> tuple[str, str]:
    """Return the rules in two sentences, and what a judgement is."""
    prose = resources.files("dreamkeep_server.dream.judges").joinpath("agent.md").read_text(encoding="utf-8")
    said, schema = prose.strip().split("\n\n")
    return said, schema


def room_for(instructions: str) -> int:
    """Return how many tokens of questions fit into a batch, beside what stands in each."""
    return BATCH_TOKENS_MAX - sum(map(tokens_of, rules())) - tokens_of(instructions)


def most_batches(questions: Sequence[Question], budget_tokens: int | None) -> int:
    """Return how many batches are offered at first; one is spared for what sessions turn out to have in common."""
    most = BATCHES_MAX if budget_tokens is None else max(1, budget_tokens // BATCH_TOKENS_MAX)
    sessions = sum(isinstance(question.candidate, WholeSession) for question in questions)
    return most - 1 if sessions > 1 and most > 1 else most


def batches_for(questions: Sequence[Question], instructions: str, most: int) -> tuple[bytes, int]:
    """Return the batches for the journal and how many they are; what does not fit is left to the rules."""
    batches = in_batches(questions, tokens_max=room_for(instructions))[:most]
    rows = tuple(tuple(_kept(question) for question in batch) for batch in batches)
    return _batches_json().dump_json(rows), len(rows)


def joined(steps: Mapping[str, bytes]) -> bytes:
    """Return the batches of these steps as one payload, in the order in which they were asked."""
    batches = [batch for name in sorted(steps) for batch in _batches_json().validate_json(steps[name])]
    return _batches_json().dump_json(tuple(batches))


def count(steps: Mapping[str, bytes]) -> int:
    """Return how many batches these steps keep."""
    return sum(len(_batches_json().validate_json(payload)) for payload in steps.values())


def next_batch(payload: bytes, answers: Mapping[str, bytes], wanted: str = "") -> tuple[Batch | None, int, int]:
    """Return the batch of that name, else the first that is open, with how many are done and how many there are.

    None when all are done, or the named one is done or unknown.
    """
    batches = _batches_json().validate_json(payload)
    open_ones = [
        batch for place, kept in enumerate(batches, start=1) if (batch := _open_of(place, kept, answers)) is not None
    ]
    chosen = next((batch for batch in open_ones if batch.batch_id == (wanted or batch.batch_id)), None)
    return chosen, len(batches) - len(open_ones), len(batches)


def _open_of(place: int, kept: tuple[_Kept, ...], answers: Mapping[str, bytes]) -> Batch | None:
    batch = Batch(batch_id=f"b{place}", place=place, kept=kept, is_again=False)
    answer = answers.get(batch.step)
    if answer is None:
        return batch
    left: dict[int, str] = dict(json.loads(answer)["open"])
    still = tuple(replace(one, asked=left[one.number]) for one in kept if one.number in left)
    again = Batch(batch_id=f"b{place}", place=place, kept=still, is_again=True)
    return again if again.kept and again.step not in answers else None


def take(batch: Batch, judgements: Sequence[object], material: Material) -> Taken:
    """Return what of these judgements holds, and why the rest does not; an empty list leaves the batch to the rules."""
    ground = Ground(material)
    asked = {one.number: restored(one.candidate, ground) for one in batch.kept}
    checked = check({"judgements": list(judgements)}, asked, ground, trust_max="agent")
    refused = checked.sentences
    rows: list[Row] = [one.row for held in checked.held.values() for one in held]
    again: list[tuple[int, str]] = []
    if judgements and not batch.is_again:
        for one in batch.kept:
            if one.number in checked.open:
                question = Question(number=one.number, candidate=asked[one.number], asked=one.asked)
                again.append((one.number, narrowed(question, checked.near.get(one.number, ())).asked))
    answer = {"rows": rows, "open": again, "refused": [] if again or not judgements else list(refused)}
    return Taken(judged=len(checked.held), refused=refused if judgements else (), payload=json.dumps(answer).encode())


def verdict(payload: bytes, answers: Mapping[str, bytes], material: Material) -> tuple[tuple[Question, ...], Verdict]:
    """Return what was asked, and what was answered as far as it holds."""
    ground = Ground(material)
    questions: list[Question] = []
    held: dict[int, tuple[Held, ...]] = {}
    answered: set[int] = set()
    refusals: list[str] = []
    for place, rows in enumerate(_batches_json().validate_json(payload), start=1):
        asked = {one.number: restored(one.candidate, ground) for one in rows}
        questions += [Question(number=one.number, candidate=asked[one.number], asked=one.asked) for one in rows]
        for again in (False, True):
            batch = Batch(batch_id=f"b{place}", place=place, kept=rows, is_again=again)
            if batch.step in answers:
                answer: dict[str, Any] = json.loads(answers[batch.step])
                answered |= asked.keys()
                for number, more in check(
                    {"judgements": answer["rows"]}, asked, ground, trust_max="agent"
                ).held.items():
                    held[number] = united(held.get(number, ()), more)
                refusals += [plain(why) for why in answer["refused"]]
    return tuple(questions), Verdict(held=held, answered=frozenset(answered), refusals=tuple(refusals))


@functools.cache
def _batches_json() -> TypeAdapter[tuple[tuple[_Kept, ...], ...]]:
    return TypeAdapter(tuple[tuple[_Kept, ...], ...])


def _kept(question: Question) -> _Kept:
    return _Kept(number=question.number, asked=question.asked, candidate=kept(question.candidate))
