"""Which attitudes of a memory a newer entry turns: says the contrary, narrows, or tells to have changed.

What is found here is mostly worth a question, and no more: who likes green tea now may still like tea. Where
two entries of a list name the same thing, the newer one says what holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import attitudes, words
from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.dream.vocabulary import STOP_WORDS
from dreamkeep_store.models import Entry

_TURNED_BY_ONE_MAX: Final = 7
_LISTED_NEAR_FROM: Final = 0.7
"""Of preferences that were replaced, .65 to .75 do as well."""
_KEPT_FROM: Final = 0.25
"""How much of an entry's reason its restatement has to give again: else it is another remark on the same thing."""
_OF_A_LIST_MAX: Final = 64
"""How many newer entries of its list an older one is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A newer entry and an older attitude that may not hold any more, by their position."""

    newer: int
    older: int
    key: str
    evidence: str
    certain: bool = False
    """Whether both name the same thing without limits, and no number, name or the like of the older one is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An attitude, and the entry that states it."""

    attitude: attitudes.Attitude
    entry: Entry
    at: int
    topic: str
    """Its own, or the one under which everything else is of its list, or of this attitude."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    change: attitudes.Change
    entry: Entry
    at: int


_Listed = Mapping[tuple[str, str, frozenset[str]], Sequence[_Held]]


def sole_topic(topics: Iterable[str | None]) -> str:
    """Return under which topic to look at entries that have none, of all that speak of one thing.

    Where one topic only has it, theirs is that: an older value that was given a topic meanwhile still gives way to a
    newer one. Where several have it, nothing tells whose it is.
    """
    named = {topic for topic in topics if topic is not None}
    return named.pop() if len(named) == 1 else ""


def find_turns(entries: Sequence[Entry]) -> Iterator[Turn]:
    """Yield which entry may replace which; the entries of one topic only, the order of them does not matter."""
    told: defaultdict[tuple[str, str], list[_Held]] = defaultdict(list)
    listed: defaultdict[tuple[str, str, frozenset[str]], list[_Held]] = defaultdict(list)
    held_by = _held(entries)
    for held in held_by:
        told[held.topic, held.attitude.key].append(held)
        if held.attitude.label:
            listed[held.topic, held.attitude.label, held.attitude.thing].append(held)
    holders = {held.at for held in held_by}
    others = [at for at in range(len(entries)) if at not in holders]
    for key in sorted(told):
        yield from _contradicted(told[key])
    for key in sorted(listed, key=lambda key: (*key[:2], sorted(key[2]))):
        yield from _narrowed(key, listed)
    if told:
        yield from _told_to_change(told, _changes(entries, others))


def _held(entries: Sequence[Entry]) -> list[_Held]:
    """Return the attitudes of all entries that state one, the oldest first."""
    found = [(at, attitudes.find_attitude(entry.content)) for at, entry in enumerate(entries)]
    topics: defaultdict[str, list[str | None]] = defaultdict(list)
    for at, attitude in found:
        if attitude is not None:
            topics[attitude.label or attitude.key].append(entries[at].topic)
    sole = {name: sole_topic(those) for name, those in topics.items()}
    held = [
        _Held(attitude=one, entry=entries[at], at=at, topic=entries[at].topic or sole[one.label or one.key])
        for at, one in found
        if one is not None
    ]
    return sorted(held, key=lambda one: (one.entry.asserted_at, one.entry.entry_id))


def find_moved(entries: Sequence[Entry], nearness: Nearness) -> Iterator[Turn]:
    """Yield for an entry of a list the newer one that is nearest to it, where both speak of one kind of thing.

    "Strategy games", then "complex war games"; `nearness` is that of these entries.
    """
    lists: defaultdict[tuple[str, str], list[_Held]] = defaultdict(list)
    for held in _held(entries):
        if held.attitude.label:
            lists[held.topic, held.attitude.label].append(held)
    for key in sorted(lists):
        by_time = lists[key]
        for at, older in enumerate(by_time):
            near = [
                (cosine, newer)
                for newer in by_time[at + 1 :][-_OF_A_LIST_MAX:]
                if newer.attitude.thing != older.attitude.thing
                and not newer.attitude.thing.isdisjoint(older.attitude.thing)
                and newer.entry.asserted_at > older.entry.asserted_at
                and (cosine := nearness.cosine(older.at, newer.at)) is not None
                and cosine >= _LISTED_NEAR_FROM
            ]
            if near:
                cosine, newer = min(near, key=lambda one: (-one[0], one[1].entry.entry_id))
                told = f"{older.attitude.value}, then {newer.attitude.value}; near in meaning ({cosine:.2f})"
                yield Turn(newer=newer.at, older=older.at, key=older.attitude.key, evidence=told)


def _changes(entries: Sequence[Entry], among: Sequence[int]) -> Iterator[_Change]:
    for at in among:
        change = attitudes.find_change(entries[at].content)
        if change is not None:
            yield _Change(change=change, entry=entries[at], at=at)


def _contradicted(held: Sequence[_Held]) -> Iterator[Turn]:
    newest = held[-1]
    contrary = [older for older in held[:-1] if older.attitude.likes != newest.attitude.likes]
    for older in contrary[-_TURNED_BY_ONE_MAX:]:
        yield _turn(newest, older)


def _narrowed(key: tuple[str, str, frozenset[str]], listed: _Listed) -> Iterator[Turn]:
    """Yield what a list said of a thing before, and of it in fewer words: tea, when it says green tea now."""
    topic, label, thing = key
    newest = listed[key][-1]
    same = [older for older in listed[key][:-1] if older.attitude.likes == newest.attitude.likes]
    wider = [older for less in attitudes.subsets(thing) for older in listed.get((topic, label, less), ())]
    older_ones = [older for older in (*same, *wider) if older.entry.asserted_at < newest.entry.asserted_at]
    for older in older_ones[-_TURNED_BY_ONE_MAX:]:
        yield _turn(newest, older)


def _turn(newest: _Held, older: _Held) -> Turn:
    before, now = older.attitude.value, newest.attitude.value
    evidence = f"{before}, then {now}" if before != now else f"said anew: {now}"
    return Turn(
        newer=newest.at,
        older=older.at,
        key=older.attitude.key,
        evidence=evidence,
        certain=_is_certain(newest, older),
    )


def _is_certain(newest: _Held, older: _Held) -> bool:
    """Say whether the newer entry of a list stands in the older one's place, and no specific is lost with that."""
    now, before = newest.attitude, older.attitude
    if not (now.label and now.label == before.label and now.thing == before.thing and now.whole and before.whole):
        return False
    if newest.entry.asserted_at <= older.entry.asserted_at:
        return False
    why, why_before = _reason(newest), _reason(older)
    if now.likes == before.likes:
        kept = len(why & why_before) >= _KEPT_FROM * len(why_before)
    else:
        kept = bool(why) or not why_before  # a bare name takes no reason away
    return kept and not words.missing(newest.entry.content, (older.entry.content,))


