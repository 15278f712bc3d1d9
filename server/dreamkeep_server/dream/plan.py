"""Judgements to changes: what is included in the next version, what is only suggested, what is refused.

`verify` checks each judgement alone. Here they are made to fit together: no two included changes want the
same entry, and planning again after they were applied includes nothing more.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.drafts import Draft
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Archive, Conflict, Judgement, Merge, MoveTopic, Supersede
from dreamkeep_server.dream.settling import UNSETTLED, settled
from dreamkeep_server.dream.verify import Refused, draft
from dreamkeep_server.dream.words import same_words
from dreamkeep_store.models import OPERATIONS, DraftChange, EntryId, Material, Operation, RevisionId

_PREFERENCE: tuple[Operation, ...] = ("archive", "supersede", "merge", "split", "move", "insight", "add")
"""Which operation has an entry when several that are sure want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dream proposes."""

    changes: tuple[DraftChange, ...]
    """In an order that only their content sets."""
    refusals: tuple[str, ...]
    """Judgements that broke a rule and came to nothing, each with the rule."""


def make_plan(
    material: Material,
    judged: Iterable[tuple[Candidate, Judgement]],
    *,
    watch: Callable[[Draft], None] | None = None,
) -> Plan:
    """Return the changes that these judgements lead to, whatever the judge said and in whatever order.

    `watch` gets each change as it is decided; afterwards some are joined, and some become suggestions.
    """
    ground = Ground(material)
    drafts: list[Draft] = []
    refusals: list[str] = []
    for candidate, judgement in judged:
        drafted = draft(candidate, judgement, ground)
        if isinstance(drafted, Refused):
            refusals.append(drafted.reason)
        elif drafted is not None:
            drafts.append(drafted)
            if watch is not None:
                watch(drafted)
    drafts = _once_each(drafts)
    included, left = _separate(_once_each(_reconcile([one for one in drafts if _wanted(one)], ground)))
    included, unsettled = settled(included, ground)
    left += [_suggested(one, UNSETTLED) for one in unsettled]
    suggested = [*left, *(one for one in drafts if not _wanted(one))]
    gone = _let_go(included)
    # A topic is suggested for many at once: none of them may stand in the way of what else they need.
    elsewhere = gone | {entry.entry_id for one in (*included, *suggested) if not _moves(one) for entry in one.reads}
    suggested = [
        rest for one in suggested if (rest := _without(one, elsewhere if _moves(one) else gone, ground)) is not None
    ]
    changes = [one.change for one in _once_each([*included, *suggested])]
    return Plan(
        changes=tuple(sorted(changes, key=_place)),
        refusals=tuple(sorted(refusals)),
    )


def _wanted(one: Draft) -> bool:
    return one.change.decision == "included"


def _moves(one: Draft) -> bool:
    return one.change.operation == "move"


def _place(change: DraftChange) -> tuple[int, tuple[RevisionId, ...], bytes]:
    return (OPERATIONS.index(change.operation), change.reads, change.fingerprint)


def _order(one: Draft) -> tuple[int, tuple[EntryId, ...], bytes, tuple[str, ...]]:
    """Return the order of preference; by entry, since ids of revisions change with every dream.

    Changes that put the same question in other words are told apart by those.
    """
    change = one.change
    rank = _PREFERENCE.index(change.operation) if change.operation in _PREFERENCE else len(_PREFERENCE)
    told = (change.operation, *(new.content for new in change.opens), change.reason)
    return (rank, tuple(sorted(entry.entry_id for entry in one.reads)), change.fingerprint, told)


def _once_each(drafts: Iterable[Draft]) -> list[Draft]:
    """Return the drafts in order of preference, without a second one of the same proposal."""
    kept: dict[bytes, Draft] = {}
    said: set[str] = set()
    for one in sorted(drafts, key=lambda one: (not _wanted(one), _order(one))):
        change = one.change
        if change.operation in {"add", "insight"}:
            text = same_words(change.opens[0].content)
            if text in said:
                continue
            said.add(text)
        kept.setdefault(change.fingerprint, one)
    return sorted(kept.values(), key=_order)


def _reconcile(wanted: Sequence[Draft], ground: Ground) -> list[Draft]:
    """Return the wanted drafts, rewritten where they belong together instead of standing in each other's way.

    Archived entries leave the other changes; a chain of supersessions ends in its newest statement; a merge
    leaves out what was superseded, and takes in a supersession by an entry that it closes.
    """
    supersedes, merges, others = _by_kind(wanted)
    let_go = {entry.entry_id for one in others if one.change.operation == "archive" for entry in one.reads}
    rewritten = _chained(supersedes, let_go, ground)
    let_go |= {older for one in rewritten if _wanted(one) for older in _older(one)}
    by_newer: defaultdict[RevisionId, list[Draft]] = defaultdict(list)
    for one in rewritten:
        for revision in _kept(one) if _wanted(one) else ():
            by_newer[revision].append(one)
    taken_in: set[bytes] = set()
    for one, judgement in merges:
        entries = tuple(i for i in judgement.entries if i not in let_go)
        if len(entries) < 2:
            continue
        supersedes_still = tuple(i for i in judgement.supersedes if i in entries)
        merge = _again(one, replace(judgement, entries=entries, supersedes=supersedes_still), ground)
        by_it = [s for revision in merge.change.closes for s in by_newer.pop(revision, ())]
        if by_it and _wanted(merge):
            whole = _folded(merge, by_it, ground)
            if _wanted(whole):
                merge = whole
                taken_in.update(s.change.fingerprint for s in by_it)
        others.append(merge)
    return [*others, *(one for one in rewritten if one.change.fingerprint not in taken_in)]


def _chained(supersedes: Sequence[tuple[Draft, Supersede]], let_go: set[EntryId], ground: Ground) -> list[Draft]:
    """Return the supersessions, each by the newest statement of its chain, each old entry in one of them."""
    successor: dict[EntryId, EntryId] = {}
    for _, judgement in supersedes:
        if judgement.newer not in let_go:
            for older in judgement.older:
                successor.setdefault(older, judgement.newer)
    chained: list[Draft] = []
    claimed = set(let_go)
    for one, judgement in supersedes:
        newer = judgement.newer
        while newer in successor:  # it ends: each step is to a statement that is strictly newer
            newer = successor[newer]
        older = tuple(i for i in judgement.older if i not in claimed)
        if older and newer not in let_go:
            claimed.update(older)
            chained.append(_again(one, replace(judgement, newer=newer, older=older), ground))
    return chained


def _folded(merge: Draft, supersedes: Sequence[Draft], ground: Ground) -> Draft:
    """Return the merge with what its entries supersede."""
    if not isinstance(merge.judgement, Merge):
        raise TypeError(f"not a merge: {merge.judgement}")
    older = tuple(i for one in supersedes for i in _older(one))
    reasons = (merge.judgement.reason, *(one.judgement.reason for one in supersedes))
    judgement = replace(
        merge.judgement,
        entries=(*merge.judgement.entries, *older),
        supersedes=(*merge.judgement.supersedes, *older),
        reason=" ".join(reasons),
    )
    return _again(merge, judgement, ground)


def _older(one: Draft) -> tuple[EntryId, ...]:
    return one.judgement.older if isinstance(one.judgement, Supersede) else ()


def _kept(one: Draft) -> tuple[RevisionId, ...]:
    return tuple(revision for revision in one.change.reads if revision not in one.change.closes)


def _again(one: Draft, judgement: Merge | Supersede, ground: Ground) -> Draft:
    """Return the draft for a rewritten judgement; where that breaks a rule, the first one as a suggestion."""
    if judgement == one.judgement:
        return one
    drafted = draft(one.candidate, judgement, ground, offered=ground.everybody)
    return drafted if isinstance(drafted, Draft) else _suggested(one, "it would not hold beside another change")


def _suggested(one: Draft, *why: str) -> Draft:
    change = replace(one.change, decision="suggested", evidence=(*one.change.evidence, *why))
    return replace(one, change=change)


def _separate(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Return the drafts that can be included together, and the others as suggestions."""
    included: list[Draft] = []
    left: list[Draft] = []
    read: set[RevisionId] = set()
    closed: set[RevisionId] = set()
    for one in sorted(drafts, key=_order):
        change = one.change
        if not _wanted(one):
            left.append(one)
        elif closed.isdisjoint(change.reads) and read.isdisjoint(change.closes):
            read.update(change.reads)
            closed.update(change.closes)
            included.append(one)
        else:
            left.append(_suggested(one, "another change that is included wants the same entry"))
    return included, left


