"""The values that the store takes and gives; no SQL, no rules beyond the limits.

Times are aware and in UTC. Text lengths are in bytes of UTF-8 where a name says bytes, else in
characters.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType, get_args

StoreName = NewType("StoreName", str)
EntryId = NewType("EntryId", str)
SessionId = NewType("SessionId", str)
DreamId = NewType("DreamId", str)
RevisionId = NewType("RevisionId", int)

Tier = Literal["persistent", "standard", "ephemeral"]
Trust = Literal["user", "agent", "tool", "external"]
Outcome = Literal["useful", "wrong", "outdated"]
Role = Literal["user", "assistant", "tool", "system"]

VersionKind = Literal["initial", "checkpoint", "dream", "rollback"]
VersionState = Literal["proposed", "published", "discarded"]
RollbackMode = Literal["revert", "restore"]

Operation = Literal[
    "merge",
    "supersede",
    "archive",
    "conflict",
    "split",
    "add",
    "insight",
    "retier",
    "move",
    "revert",
    "restore",
]
Risk = Literal["low", "medium", "high"]
Decision = Literal["included", "suggested", "rejected"]
Policy = Literal["review", "auto_low", "auto_medium"]
JudgeName = Literal["rules", "claude", "agent"]
DreamStatus = Literal["pending", "running", "completed", "failed", "canceled"]
ErrorCode = Literal[
    "timeout",
    "internal_error",
    "input_memory_store_unavailable",
    "input_session_unavailable",
    "input_memory_store_too_large",
    "budget_exceeded",
    "verification_failed",
    "judge_unavailable",
]

TIERS: tuple[Tier, ...] = get_args(Tier)
"""Most lasting first."""
TRUSTS: tuple[Trust, ...] = get_args(Trust)
"""Most trusted first."""
RISKS: tuple[Risk, ...] = get_args(Risk)
"""Least first."""
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
DECISIONS: tuple[Decision, ...] = get_args(Decision)

CONTENT_BYTES_MAX = 102_400
TAGS_MAX = 32
TAG_CHARACTERS_MAX = 64
TOPIC_SEGMENTS_MAX = 20
TOPIC_BYTES_MAX = 1_024
STORE_NAME_BYTES_MAX = 256
INSTRUCTIONS_CHARACTERS_MAX = 4_096
SESSIONS_PER_DREAM_MAX = 100
TRANSCRIPT_BYTES_MAX = 10 * 1024 * 1024
DREAM_ENTRIES_MAX = 500_000
"""In the version that a dream reads: a worker was seen to need about 6 MB of memory a thousand entries."""
DREAM_TEXT_BYTES_MAX = 256 * 1024 * 1024
"""What the entries of that version say together: six to seven times as much memory, seen with long texts."""
PAGE_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How an entry fared; lives beside its history, and never enters a digest."""

    recalls: int = 0
    useful: int = 0
    wrong: int = 0
    outdated: int = 0
    recalled_at: datetime | None = None
    useful_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One remembered fact in the state that one revision gives it."""

    entry_id: EntryId
    revision_id: RevisionId
    store: StoreName
    content: str
    tier: Tier
    tags: tuple[str, ...]
    """Sorted, without repeats."""
    topic: str | None
    trust: Trust
    asserted_at: datetime
    session_id: SessionId | None
    dream_id: DreamId | None
    """The dream whose change opened this revision, if one did."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What `remember` is asked to keep; None means that nothing was said about it."""

    content: str
    tier: Tier | None = None
    tags: tuple[str, ...] | None = None
    topic: str | None = None
    trust: Trust = "agent"
    asserted_at: datetime | None = None
    session_id: SessionId | None = None
    replaces: tuple[EntryId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What became of a `NewEntry`."""

    entry_id: EntryId
    seq: int
    outcome: Literal["new", "confirmed", "replaced"]
    tier: Tier
    """As it is now: confirming never lowers it."""
    closed: tuple[EntryId, ...]
    """Entries that closed into this one, because `replaces` named them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An entry that is not live any more, and why."""

    entry_id: EntryId
    store: StoreName
    how: Literal["forgotten", "replaced", "dream", "rollback"]
    became: tuple[EntryId, ...]
    """The live entries that say it now; empty when it was let go."""
    closed_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a transcript, with its text already redacted."""

    number: int
    """From 1, in the order in which they were said."""
    role: Role
    text: str
    name: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A past conversation, without its messages."""

    session_id: SessionId
    store: StoreName
    external_id: str | None
    """What the client calls it, if it has a name for it."""
    trust: Trust
    messages: int
    read_messages: int
    """How many of them a dream has read for good; the session is new while this is less."""
    redactions: int
    started_at: datetime
    recorded_at: datetime
    recorded_by: str | None = None
    """What the agent calls itself that recorded it; None for a person's own command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A session with its messages."""

    session: Session
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The words of a session that a change rests on, letter for letter."""

    session_id: SessionId
    message: int
    """The message's number in its session."""
    text: str
    role: Role
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """A state that a change gives to an entry, old or new."""

    entry_id: EntryId
    content: str
    tier: Tier
    tags: tuple[str, ...]
    topic: str | None
    trust: Trust
    asserted_at: datetime
    session_id: SessionId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftChange:
    """One row of a plan, as a dream writes it: all that it closes and opens, or nothing."""

    operation: Operation
    risk: Risk
    decision: Decision
    reason: str
    """One sentence for a person."""
    fingerprint: bytes
    """SHA-256 over what was proposed about which texts: a rejected one is known again by it."""
    reads: tuple[RevisionId, ...]
    """Every revision that the change rests on; it applies only while all of them are live."""
    closes: tuple[RevisionId, ...]
    """The ones of `reads` that it closes."""
    opens: tuple[NewRevision, ...]
    quotes: tuple[Quote, ...] = ()
    evidence: tuple[str, ...] = ()
    """Short machine-made remarks: what matched, which specifics differ, how stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of a plan, as it is reviewed and as it was applied."""

    number: int
    """Shown as `c1`; unique within its dream, or within its version for a rollback."""
    store: StoreName
    version: int
    dream_id: DreamId | None
    operation: Operation
    risk: Risk
    decision: Decision
    decided_by: str
    """`judge`, `agent`, or `user`."""
    reason: str
    quotes: tuple[Quote, ...]
    evidence: tuple[str, ...]
    before: tuple[Entry, ...]
    """What it read, as it was read; the ones that it closes are those whose revision is in `closes`."""
    closes: tuple[RevisionId, ...]
    after: tuple[NewRevision, ...]
    applied: bool | None
    """None until its version was switched to; False when it was skipped then."""
    skipped: str | None
    """Why it was skipped."""
    outdated: str | None = None
    """What was changed since the dream read it, so that a switch would skip this; None where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Another text for what a change writes."""

    number: int
    content: str
    trust: Trust
    risk: Risk
    """The least risk that the change has with this text."""
    entry_id: EntryId | None = None
    """Which of the entries that the change writes; None for the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A numbered point of a store's history."""

    store: StoreName
    number: int
    parent: int | None
    kind: VersionKind
    state: VersionState
    seq: int | None
    """None while it is only proposed, and for good when it was discarded."""
    dream_id: DreamId | None
    digest: str | None
    """Hexadecimal SHA-256; None until a reader has computed it."""
    entries: int | None
    created_at: datetime
    head: bool
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """What judging cost, in the four counters that Anthropic reports, and in US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDream:
    """What `start_dream` asks for; what is left out is the least that a dream can be."""

    store: StoreName
    base: int | None = None
    """A version's number; None takes a checkpoint of the head."""
    sessions: tuple[SessionId, ...] | Literal["new"] = ()
    instructions: str = ""
    judge: JudgeName = "rules"
    policy: Policy = "review"
    model: str | None = None
    budget_tokens: int | None = None
    budget_usd: float | None = None
    requested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A change as a dream decided it, before its changes are made to fit together."""

    number: int
    """From 1, in the order in which they were decided."""
    operation: Operation
    risk: Risk
    decision: Decision
    reason: str
    text: str
    """The first text that would go, else come, else is in question; cut, as the reason is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What a dream that still judges has decided so far."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    """By `operation/risk/decision`."""
    decided: tuple[Decided, ...] = ()
    """Some of them, in order: the first of each kind, and the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a dream cannot read what it was started over."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dream:
    """A dream as it stands."""

    dream_id: DreamId
    store: StoreName
    base: int
    status: DreamStatus
    stage: str
    done: int
    """How much of the stage is done, of `total`."""
    total: int
    judge: JudgeName
    policy: Policy
    model: str | None
    instructions: str
    budget_tokens: int | None
    budget_usd: float | None
    sessions: tuple[SessionId, ...]
    usage: TokenUsage
    output_version: int | None
    recall_checked: int | None
    """How many recorded recalls were replayed; None before the check."""
    recall_kept: int | None
    """How many of them still find what they found."""
    refusals: tuple[str, ...]
    """Operations that the verifier refused, each with its reason."""
    error_code: ErrorCode | None
    error_message: str | None
    attempt: int
    """How many workers have taken it; a worker writes only under its own number."""
    lease_until: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None
    requested_by: str
    """Who asked for it: `agent`, `user`, or `policy` when it started by itself."""
    waits_until: datetime | None = None
    """When a dream without a worker stops waiting for its judge; None when it waits for none."""
    estimated_tokens: int | None = None
    """What judging was to take, as told before anything was asked; None where no model was."""
    estimated_usd: float | None = None
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Changes by `operation/risk/decision`; until they are proposed, the ones decided so far."""
    decided: tuple[Decided, ...] = ()
    """Some of the changes decided so far, in order; none once it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a dream may look at, fixed once; the stages are functions of this."""

    dream_id: DreamId
    entries: tuple[Entry, ...]
    """The base version's, in order of id."""
    transcripts: tuple[Transcript, ...]
    instructions: str
    now: datetime
    rejected: frozenset[bytes]
    """Fingerprints of changes that somebody rejected in this store."""
    forgotten: tuple[tuple[str, datetime], ...]
    """Texts that were forgotten and are not live, each with the time of its forgetting."""
    declined: frozenset[tuple[EntryId, str, str]] = frozenset()
    """Entries, as they read then, with the tier or the topic that somebody did not want for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A change that a switch or a rollback left out, whole."""

    change: str
    """`c3`, or for a rollback the version and change: `v4 c3`."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What a switch or a rollback did."""

    store: StoreName
    head: int
    previous: int
    """The version that was the head before."""
    checkpoint: int | None
    """The version that keeps what was written since then; None when nothing was."""
    applied: int
    skipped: tuple[Skipped, ...]
    suggested: int
    """Changes of the dream that wait for somebody; 0 for a rollback."""
    undone: tuple[int, ...] = ()
    """The versions that a revert undid, newest first."""
    kept: int = 0
    """Entries written since then by hand, which a revert kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one entry differs between two versions."""

    entry_id: EntryId
    before: Entry | None
    after: Entry | None
    how: str
    """`remembered`, `edited`, `forgotten`, or the operation of the change that did it."""
    version: int | None
    """The version whose change did it; None for a plain write."""
    change: int | None
    reason: str | None


FRUITLESS_DREAMS_MAX = 3
"""After so many dreams in a row that came to nothing, none starts by itself for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a store stands, in figures."""

    store: StoreName
    head: int
    seq: int
    written_since_head: int
    """Writes since the head version was taken."""
    by_tier: dict[str, int]
    versions: int
    sessions: int
    new_sessions: int
    proposal: int | None
    proposal_at: datetime | None
    dream_id: DreamId | None
    """The latest dream."""
    dream_status: DreamStatus | None
    dreamed_at: datetime | None
    """When the last dream completed."""
    entries_at_dream: int | None
    """Entries in the version which that dream read."""
    dream_ended_at: datetime | None = None
    """When the latest dream ended, however it did; None while it has not."""
    fruitless: int = 0
    """How many of the latest dreams in a row came to nothing, canceled ones aside, counted to FRUITLESS_DREAMS_MAX."""
    failure: str | None = None
    """Why the latest of those failed; None when none of them did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that `verify` found wrong."""

    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for, in which version, under which filters; an empty query lists the newest first."""

    query: str
    stores: tuple[StoreName, ...]
    version: int | None = None
    """None is the head; a number goes with one store."""
    tiers: tuple[Tier, ...] = ()
    tags: tuple[str, ...] = ()
    """All of them must be there."""
    topic: str | None = None
    """This path and everything below it."""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry that a search found."""

    entry: Entry
    content_id: int
    """The text's number: what `near` names, and what a vector belongs to."""
    score: float
    """BM25, bigger is better; 0.0 where the query was empty, or the entry says none of the words."""
    words: tuple[str, ...]
    """The terms that were searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordScores:
    """How well the texts of some stores say the words of a query."""

    scores: Mapping[int, float]
    """BM25 by the text's number, bigger is better: of the best ones, or of all there are."""
    words: tuple[str, ...]
    """The terms that were searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Which entries a version shows, and when each was said, in numbers only."""

    store_id: int
    erased: int
    """How many entries had been erased: when it is another number, nothing continues what was read before."""
    seq: int
    history: tuple[int, bytes]
    """The newest row of the audit when they were read, by its number and hash: a database that was restored, or is
    another one, has another row there, and nothing continues."""
    whole: bool
    """Whether these are all entries, or what has changed since the moments that were handed in."""
    opened: "array[int]"
    """Five numbers an entry: revision, root, content, the tier's place in TIERS, microseconds since 1970 in UTC.

    The root is the revision in which the state was first written; later ones have larger numbers."""
    closed: tuple[int, ...]
    """Revisions that were shown and are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How the live entries fared of which somebody said so."""

    newest: int
    """The number of the newest outcome in the database."""
    seq: int
    rows: "array[int]"
    """Five numbers an entry: revision, useful, wrong, outdated, when last useful (microseconds, or 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What makes vectors: whatever decides them has part in the name."""

    recipe: str
    setting: str
    """How to open that embedder again."""
    dimensions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeStanding:
    """How far a recipe has come, over all stores of the database."""

    recipe: str
    setting: str
    dimensions: int
    texts: int
    """How many there are to embed in all."""
    embedded: int
    failed: int
    """Texts that the embedder could not embed; they are not tried again by themselves."""
    complete: bool
    """Whether no text waits now; a moment after a write one does."""
    complete_at: datetime | None
    """When first no text waited: from then on a search may go by this recipe. None until then."""
    lease_owner: str | None
    """Who works on the backlog, until `lease_until` at the latest."""
    lease_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextToEmbed:
    """A text that waits for its vector."""

    content_id: int
    text: str
    sha256: bytes
    """Goes back with the vector: the number alone may be another text's by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What became of a `TextToEmbed`: a vector, or the reason why there is none."""

    content_id: int
    sha256: bytes
    """The text's, as `TextToEmbed` has it."""
    vector: bytes | None = None
    """The dimensions in order, each a little-endian float16."""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreVectors:
    """Some of a store's vectors, in the order in which they were written."""

    edition: tuple[int, int, int, int]
    """For comparing only: with another one than before, vectors are gone or the name is another store's by now;
    whoever keeps a copy reads it anew, from 0."""
    content_ids: tuple[int, ...]
    vectors: bytes
    """The vectors of `content_ids`, one after the other, each as `Embedded` has it."""
    last: int
    """The number after which to read on."""
    damaged: int
    """Vectors that were left out because they are not what was written; `dreamkeep reindex` makes them anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorPage:
    """Vectors of one recipe, store by store."""

    recipe: Recipe
    stores: dict[StoreName, StoreVectors]
    more: bool
    """Whether the limit was reached, so that more may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """One answered recall, for staleness and for the check after a dream."""

    store: StoreName
    query: str
    entry_ids: tuple[EntryId, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The dream that a start leads to."""

    dream: Dream
    earlier: bool
    """Whether it is an earlier dream over the same input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Some of a dream's changes, riskiest first, and how many there are."""

    changes: tuple[Change, ...]
    total: int
    left_out: tuple[str, ...] = ()
    """Of what was to be accepted where it fits: what does not, each with why and with the other that stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPage:
    """Some of the differences between two versions, and how many there are."""

    differences: tuple[Difference, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure took out of every version, and what came back because of it."""

    entries: tuple[EntryId, ...]
    derived: tuple[EntryId, ...]
    """Entries that had been made from them."""
    returned: tuple[EntryId, ...]
    """Other sources of those, live again."""
    versions: tuple[int, ...]
    """Versions whose digest is another one now."""
    log_emptied: bool = False
    """Whether the write-ahead log was emptied too; while another program reads, it still holds the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token of the HTTP server, without its secret."""

    token_id: str
    name: str
    stores: tuple[StoreName, ...]
    """Empty: every store."""
    rights: Literal["read", "write"]
    created_at: datetime
    revoked_at: datetime | None
