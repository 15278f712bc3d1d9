"""What a memory says already: whether an entry says what a session stated, in the same words or in others.

It goes by words, since what sessions state has no vectors. Entries are looked up by the rarest words of what was
stated, so that time grows with the entries and not with their pairs.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from dreamkeep_server.dream import attitudes, likeness, slots, words

_RAREST_WORDS: Final = 4
_COMPARED_MAX: Final = 64
"""How many entries one statement is compared with, those that share most of its rarest words first."""

Value = tuple[str, str]
"""What a text gives a value to, and which: an attribute, or somebody's attitude to a thing."""


def value_of(text: str) -> Value | None:
    """Return what a text gives a value to, where its form makes that plain; "my port" is the user's port."""
    slot = slots.find_slot(text)
    if slot is not None:
        return slots.spoken_key(slot), slot.value
    attitude = attitudes.find_attitude(text)
    if attitude is not None:
        return f"attitude of {attitude.key}", str(attitude.likes)
    return None


_HERE: Final = re.compile(r"\s+(?:here|in this (?:repo(?:sitory)?|project|codebase))\b", re.IGNORECASE)


def without_here(text: str) -> str:
    """Return a text without what only says that this project is meant, for comparing it with others."""
    return _HERE.sub("", text)


def find_known(texts: Sequence[str], entries: Sequence[str]) -> frozenset[int]:
    """Return which of these texts the entries say already, by position."""
    same = {words.same_words(entry) for entry in entries}
    known = {at for at, text in enumerate(texts) if words.same_words(text) in same}
    wanted = {at: likeness.words_of(text) for at, text in enumerate(texts) if at not in known}
    if not wanted:
        return frozenset(known)
    sought = frozenset(stem for one in wanted.values() for stem in one.stems)
    stems = [sought & likeness.words_of(entry).stems for entry in entries]
    holders = _holders(wanted, stems)
    for at, own in wanted.items():
        shared: Counter[int] = Counter()
        for stem in own.stems:
            shared.update(holders.get((at, stem), ()))
        if any(says(entries[entry], texts[at]) for entry, _ in shared.most_common(_COMPARED_MAX)):
            known.add(at)
    return frozenset(known)


def _holders(wanted: dict[int, likeness.Words], stems: Sequence[frozenset[str]]) -> dict[tuple[int, str], list[int]]:
    """Return which entries hold each of the rarest words of a text."""
    counts = Counter(stem for held in stems for stem in held)
    of_stem: defaultdict[str, list[int]] = defaultdict(list)
    rarest = {
        at: sorted((stem for stem in own.stems if counts[stem]), key=lambda stem: (counts[stem], stem))[:_RAREST_WORDS]
        for at, own in wanted.items()
    }
    kept = {stem for chosen in rarest.values() for stem in chosen}
    for entry, held in enumerate(stems):
        for stem in held & kept:
            of_stem[stem].append(entry)
    return {(at, stem): of_stem[stem] for at, chosen in rarest.items() for stem in chosen}


def says(entry: str, text: str) -> bool:
    """Say whether an entry says what a text says: the same value, alike words, or all of its words and more."""
    entry, text = without_here(entry), without_here(text)
    value = value_of(text)
    if value is not None and value == value_of(entry):
        return True
    here, there = likeness.words_of(entry), likeness.words_of(text)
    covers = bool(there.stems) and there.stems <= here.stems
    if not covers and not likeness.is_alike(here, there, likeness.score(here, there)):
        return False
    return words.difference(entry, text) is None
