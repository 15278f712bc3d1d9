"""Which entries give another value to one attribute, attitude or state: the newer one against each older one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from dreamkeep_server.dream import frames, likeness, renewals, slots, turns, words
from dreamkeep_server.dream.candidate import SlotValues
from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.dream.said import Said, Steps
from dreamkeep_store.models import EntryId

_LOST_TOLD_MAX: Final = 5


def pairs_of(values: Iterable[SlotValues]) -> set[frozenset[EntryId]]:
    """Return which two entries each of them is about."""
    return {frozenset((found.newer[0].entry_id, found.older[0].entry_id)) for found in values}


def find_slot_values(said: Iterable[Said]) -> Iterator[SlotValues]:
    """Yield for every slot, and for every frame, its newest value against each of the others; each two texts once."""
    filled: defaultdict[str, list[tuple[slots.Slot, Said]]] = defaultdict(list)
    framed: defaultdict[str, list[tuple[slots.Slot, Said]]] = defaultdict(list)
    for one in said:
        slot = slots.find_slot(one.as_one.content)
        if slot is not None:
            filled[slot.key].append((slot, one))
        if slots.find_announced(one.as_one.content) is not None:
            continue  # it says itself what it replaces
        for frame in frames.find_frames(one.as_one.content):
            slot = slots.Slot(key=frame.key, value=frame.value, plain=False, announced=frame.announced, told=frame.told)
            framed[frame.key].append((slot, one))
    found = list(_values(filled))
    yield from found
    paired = pairs_of(found)
    for value in _values(framed):
        if paired.isdisjoint(pair := pairs_of((value,))):
            paired |= pair
            yield value


def _values(filled: Mapping[str, Sequence[tuple[slots.Slot, Said]]]) -> Iterator[SlotValues]:
    for key in sorted(filled):
        by_topic: defaultdict[str, list[tuple[slots.Slot, Said]]] = defaultdict(list)
        sole = turns.sole_topic(one.as_one.topic for _, one in filled[key])
        for slot, one in filled[key]:
            by_topic[one.as_one.topic or sole].append((slot, one))
        for topic in sorted(by_topic):
            yield from _values_of_slot(key, by_topic[topic])


def _values_of_slot(key: str, values: Sequence[tuple[slots.Slot, Said]]) -> Iterator[SlotValues]:
    in_order = sorted(values, key=_asserted)
    newest, newer = in_order[-1]
    uncertain = 0
    for slot, older in in_order[:-1]:
        if slot.value == newest.value or slots.hold_beside(slot.value, newest.value):
            continue
        refined = slots.is_refinement(slot.value, newest.value)
        in_turn = older.as_one.asserted_at < newer.as_one.asserted_at
        certain = slot.plain and newest.plain and newest.replaces and not refined and in_turn
        if not certain:
            if refined or uncertain == likeness.STAR_ENTRIES_MAX - 1:
                continue
            uncertain += 1
        yield SlotValues(
            slot=(told := newest.told or key),
            newer=newer.entries,
            older=older.entries,
            certain=certain,
            announced=newest.announced,
            evidence=(f"{told}: {slot.value}, then {newest.value}",),
        )


def _asserted(value: tuple[slots.Slot, Said]) -> tuple[datetime, bool, int, EntryId]:
    """Return a key by which what was said later comes later; of two said at once, what says that it became so."""
    slot, one = value
    written = one.as_one.revision_id if slot.announced else 0
    return one.as_one.asserted_at, slot.announced, written, one.as_one.entry_id


def find_ended(said: Sequence[Said], steps: Steps) -> Iterator[SlotValues]:
    """Yield the statements that a newer entry says outright to have ended."""
    # By subject and last word, so that a thousand "the user no longer ..." do not meet each "the user ...".
    ended: defaultdict[tuple[tuple[str, ...], str], list[tuple[slots.Announced, Said]]] = defaultdict(list)
    for one in steps.over(said):
        announced = slots.find_announced(one.as_one.content)
        if announced is not None:
            ended[announced.subject, words.stem(announced.ended[-1])].append((announced, one))
    if not ended:
        return
    lengths = sorted({len(subject) for subject, _ in ended})
    lasts = {last for _, last in ended}
    for older in said:
        if len(older.as_one.content) > slots.TEXT_CHARACTERS_MAX:
            continue
        tokens = words.tokens(older.as_one.content)
        if not tokens or words.stem(slots.SPELLINGS.get(tokens[-1], tokens[-1])) not in lasts:
            continue
        tokens = slots.bare_subject(tokens)
        for length in lengths:
            if length >= len(tokens):
                break
            for announced, newer in ended.get((tokens[:length], words.stem(tokens[-1])), ()):
                certain = slots.ends(announced, older.as_one.content) if newer is not older else None
                if certain is None or newer.as_one.asserted_at <= older.as_one.asserted_at:
                    continue
                same_topic = newer.as_one.topic == older.as_one.topic
                yield SlotValues(
                    slot=" ".join(announced.subject),
                    newer=newer.entries,
                    older=older.entries,
                    certain=certain and same_topic,
                    evidence=(f"the newer one says that this ended: {' '.join(announced.ended)}",),
                )


def of_turns(
    said: Sequence[Said], found: Iterable[turns.Turn], paired: set[frozenset[EntryId]]
) -> Iterator[SlotValues]:
    """Yield the attitudes that a newer entry contradicts, restates, narrows or says to have changed."""
    for turn in found:
        newer, older = said[turn.newer], said[turn.older]
        if frozenset((newer.entries[0].entry_id, older.entries[0].entry_id)) not in paired:
            yield SlotValues(
                slot=turn.key,
                newer=newer.entries,
                older=older.entries,
                certain=turn.certain,
                evidence=(turn.evidence,),
            )


def find_renewals(
    said: Sequence[Said], nearness: Nearness | None, paired: set[frozenset[EntryId]]
) -> Iterator[SlotValues]:
    """Yield the entries that give a figure which a newer one says to have changed."""

    def is_older(one: int, other: int, both_new: bool) -> bool:
        here, there = said[one].as_one, said[other].as_one
        if here.topic is not None and there.topic is not None and here.topic != there.topic:
            return False
        if both_new:  # of two that were said at once, the one that was written later
            return (here.asserted_at, here.revision_id) < (there.asserted_at, there.revision_id)
        return here.asserted_at <= there.asserted_at

    for found in renewals.find_renewed([one.as_one.content for one in said], nearness, is_older):
        newer, older = said[found.newer], said[found.older]
        if frozenset((newer.entries[0].entry_id, older.entries[0].entry_id)) in paired:
            continue
        told = f"{found.before}, then {found.now}"
        lost = [one for one in words.missing(newer.as_one.content, (older.as_one.content,)) if one not in found.before]
        yield SlotValues(
            slot=told,
            newer=newer.entries,
            older=older.entries,
            certain=False,
            announced=True,
            evidence=(told, *((f"only the older one says: {', '.join(lost[:_LOST_TOLD_MAX])}",) if lost else ())),
        )
