"""What a judge that is a model is asked: the candidates that code cannot decide, as data, in batches.

Stored text is written as JSON strings in which no tag can be opened or closed: it cannot leave its place.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, assert_never

from dreamkeep_server.dream.candidate import (
    Candidate,
    Disputed,
    ExactDuplicates,
    Expired,
    Instructing,
    Learnt,
    NearDuplicates,
    Opposed,
    Outgrown,
    Recurring,
    Repeated,
    SameWords,
    Several,
    SlotValues,
    Stale,
    Stated,
    Themed,
)
from dreamkeep_server.dream.statements import Statement
from dreamkeep_store.models import Entry, Message, Quote, Transcript

BATCH_TOKENS_MAX: Final = 6_000
"""Of one batch's questions; what is longer than a batch alone is not asked."""
_AROUND_CHARACTERS: Final = 300
"""What is shown of a message before and after the words that matter, and of the messages beside it."""
_CHARACTERS_A_TOKEN: Final = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A candidate as a model is asked about it."""

    number: int
    """From 1 within its dream; answers name it."""
    candidate: Candidate
    shown: str
    """A JSON object on one line, without angle brackets."""

    @property
    def tokens(self) -> int:
        """About how many tokens it takes."""
        return tokens_of(self.shown)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text takes, rather too many: beyond ASCII one a character."""
    ascii_characters = sum(map(str.isascii, text))
    return round(ascii_characters / _CHARACTERS_A_TOKEN) + len(text) - ascii_characters + 1


def is_open(candidate: Candidate) -> bool:
    """Say whether a model is asked: not where form alone decides, nor about what only a person may decide."""
    match candidate:
        case NearDuplicates() | Opposed() | Stale() | Stated() | Repeated():
            return True
        case Recurring() | Learnt() | Several() | Themed():
            return True
        case SlotValues():
            return not candidate.certain
        case ExactDuplicates() | SameWords() | Expired() | Instructing() | Disputed() | Outgrown():
            return False
        case _:
            assert_never(candidate)


def ask(candidates: Sequence[Candidate], *, tokens_max: int = BATCH_TOKENS_MAX) -> tuple[Question, ...]:
    """Return the questions about the open candidates, each kind in turn, so that a short budget serves them all."""
    kinds: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if is_open(candidate):
            kinds[type(candidate).__name__].append(candidate)
    in_turn = (one for turn in zip_longest(*(kinds[kind] for kind in sorted(kinds))) for one in turn if one is not None)
    questions: list[Question] = []
    for candidate in in_turn:
        question = Question(
            number=len(questions) + 1, candidate=candidate, shown=_written(candidate, len(questions) + 1)
        )
        if question.tokens <= tokens_max:
            questions.append(question)
    return tuple(questions)


def in_batches(
    questions: Sequence[Question], *, tokens_max: int = BATCH_TOKENS_MAX
) -> tuple[tuple[Question, ...], ...]:
    """Return the questions in order, as many together as the tokens allow."""
    batches: list[tuple[Question, ...]] = []
    batch: list[Question] = []
    taken = 0
    for question in questions:
        if batch and taken + question.tokens > tokens_max:
            batches.append(tuple(batch))
            batch, taken = [], 0
        batch.append(question)
        taken += question.tokens
    return (*batches, tuple(batch)) if batch else tuple(batches)


def _written(candidate: Candidate, number: int) -> str:
    line = json.dumps({"candidate": number, **_shown(candidate)}, ensure_ascii=False, separators=(",", ":"))
    return line.replace("<", "\\u003c").replace(">", "\\u003e")


def _shown(candidate: Candidate) -> dict[str, Any]:
    match candidate:
        case NearDuplicates():
            return _of_entries("Do they say the same?", candidate.entries, candidate.evidence)
        case SlotValues():
            entries = (*candidate.newer, *candidate.older)
            return _of_entries(
                "Two values of one thing? Does the newer replace the older?", entries, candidate.evidence
            )
        case Opposed():
            return _of_entries("Can both hold?", candidate.entries, candidate.evidence)
        case Stale():
            return _of_entries("Nobody used it for long. Is it still of use?", (candidate.entry,), ())
        case Stated():
            return {
                "ask": "Is this worth remembering after the session?",
                "kind": candidate.statement.kind,
                "statement": candidate.statement.content,
                "session_id": candidate.transcript.session.session_id,
                "said": list(_around(candidate.statement.quote, candidate.transcript)),
            }
        case Repeated():
            return {
                "ask": "Do these sessions have this in common, and is it worth remembering?",
                "kind": candidate.statements[-1].kind,
                "sessions": [
                    _of_session(statement, transcript)
                    for statement, transcript in zip(candidate.statements, candidate.transcripts, strict=True)
                ],
            }
        case Recurring() | Learnt():
            return {
                "ask": "Is this so, and is it worth remembering?",
                "found": list(candidate.evidence),
                "statement": candidate.content,
                "said": [
                    {"session_id": quote.session_id, "message": quote.message, "role": quote.role, "text": quote.text}
                    for quote in candidate.quotes
                ],
            }
        case Several():
            entries = (candidate.entry,)
            return _of_entries("Does it hold several facts?", entries, (*candidate.evidence, *candidate.parts))
        case Themed():
            asked = f"Do they belong under {candidate.topic}?"
            return _of_entries(asked, candidate.entries, candidate.evidence)
        case ExactDuplicates() | SameWords() | Expired() | Instructing() | Disputed() | Outgrown():
            raise TypeError(f"no model is asked about {candidate}")
        case _:
            assert_never(candidate)


def _of_entries(asked: str, entries: Sequence[Entry], why: Sequence[str]) -> dict[str, Any]:
    return {"ask": asked, **({"found": list(why)} if why else {}), "entries": [_entry(entry) for entry in entries]}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.entry_id,
        "text": entry.content,
        "asserted": entry.asserted_at.date().isoformat(),
        "tier": entry.tier,
        "trust": entry.trust,
        **({"topic": entry.topic} if entry.topic else {}),
    }


def _of_session(statement: Statement, transcript: Transcript) -> dict[str, Any]:
    quote = statement.quote
    message = next(message for message in transcript.messages if message.number == quote.message)
    return {
        "session_id": transcript.session.session_id,
        "statement": statement.content,
        "message": quote.message,
        "text": _window(message.text, quote.text),
    }


def _around(quote: Quote, transcript: Transcript) -> Iterator[dict[str, Any]]:
    """Yield the quoted message and the ones beside it, cut."""
    for message in transcript.messages:
        if abs(message.number - quote.message) <= 1:
            kept = quote.text if message.number == quote.message else ""
            yield _message(message, _window(message.text, kept))


def _message(message: Message, text: str) -> dict[str, Any]:
    return {"message": message.number, "role": message.role, "text": text}


def _window(text: str, kept: str) -> str:
    """Return the part of a text around what must stay whole; an ellipsis says where it was cut."""
    start = max(text.find(kept), 0) if kept else 0
    first, last = max(start - _AROUND_CHARACTERS, 0), start + len(kept) + _AROUND_CHARACTERS
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
