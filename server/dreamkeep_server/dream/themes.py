"""Under which topics entries without one belong: first by what the memory itself shows, then by plain categories."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import categories, likeness, words
from dreamkeep_server.dream.candidate import Themed
from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.dream.said import Said
from dreamkeep_store.models import Entry, EntryId

THEMES_A_DREAM_MAX: Final = 10
ENTRIES_A_DREAM_MAX: Final = 100
"""What a person can review; the next dream asks about the next."""
ENTRIES_A_THEME_MAX: Final = 25
_COMPARED_MAX: Final = 2_000
"""How many entries without a topic are compared by meaning, the newest."""
_ROWS_A_BLOCK: Final = 64
_NEAREST: Final = 5
_NEAR_FROM: Final = 0.45
_AGREEING_MIN: Final = 4
_TELLING_SHARE: Final = 0.8
"""How much of what holds a word has to be under a topic for the word to tell of that topic."""
_TELLING_WORDS_MIN: Final = 2
_SHOWN_MAX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an entry belongs, and why."""

    topic: str
    why: tuple[str, ...]


def find_themes(
    said: Sequence[Said],
    busy: Collection[EntryId],
    nearness: Nearness | None,
    declined: Collection[tuple[EntryId, str, str]] = (),
) -> list[Themed]:
    """Return topics for entries that have none, the ones that exist first, then those with most entries.

    Left as they are: entries that have a topic, the `busy` ones, those that fade by themselves, and those of which
    somebody `declined` the topic. `nearness` is that of these entries.
    """
    entries = [one.as_one for one in said]
    unplaced = [at for at, entry in enumerate(entries) if _is_unplaced(entry) and entry.entry_id not in busy]
    if not unplaced:
        return []
    known = Counter(entry.topic for entry in entries if entry.topic is not None)
    unplaced.sort(key=lambda at: (-entries[at].asserted_at.timestamp(), entries[at].entry_id))
    places = _shown(entries, unplaced, known, nearness) if known else {}
    rest = [at for at in unplaced if at not in places]
    suggested = categories.find_topics([entries[at].content for at in rest], known)
    for at, one in zip(rest, suggested, strict=True):
        if one is not None:
            places[at] = _Place(topic=one.topic, why=(one.why,))
    wanted = {
        at: place
        for at, place in places.items()
        if (entries[at].entry_id, entries[at].content, place.topic) not in declined
    }
    return _grouped(entries, wanted, known)


def _is_unplaced(entry: Entry) -> bool:
    return entry.topic is None and entry.tier != "ephemeral"


def _grouped(entries: Sequence[Entry], places: Mapping[int, _Place], known: Mapping[str, int]) -> list[Themed]:
    """Return the topics as far as one dream asks about them; of a topic with many entries the oldest."""
    by_topic: defaultdict[str, list[int]] = defaultdict(list)
    for at, place in places.items():
        by_topic[place.topic].append(at)
    themes: list[Themed] = []
    left = ENTRIES_A_DREAM_MAX
    for topic in sorted(by_topic, key=lambda topic: (topic not in known, -len(by_topic[topic]), topic)):
        if len(themes) == THEMES_A_DREAM_MAX or not left:
            break
        by_age = sorted(by_topic[topic], key=lambda at: (entries[at].asserted_at, entries[at].entry_id))
        taken = by_age[: min(left, ENTRIES_A_THEME_MAX)]
        left -= len(taken)
        why = Counter(remark for at in taken for remark in places[at].why)
        in_order = sorted(why, key=lambda remark: (-why[remark], remark))
        told = tuple(in_order[:_SHOWN_MAX])
        if len(taken) > 1:
            told = tuple(f"{remark} ({why[remark]} of {len(taken)})" for remark in told)
        themes.append(Themed(entries=tuple(entries[at] for at in taken), topic=topic, evidence=told))
    return themes


def _shown(
    entries: Sequence[Entry], unplaced: Sequence[int], known: Mapping[str, int], nearness: Nearness | None
) -> dict[int, _Place]:
    """Return where the memory's own topics place an entry, by the words and by the meaning of what is under them."""
    placed = [at for at, entry in enumerate(entries) if entry.topic is not None]
    telling = _telling(entries, placed)
    by_meaning = _by_meaning(entries, unplaced[:_COMPARED_MAX], placed, nearness) if nearness is not None else {}
    places: dict[int, _Place] = {}
    for at in unplaced:
        told = {stem: telling[stem] for stem in _features(entries[at]) if stem in telling}
        meaning = by_meaning.get(at)
        topics = (*told.values(), *((meaning.topic,) if meaning is not None else ()))
        place = _by_words(entries[at].content, told, known) or meaning
        if place is not None and all(_on_one_line(place.topic, topic) for topic in topics):
            places[at] = place
    return places


