"""All that may need a change, found without a model and without taste, in an order that only the content sets.

Every rule about when two entries are one lives in the modules below; here they are applied to the entries of a
material, in order of id, so that the order in which they came does not matter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream import turns
from dreamkeep_server.dream.alike import find_alike
from dreamkeep_server.dream.candidate import (
    Candidate,
    Disputed,
    ExactDuplicates,
    Expired,
    Instructing,
    SameWords,
    SlotValues,
    Stale,
)
from dreamkeep_server.dream.fingerprints import fingerprint
from dreamkeep_server.dream.injection import looks_like_instruction, may_instruct
from dreamkeep_server.dream.learnt import find_learnt
from dreamkeep_server.dream.nearness import Nearness, Vectors
from dreamkeep_server.dream.outgrown import find_outgrown
from dreamkeep_server.dream.parts import find_several
from dreamkeep_server.dream.said import Said, Steps, say_the_same
from dreamkeep_server.dream.themes import find_themes
from dreamkeep_server.dream.values import find_ended, find_renewals, find_slot_values, of_turns, pairs_of
from dreamkeep_store.models import Entry, EntryId, Material

COMPARED_BY: Final = 1
"""Counts up whenever other entries than before would be found alike: then a dream compares all of them again."""
_PASSES: Final = 9
"""How often all entries are gone through; once more where they are compared by meaning."""
STALE_A_DREAM_MAX: Final = 25
"""How many stale entries one dream asks about; the next one asks about the next."""


def find_candidates(
    material: Material,
    vectors: Vectors | None = None,
    watch: Callable[[int, int], None] | None = None,
    fresh: frozenset[EntryId] | None = None,
) -> tuple[Candidate, ...]:
    """Return all that a judge should look at, in an order that only the material's content sets.

    With `vectors`, what is near in meaning is found as well; `watch` is told how much is done, of how much. With
    `fresh`, texts are compared with these entries only: the others were compared with each other before.
    """
    entries = sorted(material.entries, key=lambda entry: entry.entry_id)
    steps = Steps(watch, (_PASSES if vectors is None else _PASSES + 1) * len(entries))
    expired = [entry for entry in entries if staleness.has_expired(entry, material.now)]
    gone = {entry.entry_id for entry in expired}
    said = say_the_same(entry for entry in entries if entry.entry_id not in gone)
    values = [*find_slot_values(steps.over(said)), *find_ended(said, steps)]
    values += of_turns(said, turns.find_turns([one.as_one for one in said]), pairs_of(values))
    steps.step(len(said))
    replaced = {entry.entry_id for found in values if found.certain for entry in found.older}
    lasting = [one for one in said if one.as_one.entry_id not in replaced]
    nearness = vectors.of([one.as_one.entry_id for one in lasting]) if vectors is not None else None
    if nearness is not None:
        # Among those that stay: what is replaced for certain replaces nothing else.
        moved = turns.find_moved([one.as_one for one in lasting], nearness)
        values += of_turns(lasting, moved, pairs_of(values))
    values += find_renewals(lasting, nearness, pairs_of(values))
    instructing = list(_instructing(steps.over(lasting)))
    suspect = {entry.entry_id for found in instructing for entry in found.entries}
    disputed = list(_disputed(lasting, suspect))
    suspect |= {found.entry.entry_id for found in disputed}
    faded = [
        one.as_one
        for one in lasting
        if staleness.has_faded(one.as_one, material.now) and one.as_one.entry_id not in suspect
    ]
    busy = suspect | _moving(said, values) | {entry.entry_id for entry in faded}
    apart = pairs_of(found for found in values if not found.certain)
    return (
        *(Expired(entry=entry) for entry in expired),
        *_duplicates(said),
        *values,
        *find_alike(lasting, apart, nearness, fresh, steps),
        *instructing,
        *disputed,
        *(Stale(entry=entry) for entry in _stalest(faded, material)),
        *find_learnt(material, said),
        *_misshapen(lasting, material, busy, nearness, steps),
    )


def _moving(said: Iterable[Said], values: Iterable[SlotValues]) -> set[EntryId]:
    """Return the entries that change for certain: whatever else they need is the next dream's business."""
    merged = {entry.entry_id for one in said if len(one.entries) > 1 for entry in one.entries}
    replaced = {entry.entry_id for found in values if found.certain for entry in (*found.newer, *found.older)}
    return merged | replaced


def _misshapen(
    said: Sequence[Said], material: Material, busy: set[EntryId], nearness: Nearness | None, steps: Steps
) -> Iterator[Candidate]:
    """Yield the entries that hold too much, last too little or have no topic, each for one of these at a time."""
    several = find_several(steps.over(said), busy, material.rejected)
    outgrown = find_outgrown(said, material, busy)
    yield from several
    yield from outgrown
    busy = busy | {found.entry.entry_id for found in (*several, *outgrown)}
    yield from find_themes(said, busy, nearness, material.declined)
    steps.step(len(said))


def _stalest(faded: Iterable[Entry], material: Material) -> list[Entry]:
    """Return the first to ask about, the stalest first: a memory of old facts would bury all other changes.

    One that somebody kept when it was asked about takes no place of another.
    """
    asked_anew = [entry for entry in faded if fingerprint("archive", (entry,)) not in material.rejected]
    in_order = sorted(asked_anew, key=lambda entry: (staleness.freshness(entry, material.now), entry.entry_id))
    return in_order[:STALE_A_DREAM_MAX]


def _duplicates(said: Iterable[Said]) -> Iterator[Candidate]:
    for one in said:
        if len(one.entries) > 1:
            exact = len({entry.content for entry in one.entries}) == 1
            yield ExactDuplicates(entries=one.entries) if exact else SameWords(entries=one.entries)


def _instructing(said: Iterable[Said]) -> Iterator[Instructing]:
    for one in said:
        content = one.as_one.content
        why = looks_like_instruction(content) if may_instruct(content) else None
        if why is not None:
            yield Instructing(entries=one.entries, why=why)


def _disputed(said: Iterable[Said], suspect: set[EntryId]) -> Iterator[Disputed]:
    for one in said:
        for entry in one.entries:
            usage = entry.usage
            if max(usage.wrong, usage.outdated) > usage.useful and entry.entry_id not in suspect:
                counts = f"reported wrong {usage.wrong}, outdated {usage.outdated}, useful {usage.useful} times"
                yield Disputed(entry=entry, evidence=(counts,))
