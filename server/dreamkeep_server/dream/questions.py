"""What a judge that is a model is asked: what code cannot decide, and whole sessions, as data, in batches.

Stored text is written as JSON strings in which no tag can be opened or closed: it cannot leave its place.
"""

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
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
    WholeSession,
    found_of,
)
from dreamkeep_server.dream.excerpts import Line, day, excerpt
from dreamkeep_server.dream.statements import Statement
from dreamkeep_store.models import Entry, Message, Quote, SessionId, Transcript

BATCH_TOKENS_MAX: Final = 6_000
"""Of one batch's questions; a candidate that is longer than a batch alone is not asked, a session is shown in part.

It keeps what is shown of a session under 24 KiB: a token stands for at most 3.5 bytes, but for emoji.
"""
_AROUND_CHARACTERS: Final = 300
"""What is shown of a message before and after the words that matter, and of the messages beside it."""
_CHARACTERS_A_TOKEN: Final = 3.5
_NEAR_MESSAGES: Final = 2
"""How many messages before and after a refused quote are shown again."""
_FRAME_TOKENS: Final = 20
"""The number and the brackets around a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A candidate as a model is asked about it."""

    number: int
    """From 1 within its dream; answers name it."""
    candidate: Candidate
    asked: str
    """A JSON object on one line, without angle brackets and without the number."""

    @property
    def shown(self) -> str:
        """The object as a model gets it."""
        return f'{{"candidate":{self.number},{self.asked[1:]}'

    @property
    def tokens(self) -> int:
        """About how many tokens it takes."""
        return tokens_of(self.shown)

    def fingerprint(self, judge: str) -> bytes:
        """Return a SHA-256 over what is asked and who is asked: the same again would be answered the same."""
        return hashlib.sha256(json.dumps([judge, type(self.candidate).__name__, self.asked]).encode()).digest()


def tokens_of(text: str) -> int:
    """Return about how many tokens a text takes, rather too many: beyond ASCII one a character."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return round(ascii_characters / _CHARACTERS_A_TOKEN) + len(text) - ascii_characters + 1


def is_open(candidate: Candidate) -> bool:
    """Say whether a model is asked: not where form alone decides, nor about what only a person may decide."""
    match candidate:
        case NearDuplicates() | Opposed() | Stale() | Stated() | Repeated():
            return True
        case Recurring() | Learnt() | Several() | Themed() | WholeSession():
            return True
        case SlotValues():
            return not candidate.certain
        case ExactDuplicates() | SameWords() | Expired() | Instructing() | Disputed() | Outgrown():
            return False
        case _:
            assert_never(candidate)


def ask(
    candidates: Sequence[Candidate],
    transcripts: Sequence[Transcript] = (),
    *,
    tokens_max: int = BATCH_TOKENS_MAX,
    first: int = 1,
) -> tuple[Question, ...]:
    """Return the questions about these sessions and the open candidates, numbered from `first`.

    Sessions and candidates are asked about in turn by what they take, and of candidates each kind in turn, so that a
    short budget serves them all. What code had found in a session goes with the session.
    """
    talks, others = _apart(candidates, transcripts)
    waiting = (
        deque((talk, _asked_session(talk, tokens_max)) for talk in talks),
        deque((candidate, _on_a_line(_shown(candidate))) for candidate in _each_kind_in_turn(others)),
    )
    taken = [0, 0]
    questions: list[Question] = []
    while any(waiting):
        turn = 0 if waiting[0] and (taken[0] <= taken[1] or not waiting[1]) else 1
        candidate, asked = waiting[turn].popleft()
        question = Question(number=first + len(questions), candidate=candidate, asked=asked)
        if question.tokens <= tokens_max:
            questions.append(question)
            taken[turn] += question.tokens
    return tuple(questions)


def _apart(
    candidates: Sequence[Candidate], transcripts: Sequence[Transcript]
) -> tuple[list[WholeSession], list[Candidate]]:
    """Return the sessions with what was found in each, and the other open candidates."""
    found: dict[SessionId, list[Stated | Learnt]] = {transcript.session.session_id: [] for transcript in transcripts}
    others: list[Candidate] = []
    for candidate in candidates:
        if isinstance(candidate, Stated | Learnt) and candidate.transcript.session.session_id in found:
            found[candidate.transcript.session.session_id].append(candidate)
        elif is_open(candidate):
            others.append(candidate)
    talks = [
        WholeSession(transcript=transcript, found=tuple(found[transcript.session.session_id]))
        for transcript in sorted(transcripts, key=lambda one: (one.session.started_at, one.session.session_id))
    ]
    return talks, others


def _each_kind_in_turn(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    kinds: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        kinds[type(candidate).__name__].append(candidate)
    turns = zip_longest(*(kinds[kind] for kind in sorted(kinds)))
    return (one for turn in turns for one in turn if one is not None)


def narrowed(question: Question, near: Collection[int]) -> Question:
    """Return a question about a session with no more of it than what stands near these messages, if there are any."""
    asked: dict[str, Any] = json.loads(question.asked)
    if not near or "messages" not in asked:
        return question
    shown: list[Line] = [
        line
        for line in asked["messages"]
        if any(abs(line.get("message", -_NEAR_MESSAGES - 1) - number) <= _NEAR_MESSAGES for number in near)
    ]
    return replace(question, asked=_on_a_line({**asked, "messages": shown})) if shown else question


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


def _on_a_line(shown: dict[str, Any]) -> str:
    line = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    return line.replace("<", "\\u003c").replace(">", "\\u003e")


def _asked_session(talk: WholeSession, tokens_max: int) -> str:
    """Return the question about a session, with as much of it as fits."""

    def size(line: Line) -> int:
        return tokens_of(_on_a_line(line))

    asked = _shown(talk)
    most = tokens_max - size(asked) - _FRAME_TOKENS
    if most < tokens_max // 2:  # what code had found goes before what was said
        asked.pop("found", None)
        most = tokens_max - size(asked) - _FRAME_TOKENS
    return _on_a_line({**asked, "messages": excerpt(talk.transcript, most=most, size=size)})


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
                "on": day(candidate.statement.asserted_at.date()),
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
        case WholeSession():
            session = candidate.transcript.session
            found = [content for content, _ in found_of(candidate)]
            return {
                "ask": "What in this session is worth remembering after it?",
                "session_id": session.session_id,
                "began": day(session.started_at.date()),
                **({"found": found} if found else {}),
            }
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