def _on_one_line(left: str, right: str) -> bool:
    return left == right or left.startswith(right + "/") or right.startswith(left + "/")


def _prefixes(topic: str) -> Iterator[str]:
    """Yield a topic and what is above it, the deepest first."""
    while topic:
        yield topic
        topic = topic.rpartition("/")[0]


def _features(entry: Entry) -> Iterator[str]:
    """Yield the stems of what an entry says, and its tags."""
    yield from likeness.words_of(entry.content).stems
    yield from (f"tag {tag}" for tag in entry.tags)


def _telling(entries: Sequence[Entry], placed: Sequence[int]) -> dict[str, str]:
    """Return for a word or tag the deepest topic that nearly all its holders are under, two of them exactly there."""
    holders: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for at in placed:
        for stem in _features(entries[at]):
            holders[stem][entries[at].topic or ""] += 1
    telling: dict[str, str] = {}
    for stem, topics in holders.items():
        count = topics.total()
        under: Counter[str] = Counter()
        for topic, number in topics.items():
            under.update(dict.fromkeys(_prefixes(topic), number))
        deep = [topic for topic, number in under.items() if topics[topic] > 1 and number >= _TELLING_SHARE * count]
        if deep:
            telling[stem] = max(deep, key=lambda topic: (topic.count("/"), topic))
    return telling


def _by_words(text: str, told: Mapping[str, str], known: Mapping[str, int]) -> _Place | None:
    """Return the deepest topic of which enough words of a text tell; `told` is of which topic each of them does."""
    votes: Counter[str] = Counter()
    for topic in told.values():
        votes.update(prefix for prefix in _prefixes(topic) if prefix in known)
    sound = [topic for topic, number in votes.items() if number >= _TELLING_WORDS_MIN]
    if not sound:
        return None
    topic = max(sound, key=lambda topic: (topic.count("/"), topic))
    spelled = {words.stem(token): token for token in reversed(words.tokens(text))}
    shown = sorted(spelled.get(stem, stem) for stem in told)[:_SHOWN_MAX]
    return _Place(topic=topic, why=tuple(f'"{word}" stands under it' for word in shown))


def _by_meaning(
    entries: Sequence[Entry], unplaced: Sequence[int], placed: Sequence[int], nearness: Nearness
) -> dict[int, _Place]:
    """Return the topic on which those agree that are nearest to an entry in meaning."""
    places: dict[int, _Place] = {}
    for at, nearest in _nearest(unplaced, placed, nearness):
        topics = Counter(entries[other].topic or "" for other in nearest)
        topic, agreeing = min(topics.items(), key=lambda one: (-one[1], one[0]))
        if agreeing >= _AGREEING_MIN and entries[nearest[0]].topic == topic:
            places[at] = _Place(topic=topic, why=("the nearest in meaning are under it",))
    return places


def _nearest(these: Sequence[int], among: Sequence[int], nearness: Nearness) -> Iterator[tuple[int, list[int]]]:
    """Yield for each of these, where its vector is known, the ones that are near to it, the nearest first."""
    import numpy as np

    rows, places = nearness.rows, nearness.places
    here, there = ([at for at in ats if places[at] is not None] for ats in (these, among))
    if not here or not there:
        return
    others = rows[np.array([places[at] for at in there], np.intp)]
    for start in range(0, len(here), _ROWS_A_BLOCK):
        block = here[start : start + _ROWS_A_BLOCK]
        # Rounded, so that the same entries are near whatever stands beside them in the product.
        cosines = (rows[np.array([places[at] for at in block], np.intp)] @ others.T).astype(np.float64).round(4)
        for at, row in zip(block, cosines, strict=True):
            near = np.flatnonzero(row >= _NEAR_FROM)
            best = near[np.lexsort((near, -row[near]))[:_NEAREST]]
            if len(best):
                yield at, [there[column] for column in best.tolist()]