def _let_go(included: Iterable[Draft]) -> set[EntryId]:
    """Return the entries that will not be live once the included changes are applied."""
    gone: set[EntryId] = set()
    for one in included:
        stays = {revision.entry_id for revision in one.change.opens}
        closes = set(one.change.closes)
        gone.update(e.entry_id for e in one.reads if e.revision_id in closes and e.entry_id not in stays)
    return gone


def _without(one: Draft, gone: set[EntryId], ground: Ground) -> Draft | None:
    """Return a suggestion as it would be made once the included changes are applied, if anything is left."""
    if gone.isdisjoint(entry.entry_id for entry in one.reads):
        return one
    judgement = one.judgement
    match judgement:
        case Supersede() if judgement.newer not in gone:
            rest: Judgement = replace(judgement, older=tuple(i for i in judgement.older if i not in gone))
        case Merge():
            still = tuple(i for i in judgement.supersedes if i not in gone)
            entries = tuple(i for i in judgement.entries if i not in gone)
            rest = replace(judgement, entries=entries, supersedes=still)
        case Archive() | Conflict() | MoveTopic():
            rest = replace(judgement, entries=tuple(i for i in judgement.entries if i not in gone))
        case _:
            return None
    drafted = draft(one.candidate, rest, ground, offered=ground.everybody)
    if not isinstance(drafted, Draft):
        return None
    return _suggested(drafted) if _wanted(drafted) else drafted


def _by_kind(
    wanted: Sequence[Draft],
) -> tuple[list[tuple[Draft, Supersede]], list[tuple[Draft, Merge]], list[Draft]]:
    supersedes: list[tuple[Draft, Supersede]] = []
    merges: list[tuple[Draft, Merge]] = []
    others: list[Draft] = []
    for one in wanted:
        match one.judgement:
            case Supersede():
                supersedes.append((one, one.judgement))
            case Merge():
                merges.append((one, one.judgement))
            case _:
                others.append(one)
    return supersedes, merges, others
