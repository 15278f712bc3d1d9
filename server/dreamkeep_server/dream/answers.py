"""What a judge that is a model may answer, as a schema, and its way to judgements or refusals.

The schema is flat and lenient, so that one wrong field spoils one judgement and not the batch; everything
that it lets through is checked again when the plan is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamkeep_server.dream.candidate import Candidate, Repeated, Stated, entries_of
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
from dreamkeep_server.dream.statements import Statement
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_store.models import EntryId, Material, Quote, SessionId, Tier, Trust

JUDGEMENTS_MAX = 500
REASON_CHARACTERS_MAX = 500
REFUSAL_CHARACTERS_MAX = 300


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
    quotes: list[AnsweredQuote] = Field(default=[], description="For an insight or an addition: its sources.")
    sure: bool = Field(default=False, description="Whether to do it without asking a person.")


class JudgeAnswer(BaseModel):
    """All that a judge answers about one batch of candidates."""

    model_config = ConfigDict(extra="ignore", strict=True)

    judgements: list[Answered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What an answer says about the candidates that were asked about, by their numbers."""

    judged: dict[int, Judgement] = field(default_factory=dict[int, Judgement])
    refused: dict[int, str] = field(default_factory=dict[int, str])
    """Why a candidate's judgement is none; a candidate that was not answered is in neither."""
    strays: list[str] = field(default_factory=list[str])
    """What else is wrong with the answer."""


def read_answer(raw: object, asked: Mapping[int, Candidate], material: Material, *, trust_max: Trust = "user") -> Read:
    """Return the judgements in a decoded answer, and why the rest of it was refused.

    Never raises for what an answer holds. Of two judgements about one candidate the first counts. What it adds is
    trusted no more than `trust_max`, and no more than `agent` unless code had found the same words.
    """
    rows = raw.get("judgements") if isinstance(raw, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - it is anything at all
    if not isinstance(rows, list):
        return Read(strays=['The answer is not an object with a list called "judgements".'])
    read = Read()
    for place, row in enumerate(rows[:JUDGEMENTS_MAX], start=1):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - as above
        try:
            one = Answered.model_validate(row)
        except ValidationError as error:
            where = ", ".join(sorted({".".join(map(str, e["loc"])) or "itself" for e in error.errors()}))
            read.strays.append(plain(f"Judgement {place} does not follow the schema: {where}."))
            continue
        number = one.candidate
        if number not in asked:
            read.strays.append(f"Judgement {place}: there is no candidate {number} in this batch.")
        elif number in read.judged:
            read.strays.append(f"Judgement {place}: candidate {number} was judged already.")
        else:
            judgement = _judgement(one, asked[number], material, trust_max)
            if isinstance(judgement, str):
                read.refused[number] = plain(judgement)
            else:
                read.judged[number] = judgement
                read.refused.pop(number, None)
    if len(rows) > JUDGEMENTS_MAX:  # pyright: ignore[reportUnknownArgumentType] - as above
        read.strays.append(f"Only the first {JUDGEMENTS_MAX} judgements were read.")
    return read


def plain(text: str, characters_max: int = REFUSAL_CHARACTERS_MAX) -> str:
    """Return a judge's sentence as one that can be stored and shown: on one line, printable, and cut."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * characters_max])
    line = " ".join(shown.split())
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def _is_text(text: str) -> bool:
    """Whether it is sound text: no NUL, and no half of a surrogate pair."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


def _judgement(  # noqa: PLR0912 - one arm for each operation
    one: Answered, candidate: Candidate, material: Material, trust_max: Trust
) -> Judgement | str:
    """Return the judgement that an answer stands for, or why it stands for none."""
    offered = {entry.entry_id for entry in entries_of(candidate)}
    unknown = [entry_id for entry_id in one.entries if entry_id not in offered]
    if unknown:
        return f"{', '.join(unknown[:3])} is not among the entries of candidate {one.candidate}."
    entries = tuple(EntryId(entry_id) for entry_id in one.entries)
    operation = one.operation.strip().lower().replace("_", "-")
    reason = plain(one.reason, REASON_CHARACTERS_MAX)
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
            return _new_entry(one, candidate, material, trust_max, is_insight=operation == "insight")
        case _:
            return f"there is no operation {one.operation!r}."


def _new_entry(
    one: Answered, candidate: Candidate, material: Material, trust_max: Trust, *, is_insight: bool
) -> Judgement | str:
    """Return an addition with what its transcripts say about its quotes, or what is wrong with it."""
    statements = _statements(candidate)
    if not statements:
        return "only what a session stated can be added."
    quotes = _quotes(one, candidate, material)
    if isinstance(quotes, str):
        return quotes
    # Code had found these words where they are quoted; of other words, a model chose which to leave out.
    stated = {(_spaced(statement.content), statement.quote) for statement in statements}
    found = all((_spaced(one.content), quote) in stated for quote in quotes)
    kind = Insight if is_insight else Add
    return kind(
        content=one.content,
        quotes=quotes,
        tags=(statements[-1].kind,),
        reason=plain(one.reason, REASON_CHARACTERS_MAX),
        sure=one.sure,
        trust_max=trust_max if found else least_trust((trust_max, "agent")),
    )


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _statements(candidate: Candidate) -> tuple[Statement, ...]:
    match candidate:
        case Stated():
            return (candidate.statement,)
        case Repeated():
            return candidate.statements
        case _:
            return ()


def _quotes(one: Answered, candidate: Candidate, material: Material) -> tuple[Quote, ...] | str:
    """Return the quotes of an answer with what their transcripts say about them, or what is wrong."""
    offered = {statement.quote.session_id for statement in _statements(candidate)}
    messages = {
        (transcript.session.session_id, message.number): message
        for transcript in material.transcripts
        if transcript.session.session_id in offered
        for message in transcript.messages
    }
    quotes: list[Quote] = []
    for quote in one.quotes:
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
