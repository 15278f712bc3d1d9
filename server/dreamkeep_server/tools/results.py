"""What tools answer: small models, since a client may hand all of it to its model."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer

from dreamkeep_store.models import (
    Decision,
    DreamStatus,
    JudgeName,
    Operation,
    Policy,
    Risk,
    RollbackMode,
    Tier,
    Trust,
    VersionKind,
    VersionState,
)


def _seconds(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(_seconds, return_type=str)]
"""A UTC time to the second: fractions of one tell a model nothing."""


class Answer(BaseModel):
    """What every answer has in common: nothing that nobody declared, and None means left out."""

    # Built at its first use: most servers give few kinds of answers, and start-up is measured.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Similar(Answer):
    """An entry that is already there and alike."""

    id: str
    content: str


class RememberAnswer(Answer):
    """What became of a fact."""

    entry_id: str
    seq: int
    outcome: Literal["new", "confirmed", "replaced"]
    tier: Tier
    store: str
    closed: list[str] | None = None
    similar: list[Similar] | None = None
    warnings: list[str] | None = None


class RecalledEntry(Answer):
    """A remembered fact."""

    id: str
    content: str
    tier: Tier
    tags: list[str] | None = None
    topic: str | None = None
    store: str | None = None
    asserted_at: Time
    score: float | None = None
    stale: bool | None = None
    newer: str | None = None
    cut: int | None = None
    why: str | None = None
    trust: Trust | None = None
    sources: list[str] | None = None


class ClosedEntry(Answer):
    """An entry that is not live any more, and what it became."""

    id: str
    how: Literal["forgotten", "replaced", "dream", "rollback"]
    became: list[str]
    closed_at: Time
    reason: str | None = None


class RecallAnswer(Answer):
    """What the memory holds about a question."""

    entries: list[RecalledEntry]
    closed: list[ClosedEntry] | None = None
    note: str | None = None
    next_cursor: str | None = None


class EntryNow(Answer):
    """An entry as it is now, its content shortened."""

    id: str
    content: str
    tier: Tier
    tags: list[str] | None = None
    topic: str | None = None


class EntriesAnswer(Answer):
    """The entries as they are now."""

    entries: list[EntryNow]


class ForgetAnswer(Answer):
    """What was forgotten, or is back."""

    forgotten: list[str] | None = None
    back: list[EntryNow] | None = None
    note: str | None = None


class EntryStanding(Answer):
    """How an entry fared so far."""

    id: str
    recalls: int
    useful: int
    wrong: int
    outdated: int


class OutcomeAnswer(Answer):
    """How the entries fared so far."""

    entries: list[EntryStanding]


class SessionAnswer(Answer):
    """What was kept of a conversation."""

    session_id: str
    store: str
    messages: int
    redactions: int
    note: str | None = None


class EstimateAnswer(Answer):
    """What a dream over this input would look at and cost."""

    entries: int
    sessions: int
    candidates: dict[str, int]
    seconds: float
    answered_before: int | None = None
    """Questions that a model answered in an earlier dream: they are not asked again."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None


class StartAnswer(Answer):
    """A dream that was started, or what one would take."""

    dream_id: str | None = None
    status: DreamStatus | None = None
    judge: JudgeName
    policy: Policy
    estimate: EstimateAnswer | None = None
    note: str | None = None


class Progress(Answer):
    """How much of a stage is done."""

    done: int
    total: int


class UsageAnswer(Answer):
    """Tokens that judging took."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int


class RecallCheck(Answer):
    """Recorded recalls that were replayed, and how many still find what they found."""

    checked: int
    kept: int


class DreamError(Answer):
    """Why a dream failed."""

    code: str
    message: str


class DreamAnswer(Answer):
    """A dream as it stands."""

    dream_id: str
    store: str
    status: DreamStatus
    stage: str
    progress: Progress | None = None
    base: int
    output_version: int | None = None
    judge: JudgeName
    policy: Policy
    requested_by: str
    """`policy` for a dream that started by itself."""
    counts: dict[str, int] | None = None
    decided: list[str] | None = None
    estimated_tokens: int | None = None
    """What judging was to take, as worked out before anything was asked."""
    estimated_usd: float | None = None
    usage: UsageAnswer | None = None
    cost_usd: float | None = None
    recall_check: RecallCheck | None = None
    refusals: list[str] | None = None
    error: DreamError | None = None
    created_at: Time
    ended_at: Time | None = None
    next: str | None = None


class CancelAnswer(Answer):
    """Where a canceled dream stands."""

    dream_id: str
    status: DreamStatus


class BatchAnswer(Answer):
    """What a dream asks the agent next."""

    batch_id: str
    of: int
    """How many batches there are."""
    again: bool | None = None
    """Whether these are what was refused of the first answer, or left out of it."""
    rules: str
    judgement: str
    """What a judgement is."""
    wishes: str | None = None
    """The dream's instructions."""
    stored: list[dict[str, Any]]
    answer: str
    """The call that answers it."""


