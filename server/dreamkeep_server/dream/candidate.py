"""What a judge is asked about: a closed union of candidates, spelled once; `candidates` finds them."""

from dataclasses import dataclass
from typing import Literal

from dreamkeep_server.dream.statements import Statement
from dreamkeep_store.models import Entry, Quote, Tier, Transcript

InsightKind = Literal["preference", "workflow", "mistake", "convention"]
"""What several sessions can have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDuplicates:
    """Entries with the same text, letter for letter."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameWords:
    """Entries that differ in letter case, white space, quotes or sentence punctuation only."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """Entries that are alike to the first one, with nothing that keeps them apart from it."""

    entries: tuple[Entry, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotValues:
    """Two values of one attribute of one subject, each as the entries that say it in the same words."""

    slot: str
    newer: tuple[Entry, ...]
    older: tuple[Entry, ...]
    certain: bool
    """Whether there is no doubt that it is one slot, and that the newer value came later."""
    evidence: tuple[str, ...]
    announced: bool = False
    """Whether the newer ones say themselves that it changed: then they are newer, even if both were said at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposed:
    """Two entries that are alike, but for a denial, a quantity, an opposite or a figure."""

    entries: tuple[Entry, Entry]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """An ephemeral entry whose time is over."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A standard entry that nobody asserted or used for long."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructing:
    """Entries with the same words, which read like an order to the memory or to an agent."""

    entries: tuple[Entry, ...]
    why: str
    """What they look like, as a phrase for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """An entry that was found wrong or outdated more often than useful."""

    entry: Entry
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What one session stated."""

    statement: Statement
    transcript: Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What at least two sessions stated, in the same or in other words, once for each, the earliest first."""

    statements: tuple[Statement, ...]
    transcripts: tuple[Transcript, ...]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """What happened in at least two sessions, whether or not anybody stated it: a mistake, a way of working."""

    kind: InsightKind
    content: str
    quotes: tuple[Quote, ...]
    """From each session at least one, the earliest first."""
    transcripts: tuple[Transcript, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What went wrong in one session and what worked instead."""

    content: str
    quotes: tuple[Quote, ...]
    transcript: Transcript
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """An entry that holds several facts: these, each a part of its text, letter for letter."""

    entry: Entry
    parts: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Themed:
    """Entries without a topic, and the one under which they belong."""

    entries: tuple[Entry, ...]
    topic: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgrown:
    """An entry that is used as one of another tier would be."""

    entry: Entry
    tier: Tier
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSession:
    """A session for a judge that can read it as a whole; no finder yields it, since rules cannot."""

    transcript: Transcript
    found: tuple[Stated | Learnt, ...]
    """What code had found in it: it is judged along with the session, and not by itself."""


Candidate = (
    ExactDuplicates
    | SameWords
    | NearDuplicates
    | SlotValues
    | Opposed
    | Expired
    | Stale
    | Instructing
    | Disputed
    | Stated
    | Repeated
    | Recurring
    | Learnt
    | Several
    | Themed
    | Outgrown
    | WholeSession
)


def entries_of(candidate: Candidate) -> tuple[Entry, ...]:
    """Return the entries that a judgement of this candidate may name."""
    match candidate:
        case ExactDuplicates() | SameWords() | NearDuplicates() | Opposed() | Instructing() | Themed():
            return candidate.entries
        case SlotValues():
            return candidate.newer + candidate.older
        case Expired() | Stale() | Disputed() | Several() | Outgrown():
            return (candidate.entry,)
        case Stated() | Repeated() | Recurring() | Learnt() | WholeSession():
            return ()


def transcripts_of(candidate: Candidate) -> tuple[Transcript, ...]:
    """Return the sessions that a judgement of this candidate may quote."""
    match candidate:
        case Stated() | Learnt() | WholeSession():
            return (candidate.transcript,)
        case Repeated() | Recurring():
            return candidate.transcripts
        case _:
            return ()


def found_of(candidate: Candidate) -> tuple[tuple[str, Quote], ...]:
    """Return the words that code had found in sessions, each with a quote that they were found in."""
    match candidate:
        case Stated():
            return ((candidate.statement.content, candidate.statement.quote),)
        case Repeated():
            return tuple((statement.content, statement.quote) for statement in candidate.statements)
        case Recurring() | Learnt():
            return tuple((candidate.content, quote) for quote in candidate.quotes)
        case WholeSession():
            return tuple(one for found in candidate.found for one in found_of(found))
        case _:
            return ()


def key_of(candidate: Candidate) -> tuple[object, ...]:
    """Return what makes a candidate the same one when it is found again: its kind, its entries, what was stated."""
    match candidate:
        case Stated():
            stated: tuple[object, ...] = (candidate.statement,)
        case Repeated():
            stated = candidate.statements
        case Recurring() | Learnt():
            stated = (candidate.content, *candidate.quotes)
        case Several():
            stated = candidate.parts
        case Themed():
            stated = (candidate.topic,)
        case Outgrown():
            stated = (candidate.tier,)
        case WholeSession():
            stated = (candidate.transcript.session.session_id,)
        case _:
            stated = ()
    return (type(candidate).__name__, *(entry.entry_id for entry in entries_of(candidate)), *stated)
