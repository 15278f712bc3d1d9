"""Which attitudes of a memory a newer entry turns: says the contrary, narrows, or tells to have changed.

What is found here is worth a question, and no more: who likes green tea now may still like tea.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import attitudes
from dreamkeep_store.models import Entry

_TURNED_BY_ONE_MAX: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A newer entry and an older attitude that may not hold any more, by their position."""

    newer: int
    older: int
    key: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An attitude, and the entry that states it."""

    attitude: attitudes.Attitude
    entry: Entry
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    change: attitudes.Change
    entry: Entry
    at: int


_Listed = Mapping[tuple[str, str, frozenset[str]], Sequence[_Held]]


def find_turns(entries: Sequence[Entry]) -> Iterator[Turn]:
    """Yield which entry may replace which; the entries of one topic only, the order of them does not matter."""
    told: defaultdict[tuple[str, str], list[_Held]] = defaultdict(list)
    listed: defaultdict[tuple[str, str, frozenset[str]], list[_Held]] = defaultdict(list)
    others: list[int] = []
    for at in sorted(range(len(entries)), key=lambda at: (entries[at].asserted_at, entries[at].entry_id)):
        entry = entries[at]
        attitude = attitudes.find_attitude(entry.content)
        if attitude is not None:
            held = _Held(attitude=attitude, entry=entry, at=at)
            told[entry.topic or "", attitude.key].append(held)
            if attitude.label:
                listed[entry.topic or "", attitude.label, attitude.thing].append(held)
        else:
            others.append(at)
    for key in sorted(told):
        yield from _contradicted(told[key])
    for key in sorted(listed, key=lambda key: (*key[:2], sorted(key[2]))):
        yield from _narrowed(key, listed)
    if told:
        yield from _told_to_change(told, _changes(entries, others))


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
    evidence = f"{older.attitude.value}, then {newest.attitude.value}"
    return Turn(newer=newest.at, older=older.at, key=older.attitude.key, evidence=evidence)


def _told_to_change(told: Mapping[tuple[str, str], Sequence[_Held]], changes: Iterable[_Change]) -> Iterator[Turn]:
    """Yield for a text that tells of a change the attitude to what it speaks of, in most words."""
    by_stem: defaultdict[tuple[str, str], list[_Held]] = defaultdict(list)
    for topic, key in sorted(told):
        newest = told[topic, key][-1]
        by_stem[topic, min(newest.attitude.thing)].append(newest)
    for one in changes:
        near = [
            held
            for stem in sorted(one.change.stems)
            for held in by_stem.get((one.entry.topic or "", stem), ())[-_TURNED_BY_ONE_MAX:]
            if held.attitude.thing <= one.change.stems and held.entry.asserted_at < one.entry.asserted_at
        ]
        if near:
            older = max(near, key=lambda held: len(held.attitude.thing))
            evidence = f"{older.attitude.value}; the newer one tells of a change ({one.change.told})"
            yield Turn(newer=one.at, older=older.at, key=older.attitude.key, evidence=evidence)
