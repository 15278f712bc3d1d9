"""What a judge that is a model may answer, as a schema, and its way to judgements or refusals.

The schema is flat and lenient, so that one wrong field spoils one judgement and not the batch; everything
that it lets through is checked again when the plan is made.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamkeep_server.dream.candidate import (
    Candidate,
    Learnt,
    Recurring,
    Repeated,
    Stated,
    WholeSession,
    entries_of,
    found_of,
    transcripts_of,
)
from dreamkeep_server.dream.judgement import (
    Add,
    Archive,
    Conflict,
    Insight,
    Judgement,
    Keep,
    Merge,
    MoveTopic,
    Split,
    SuggestTier,
    Supersede,
)
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_store.models import EntryId, Quote, SessionId, Tier, Trust

JUDGEMENTS_MAX = 500
REASON_CHARACTERS_MAX = 500
REFUSAL_CHARACTERS_MAX = 300
ADDITIONS_A_SESSION_MAX: Final = 12
"""What a person can review of one session."""
_DECODER: Final = json.JSONDecoder()
_DECODING_TRIES_MAX: Final = 2_000
KINDS: Final = ("preference", "fact", "correction", "decision", "mistake", "workflow", "convention")
"""What an addition can be; it becomes its tag."""


class AnsweredQuote(BaseModel):
    """The words of a session, letter for letter."""

    model_config = ConfigDict(extra="ignore", strict=True)

    session_id: str
    message: int
    text: str


class Answered(BaseModel):
    """One judgement, as a model writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    candidate: int = Field(description="The number of the candidate.")
    operation: str = Field(
        description="keep, merge, supersede, archive, conflict, insight, split, suggest-tier, move-topic, add"
    )
    reason: str = Field(description="One sentence for a person.")
    entries: list[str] = Field(
        default=[], description="Entry ids; for supersede the newer one first, then the older ones."
    )
    content: str = Field(default="", description="The text of a merge, an insight or an addition.")
    contents: list[str] = Field(default=[], description="The parts of a split.")
    tier: str = Field(default="", description="For suggest-tier: persistent, standard or ephemeral.")
    topic: str = Field(default="", description="For move-topic: a path such as /user/preferences.")
    kind: str = Field(default="", description=f"For an insight or an addition: {', '.join(KINDS)}.")
    quotes: list[AnsweredQuote] = Field(default=[], description="For an insight or an addition: its sources.")
    sure: bool = Field(default=False, description="Whether to do it without asking a person.")


class JudgeAnswer(BaseModel):
    """All that a judge answers about one batch of candidates."""

    model_config = ConfigDict(extra="ignore", strict=True)

    judgements: list[Answered]


Row = dict[str, Any]
"""A judgement as it was decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What an answer says about the candidates that were asked about, by their numbers."""

    judged: dict[int, list[tuple[Judgement, Row]]] = field(default_factory=dict[int, list[tuple[Judgement, Row]]])
    """Several only about a session."""
    refused: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """Why judgements of a candidate are none; a candidate that was not answered is in neither."""
    near: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    """Which messages the refused ones quote."""
    strays: list[str] = field(default_factory=list[str])
    """What else is wrong with the answer."""


