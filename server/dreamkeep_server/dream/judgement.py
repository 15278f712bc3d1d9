"""What a judge may decide about a candidate: a closed union, spelled once.

A judgement proposes, the plan decides. `sure` says that the judge would have it done without asking.
"""

from dataclasses import dataclass

from dreamkeep_store.models import EntryId, Quote, Tier, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Nothing should change."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """These entries say one thing, and this is it."""

    entries: tuple[EntryId, ...]
    content: str
    reason: str
    sure: bool
    supersedes: tuple[EntryId, ...] = ()
    """The ones among `entries` whose differing specifics do not hold any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """The newer entry says what holds now; the older ones do not hold any more."""

    newer: EntryId
    older: tuple[EntryId, ...]
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """These entries are of no more use."""

    entries: tuple[EntryId, ...]
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """These entries cannot both hold, and somebody has to say which does."""

    entries: tuple[EntryId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """Something that several sessions have in common."""

    content: str
    quotes: tuple[Quote, ...]
    tags: tuple[str, ...]
    reason: str
    sure: bool
    trust_max: Trust = "user"
    """What whoever chose the words can be trusted at most: a model may quote half of what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One entry holds several facts: these."""

    entry: EntryId
    contents: tuple[str, ...]
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestTier:
    """These entries should last longer, or less long."""

    entries: tuple[EntryId, ...]
    tier: Tier
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTopic:
    """These entries belong under this topic."""

    entries: tuple[EntryId, ...]
    topic: str
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A session stated something worth keeping."""

    content: str
    quotes: tuple[Quote, ...]
    tags: tuple[str, ...]
    reason: str
    sure: bool
    trust_max: Trust = "user"
    """As for an insight."""


Judgement = Keep | Merge | Supersede | Archive | Conflict | Insight | Split | SuggestTier | MoveTopic | Add