def _reason(held: _Held) -> frozenset[str]:
    """Return the stems of what an entry of a list says beyond its list and its thing."""
    _, _, said = held.entry.content.partition(":")
    told = frozenset(words.stem(word) for word in words.tokens(said) if word not in STOP_WORDS)
    return told - held.attitude.thing


def _told_to_change(told: Mapping[tuple[str, str], Sequence[_Held]], changes: Iterable[_Change]) -> Iterator[Turn]:
    """Yield for a text that tells of a change the attitude to what it speaks of, in most words."""
    by_stem: defaultdict[str, list[_Held]] = defaultdict(list)
    for key in sorted(told):
        newest = told[key][-1]
        by_stem[min(newest.attitude.thing)].append(newest)
    for one in changes:
        near = [
            held
            for stem in sorted(one.change.stems)
            for held in [held for held in by_stem.get(stem, ()) if _may_meet(held, one)][-_TURNED_BY_ONE_MAX:]
            if held.attitude.thing <= one.change.stems and held.entry.asserted_at < one.entry.asserted_at
        ]
        if near:
            older = max(near, key=lambda held: len(held.attitude.thing))
            evidence = f"{older.attitude.value}; the newer one tells of a change ({one.change.told})"
            yield Turn(newer=one.at, older=older.at, key=older.attitude.key, evidence=evidence)


def _may_meet(held: _Held, change: _Change) -> bool:
    """Say whether they may be about one thing: not under two topics."""
    return change.entry.topic is None or held.topic in {"", change.entry.topic}
