"""What a judge that is a model may answer, as a schema, and its way to judgements or refusals.

The schema is flat and lenient, so that one wrong field spoils one judgement and not the batch; everything
that it lets through is checked again when the plan is made.
"""

from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamkeep_server.dream.candidates import Candidate, Repeated, Stated, entries_of
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
from dreamkeep_store.models import EntryId, Material, Quote, SessionId, Tier

JUDGEMENTS_MAX = 500


class AnsweredQuote(BaseModel):
    """The words of a session, letter for letter."""

    model_config = ConfigDict(extra="ignore", strict=True)

    session_id: str
    message: int
    text: str


class Answered(BaseModel):
    """One judgement, as a model writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    candidate: int = Field(description="The number of the candidate, from 1.")
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


def read_answer(
    raw: object, candidates: Sequence[Candidate], material: Material
) -> tuple[list[tuple[Candidate, Judgement]], list[str]]:
    """Return the judgements in a decoded answer, and why the rest of it was refused.

    Never raises for what an answer holds. Of two judgements about one candidate the first counts.
    """
    rows = raw.get("judgements") if isinstance(raw, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - it is anything at all
    if not isinstance(rows, list):
        return [], ['The answer is not an object with a list called "judgements".']
    judged: list[tuple[Candidate, Judgement]] = []
    refusals: list[str] = []
    answered: set[int] = set()
    for place, row in enumerate(rows[:JUDGEMENTS_MAX], start=1):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - as above
        try:
            one = Answered.model_validate(row)
        except ValidationError as error:
            where = ", ".join(sorted({".".join(map(str, e["loc"])) or "itself" for e in error.errors()}))
            refusals.append(f"Judgement {place} does not follow the schema: {where}.")
            continue
        if not 1 <= one.candidate <= len(candidates):
            refusals.append(f"Judgement {place}: there is no candidate {one.candidate}.")
        elif one.candidate in answered:
            refusals.append(f"Judgement {place}: candidate {one.candidate} was judged already.")
        else:
            candidate = candidates[one.candidate - 1]
            judgement = _judgement(one, candidate, material)
            if isinstance(judgement, str):
                refusals.append(f"Judgement {place}: {judgement}")
            else:
                answered.add(one.candidate)
                judged.append((candidate, judgement))
    if len(rows) > JUDGEMENTS_MAX:  # pyright: ignore[reportUnknownArgumentType] - as above
        refusals.append(f"Only the first {JUDGEMENTS_MAX} judgements were read.")
    return judged, refusals


def _judgement(  # noqa: PLR0912 - one arm for each operation
    one: Answered, candidate: Candidate, material: Material
) -> Judgement | str:
    """Return the judgement that an answer stands for, or why it stands for none."""
    offered = {entry.entry_id for entry in entries_of(candidate)}
    unknown = [entry_id for entry_id in one.entries if entry_id not in offered]
    if unknown:
        return f"{', '.join(unknown[:3])} is not among the entries of candidate {one.candidate}."
    entries = tuple(EntryId(entry_id) for entry_id in one.entries)
    operation = one.operation.strip().lower().replace("_", "-")
    if operation in {"merge", "insight", "add"} and not one.content.strip():
        return f"{operation} needs a text."
    if operation not in {"keep", "insight", "add"} and not entries:
        return f"{operation} needs entries."
    match operation:
        case "keep":
            return Keep(reason=one.reason)
        case "merge":
            return Merge(entries=entries, content=one.content, reason=one.reason, sure=one.sure)
        case "supersede":
            return Supersede(newer=entries[0], older=entries[1:], reason=one.reason, sure=one.sure)
        case "archive":
            return Archive(entries=entries, reason=one.reason, sure=one.sure)
        case "conflict":
            return Conflict(entries=entries, reason=one.reason)
        case "split":
            return Split(entry=entries[0], contents=tuple(one.contents), reason=one.reason, sure=one.sure)
        case "suggest-tier":
            tier: Tier | None = next((known for known in get_args(Tier) if known == one.tier), None)
            if tier is None:
                return f"there is no tier {one.tier!r}."
            return SuggestTier(entries=entries, tier=tier, reason=one.reason)
        case "move-topic":
            return MoveTopic(entries=entries, topic=one.topic, reason=one.reason, sure=one.sure)
        case "insight" | "add":
            quotes = _quotes(one, candidate, material)
            if isinstance(quotes, str):
                return quotes
            kind = Insight if operation == "insight" else Add
            return kind(content=one.content, quotes=quotes, tags=(), reason=one.reason, sure=one.sure)
        case _:
            return f"there is no operation {one.operation!r}."


def _quotes(one: Answered, candidate: Candidate, material: Material) -> tuple[Quote, ...] | str:
    """Return the quotes of an answer with what their transcripts say about them, or what is wrong."""
    match candidate:
        case Stated():
            offered = {candidate.transcript.session.session_id}
        case Repeated():
            offered = {transcript.session.session_id for transcript in candidate.transcripts}
        case _:
            offered = set[SessionId]()
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
            return f"message {quote.message} of session {quote.session_id} is not part of the candidate."
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
