"""Batches for a judge that answers when it likes: the connected agent, through a tool.

What it is asked is journaled when its dream gives the lease back; what it answered, batch by batch, until the dream
goes on. A batch is offered until it was answered, and once more with what was refused or left out of the answer.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, cast

from pydantic import TypeAdapter

from dreamkeep_server.dream.answers import plain
from dreamkeep_server.dream.candidate import (
    Candidate,
    NearDuplicates,
    Opposed,
    Repeated,
    SlotValues,
    Stale,
    Stated,
    entries_of,
)
from dreamkeep_server.dream.checking import check
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Judgement
from dreamkeep_server.dream.judging import Verdict
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, Question, ask, in_batches, tokens_of
from dreamkeep_server.dream.statements import Statement
from dreamkeep_store.models import EntryId, Material

BATCHES_MAX: Final = 10
WAIT_SECONDS: Final = 24 * 3_600.0
"""How long a dream waits for the next judgement."""
BATCHES_STEP: Final = "batches"
ANSWERS: Final = "answer "
"""How the steps of the journal begin that keep what was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A question as it stands in the journal; entries and transcripts are looked up in the material again."""

    number: int
    kind: str
    shown: str
    entries: tuple[EntryId, ...] = ()
    newer: int = 0
    """How many of the entries say the newer value."""
    slot: str = ""
    evidence: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()


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
        return [json.loads(one.shown) for one in self.kept]


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


def batches_for(candidates: Sequence[Candidate], instructions: str, budget_tokens: int | None) -> tuple[bytes, int]:
    """Return the batches for the journal and how many they are; what does not fit is left to the rules."""
    room = BATCH_TOKENS_MAX - sum(map(tokens_of, rules())) - tokens_of(instructions)
    most = BATCHES_MAX if budget_tokens is None else max(1, budget_tokens // BATCH_TOKENS_MAX)
    batches = in_batches(ask(candidates, tokens_max=room), tokens_max=room)[:most]
    kept = tuple(tuple(_kept(question) for question in batch) for batch in batches)
    return _batches_json().dump_json(kept), len(kept)


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
    left = set(json.loads(answer)["open"])
    again = Batch(batch_id=f"b{place}", place=place, kept=tuple(k for k in kept if k.number in left), is_again=True)
    return again if again.kept and again.step not in answers else None


def take(batch: Batch, judgements: Sequence[object], material: Material) -> Taken:
    """Return what of these judgements holds, and why the rest does not; an empty list leaves the batch to the rules."""
    asked = {one.number: _rebuilt(one, material) for one in batch.kept}
    checked = check({"judgements": list(judgements)}, asked, Ground(material), trust_max="agent")
    refused = checked.sentences
    given = [cast("dict[str, Any]", row) for row in judgements if isinstance(row, dict)]
    rows = [row for row in given if row.get("candidate") in checked.held]
    again = sorted(checked.open) if judgements and not batch.is_again else []
    kept = {"rows": rows, "open": again, "refused": [] if again or not judgements else list(refused)}
    return Taken(judged=len(checked.held), refused=refused if judgements else (), payload=json.dumps(kept).encode())


def verdict(payload: bytes, answers: Mapping[str, bytes], material: Material) -> tuple[tuple[Question, ...], Verdict]:
    """Return what was asked, and what was answered as far as it holds."""
    ground = Ground(material)
    questions: list[Question] = []
    held: dict[int, Judgement] = {}
    refusals: list[str] = []
    for place, kept in enumerate(_batches_json().validate_json(payload), start=1):
        asked = {one.number: _rebuilt(one, material) for one in kept}
        questions += [Question(number=k.number, candidate=asked[k.number], shown=k.shown) for k in kept]
        for again in (False, True):
            batch = Batch(batch_id=f"b{place}", place=place, kept=kept, is_again=again)
            if batch.step in answers:
                answer: dict[str, Any] = json.loads(answers[batch.step])
                held |= check({"judgements": answer["rows"]}, asked, ground, trust_max="agent").held
                refusals += [plain(why) for why in answer["refused"]]
    return tuple(questions), Verdict(held=held, refusals=tuple(refusals))


@functools.cache
def _batches_json() -> TypeAdapter[tuple[tuple[_Kept, ...], ...]]:
    return TypeAdapter(tuple[tuple[_Kept, ...], ...])


def _kept(question: Question) -> _Kept:
    candidate = question.candidate
    match candidate:
        case Stated():
            statements: tuple[Statement, ...] = (candidate.statement,)
        case Repeated():
            statements = candidate.statements
        case _:
            statements = ()
    return _Kept(
        number=question.number,
        kind=type(candidate).__name__,
        shown=question.shown,
        entries=tuple(entry.entry_id for entry in entries_of(candidate)),
        newer=len(candidate.newer) if isinstance(candidate, SlotValues) else 0,
        slot=candidate.slot if isinstance(candidate, SlotValues) else "",
        evidence=candidate.evidence if isinstance(candidate, NearDuplicates | Opposed | SlotValues) else (),
        statements=statements,
    )


def _rebuilt(kept: _Kept, material: Material) -> Candidate:
    """Return the candidate that was kept, from the material that it was found in."""
    found = {entry.entry_id: entry for entry in material.entries}
    entries = tuple(found[entry_id] for entry_id in kept.entries)
    transcripts = {transcript.session.session_id: transcript for transcript in material.transcripts}
    read = tuple(transcripts[statement.quote.session_id] for statement in kept.statements)
    match kept.kind:
        case "NearDuplicates":
            return NearDuplicates(entries=entries, evidence=kept.evidence)
        case "SlotValues":
            newer, older = entries[: kept.newer], entries[kept.newer :]
            return SlotValues(slot=kept.slot, newer=newer, older=older, certain=False, evidence=kept.evidence)
        case "Opposed":
            return Opposed(entries=(entries[0], entries[1]), evidence=kept.evidence)
        case "Stale":
            return Stale(entry=entries[0])
        case "Stated":
            return Stated(statement=kept.statements[0], transcript=read[0])
        case "Repeated":
            return Repeated(statements=kept.statements, transcripts=read)
        case _:
            raise ValueError(f"no question of the kind {kept.kind!r} is ever kept")