class JudgeAnswer(Answer):
    """What became of judgements, and what is to be judged next."""

    taken: int | None = None
    refused: list[str] | None = None
    batch: BatchAnswer | None = None
    done: bool
    next: str | None = None


class ChangeQuote(Answer):
    """The words of a session that a change rests on."""

    session_id: str
    message: int
    role: str
    text: str


class FullEntry(Answer):
    """One state of an entry."""

    id: str
    content: str
    tier: Tier
    tags: list[str] | None = None
    topic: str | None = None
    trust: Trust
    closes: bool | None = None


class FullChange(Answer):
    """A change, whole."""

    change: str
    operation: Operation
    risk: Risk
    decision: Decision
    decided_by: str
    reason: str
    evidence: list[str] | None = None
    sources: list[ChangeQuote] | None = None
    before: list[FullEntry]
    after: list[FullEntry]
    applied: bool | None = None
    skipped: str | None = None
    outdated: str | None = None
    """What was changed since the dream read it: a switch would skip this."""


class ReviewAnswer(Answer):
    """A dream's changes, riskiest first, one a line, or in full when they were named."""

    dream_id: str
    version: int | None = None
    summary: str
    changes: list[str] | None = None
    full: list[FullChange] | None = None
    decided: list[str] | None = None
    left_out: list[str] | None = None
    """Of a kind that was accepted, what does not fit beside the rest, and why."""
    next_cursor: str | None = None
    note: str | None = None


class VersionRow(Answer):
    """A numbered point of a store's history."""

    number: int
    parent: int | None = None
    kind: VersionKind
    state: VersionState
    seq: int | None = None
    entries: int | None = None
    created_at: Time
    head: bool


class VersionsAnswer(Answer):
    """A store's versions, newest first."""

    store: str
    versions: list[VersionRow]
    next_cursor: str | None = None


class DifferenceRow(Answer):
    """How one entry differs between two versions."""

    id: str
    how: str
    into: list[str] | None = None
    before: str | None = None
    after: str | None = None
    tier: str | None = None
    change: str | None = None
    reason: str | None = None
    sources: list[str] | None = None


class DiffAnswer(Answer):
    """What differs between two versions."""

    store: str
    base: int | Literal["head"]
    target: int | Literal["head"]
    total: int
    differences: list[DifferenceRow]
    next_cursor: str | None = None


class SkippedChange(Answer):
    """A change that was left out, whole."""

    change: str
    reason: str


class SwitchAnswer(Answer):
    """What a switch did."""

    store: str
    head: int
    previous: int
    checkpoint: int | None = None
    applied: int
    skipped: list[SkippedChange] | None = None
    suggested: int
    note: str | None = None


class RollbackAnswer(Answer):
    """What a rollback did."""

    store: str
    head: int
    mode: RollbackMode
    previous: int
    checkpoint: int | None = None
    undone: list[int]
    kept: int
    left: list[SkippedChange] | None = None
    note: str


class StoreStatus(Answer):
    """How a store stands."""

    store: str
    head: int
    entries: dict[str, int]
    topics: list[str] | None = None
    """The largest, each with the entries under it and below it."""
    versions: int
    written_since_head: int
    sessions: int
    sessions_since_dream: int
    proposal: int | None = None
    dream_id: str | None = None
    dream_status: DreamStatus | None = None
    dreamed_at: Time | None = None
    due: str | None = None


class StatusAnswer(Answer):
    """How the memory stands."""

    default_store: str | None = None
    stores: list[str]
    standing: list[StoreStatus]
    recall: str
    health: list[str]
