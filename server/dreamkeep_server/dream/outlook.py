"""What a dream by the rules judge would make of one entry, and why it would leave it alone; nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream import likeness, paraphrase, words
from dreamkeep_server.dream.candidate import Candidate, entries_of
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.drafts import Draft
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Judgement, Keep
from dreamkeep_server.dream.judges import rules
from dreamkeep_server.dream.nearness import Vectors
from dreamkeep_server.dream.plan import Plan, make_plan
from dreamkeep_server.dream.verify import Refused, draft
from dreamkeep_store.models import DraftChange, Entry, EntryId, Material

_ALIKE_FROM: Final = 0.6
"""Below this share of the same words, and without a near meaning, two entries are not compared any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One reason to look at the entry, and what would come of it."""

    why: str
    """What the judge says."""
    evidence: tuple[str, ...]
    others: tuple[EntryId, ...]
    """The entries that it is about beside this one."""
    change: DraftChange | None
    """The change that a dream would propose; None when nothing would come of it."""
    without: str | None
    """Why nothing would come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An entry that is near, and why the two stay two."""

    entry: Entry
    same_words: float
    """The share of their words that are the same, from 0 to 1."""
    cosine: float | None
    """How near they are in meaning; None where that is not known."""
    apart: str
    """What keeps the two apart, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a dream would make of one entry."""

    prospects: tuple[Prospect, ...]
    neighbours: tuple[Neighbour, ...]
    """The nearest by words, and by meaning if that is another one; none where a change is in prospect."""


def look_ahead(material: Material, entry_id: EntryId, vectors: Vectors | None = None) -> Outlook:
    """Return what a dream over this material would make of its entry of that id."""
    candidates = find_candidates(material, vectors)
    judged = [(candidate, rules.judge(candidate, material)) for candidate in candidates]
    plan = make_plan(material, judged)
    ground = Ground(material)
    entry = ground.entries[entry_id]
    mine = [one for one in judged if any(entry_id == other.entry_id for other in entries_of(one[0]))]
    prospects = tuple(_prospect(candidate, judgement, entry_id, ground, plan) for candidate, judgement in mine)
    if any(prospect.change is not None for prospect in prospects):
        return Outlook(prospects=prospects, neighbours=())
    return Outlook(prospects=prospects, neighbours=tuple(_neighbours(entry, material, vectors)))


def _prospect(candidate: Candidate, judgement: Judgement, entry_id: EntryId, ground: Ground, plan: Plan) -> Prospect:
    change, without = _outcome(draft(candidate, judgement, ground), judgement, ground.entries[entry_id], plan)
    return Prospect(
        why=judgement.reason,
        evidence=tuple(getattr(candidate, "evidence", ())),
        others=tuple(one.entry_id for one in entries_of(candidate) if one.entry_id != entry_id),
        change=change,
        without=without,
    )


def _outcome(
    drafted: Draft | Refused | None, judgement: Judgement, entry: Entry, plan: Plan
) -> tuple[DraftChange | None, str | None]:
    """Return the change that a judgement comes to in the plan, or why there is none."""
    match drafted:
        case Refused(reason=reason):
            return None, f"refused: {reason}"
        case None if isinstance(judgement, Keep):
            return None, "the judge leaves it as it is"
        case None:
            return None, "somebody rejected that before"
        case Draft():
            operation = drafted.change.operation
            for change in plan.changes:
                if change.fingerprint == drafted.change.fingerprint:
                    return change, None
            for change in plan.changes:  # as it was rewritten, to fit beside others
                if change.operation == operation and entry.revision_id in change.reads:
                    return change, None
            return None, "another change comes first"


def _neighbours(entry: Entry, material: Material, vectors: Vectors | None) -> Iterator[Neighbour]:
    others = [
        one
        for one in sorted(material.entries, key=lambda one: one.entry_id)
        if one.entry_id != entry.entry_id and not staleness.has_expired(one, material.now)
    ]
    mine = likeness.words_of(entry.content)
    scores = [likeness.score(mine, likeness.words_of(one.content)) for one in others]
    cosines = _cosines(entry, others, vectors)
    nearest = {max(range(len(others)), key=lambda at: (scores[at], -at))} if any(scores) else set[int]()
    known = [at for at, cosine in enumerate(cosines) if cosine is not None]
    if known:
        nearest.add(max(known, key=lambda at: (cosines[at] or 0.0, -at)))
    for at in sorted(nearest, key=lambda at: (-scores[at], at)):
        apart = _apart(entry, others[at], scores[at], cosines[at])
        yield Neighbour(entry=others[at], same_words=scores[at], cosine=cosines[at], apart=apart)


def _cosines(entry: Entry, others: Sequence[Entry], vectors: Vectors | None) -> list[float | None]:
    if vectors is None or entry.entry_id not in vectors.places:
        return [None] * len(others)
    nearness = vectors.of([entry.entry_id, *(one.entry_id for one in others)])
    return [nearness.cosine(0, at) for at in range(1, len(others) + 1)]


def _apart(entry: Entry, other: Entry, score: float, cosine: float | None) -> str:
    if score < _ALIKE_FROM and (cosine or 0.0) < paraphrase.NEAR_FROM:
        return "not near enough"
    differs = words.difference(entry.content, other.content)
    return f"kept apart: {differs.text}" if differs is not None else "alike, but neither can stand for the other"