def decoded(text: str) -> object:
    """Return the judgements in a model's text as a list, or the object that it is.

    An endpoint without structured output puts words around it, leaves the list or the object away, or is cut off: every
    whole object that names a candidate counts, wherever it stands.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    rows: list[object] = []
    at, tries = text.find("{"), 0
    while at >= 0 and tries < _DECODING_TRIES_MAX:
        tries += 1
        try:
            found, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            listed = found.get("judgements")
            rows += listed if isinstance(listed, list) else [found] if "candidate" in found else []
        at = text.find("{", end)
    return {"judgements": rows} if rows else None


def read_answer(raw: object, asked: Mapping[int, Candidate], *, trust_max: Trust = "user") -> Read:
    """Return the judgements in a decoded answer, and why the rest of it was refused.

    Never raises for what an answer holds. Of two judgements about one candidate the first counts; a session takes
    several. What it adds is trusted no more than `trust_max`, and no more than `agent` unless code had found the same
    words.
    """
    given = cast("Row", raw) if isinstance(raw, dict) else {}
    rows = [given] if "candidate" in given else given.get("judgements", raw)
    if not isinstance(rows, list):
        return Read(strays=['The answer is not an object with a list called "judgements".'])
    listed = cast("list[object]", rows)
    read = Read()
    for place, row in enumerate(listed[:JUDGEMENTS_MAX], start=1):
        try:
            one = Answered.model_validate(row)
        except ValidationError as error:
            where = ", ".join(sorted({".".join(map(str, e["loc"])) or "itself" for e in error.errors()}))
            read.strays.append(plain(f"Judgement {place} does not follow the schema: {where}."))
            continue
        if one.candidate not in asked:
            read.strays.append(f"Judgement {place}: there is no candidate {one.candidate} in this batch.")
        else:
            _take(read, place, one, cast("Row", row), asked[one.candidate], trust_max)
    if len(listed) > JUDGEMENTS_MAX:
        read.strays.append(f"Only the first {JUDGEMENTS_MAX} judgements were read.")
    return read


def _take(read: Read, place: int, one: Answered, row: Row, candidate: Candidate, trust_max: Trust) -> None:
    """Put a judgement to the others, where there is room for it."""
    number = one.candidate
    taken = read.judged.get(number, [])
    most = ADDITIONS_A_SESSION_MAX if isinstance(candidate, WholeSession) else 1
    if len(taken) >= most:
        judged = "was judged already" if most == 1 else f"takes {most} judgements at most"
        read.strays.append(f"Judgement {place}: candidate {number} {judged}.")
        return
    judgement = _judgement(one, candidate, trust_max)
    if isinstance(judgement, str):
        read.refused.setdefault(number, []).append(plain(judgement))
        read.near.setdefault(number, set()).update(quote.message for quote in one.quotes)
    else:
        read.judged[number] = [*taken, (judgement, row)]
        if most == 1:
            read.refused.pop(number, None)


def plain(text: str, characters_max: int = REFUSAL_CHARACTERS_MAX) -> str:
    """Return a judge's sentence as one that can be stored and shown: on one line, printable, and cut."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * characters_max])
    line = " ".join(shown.split())
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def _is_text(text: str) -> bool:
    """Whether it is sound text: no NUL, and no half of a surrogate pair."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


def _judgement(  # noqa: PLR0912 - one arm for each operation
    one: Answered, candidate: Candidate, trust_max: Trust
) -> Judgement | str:
    """Return the judgement that an answer stands for, or why it stands for none."""
    offered = {entry.entry_id for entry in entries_of(candidate)}
    unknown = [entry_id for entry_id in one.entries if entry_id not in offered]
    if unknown:
        return f"{', '.join(unknown[:3])} is not among the entries of candidate {one.candidate}."
    entries = tuple(EntryId(entry_id) for entry_id in one.entries)
    operation = one.operation.strip().lower().replace("_", "-")
    reason = plain(one.reason, REASON_CHARACTERS_MAX)
    if isinstance(candidate, WholeSession) and operation not in {"keep", "add", "insight"}:
        return f"a session takes add or keep, not {operation!r}."
    if operation in {"merge", "insight", "add"} and not one.content.strip():
        return f"{operation} needs a text."
    if operation not in {"keep", "insight", "add"} and not entries:
        return f"{operation} needs entries."
    if not all(map(_is_text, (one.content, one.topic, *one.contents))):
        return "it holds what is not text: a NUL or half of a surrogate pair."
    match operation:
        case "keep":
            return Keep(reason=reason)
        case "merge":
            return Merge(entries=entries, content=one.content, reason=reason, sure=one.sure)
        case "supersede":
            return Supersede(newer=entries[0], older=entries[1:], reason=reason, sure=one.sure)
        case "archive":
            return Archive(entries=entries, reason=reason, sure=one.sure)
        case "conflict":
            return Conflict(entries=entries, reason=reason)
        case "split":
            return Split(entry=entries[0], contents=tuple(one.contents), reason=reason, sure=one.sure)
        case "suggest-tier":
            tier: Tier | None = next((known for known in get_args(Tier) if known == one.tier), None)
            if tier is None:
                return f"there is no tier {one.tier!r}."
            return SuggestTier(entries=entries, tier=tier, reason=reason)
        case "move-topic":
            return MoveTopic(entries=entries, topic=one.topic, reason=reason, sure=one.sure)
        case "insight" | "add":
            return _new_entry(one, candidate, trust_max, is_insight=operation == "insight")
        case _:
            return f"there is no operation {one.operation!r}."


def _new_entry(one: Answered, candidate: Candidate, trust_max: Trust, *, is_insight: bool) -> Judgement | str:
    """Return an addition with what its transcripts say about its quotes, or what is wrong with it."""
    if not transcripts_of(candidate):
        return "only what a session stated can be added."
    quotes = _quotes(one.quotes, candidate)
    if isinstance(quotes, str):
        return quotes
    if isinstance(candidate, WholeSession) and len({quote.session_id for quote in quotes}) < 2:
        is_insight = False  # of one session it is an addition, whatever it is called
    # Code had found these words where they are quoted; of other words, a model chose which to leave out.
    found = {(_spaced(content), quote) for content, quote in found_of(candidate)}
    is_found = all((_spaced(one.content), quote) in found for quote in quotes)
    kind = Insight if is_insight else Add
    return kind(
        content=one.content,
        quotes=quotes,
        tags=_tags(one, candidate),
        reason=plain(one.reason, REASON_CHARACTERS_MAX),
        sure=one.sure,
        trust_max=trust_max if is_found else least_trust((trust_max, "agent")),
    )


def _tags(one: Answered, candidate: Candidate) -> tuple[str, ...]:
    """Return the kind that the model named, else the one that code had found."""
    named = one.kind.strip().lower()
    if named in KINDS:
        return (named,)
    match candidate:
        case Stated():
            return (candidate.statement.kind,)
        case Repeated():
            return (candidate.statements[-1].kind,)
        case Recurring():
            return (candidate.kind,)
        case Learnt():
            return ("mistake",)
        case _:
            return ()


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _quotes(answered: Iterable[AnsweredQuote], candidate: Candidate) -> tuple[Quote, ...] | str:
    """Return the quotes of an answer with what their transcripts say about them, or what is wrong."""
    messages = {
        (transcript.session.session_id, message.number): message
        for transcript in transcripts_of(candidate)
        for message in transcript.messages
    }
    quotes: list[Quote] = []
    for quote in answered:
        message = messages.get((SessionId(quote.session_id), quote.message))
        if message is None:
            return f"message {quote.message} of session {quote.session_id!r} is not part of the candidate."
        quotes.append(
            Quote(
                session_id=SessionId(quote.session_id),
                message=message.number,
                text=quote.text,
                role=message.role,
                at=message.at,
            )
        )
    return tuple(quotes) or "it quotes nothing."
