"""Which texts are alike in their words: pairs found through their rarest words, and stars made of pairs.

Linear in the number of texts: a word that stands in many of them is never a reason to compare two.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from dreamkeep_server.dream.vocabulary import STOP_WORDS
from dreamkeep_server.dream.words import is_exact, stem, tokens

STAR_ENTRIES_MAX: Final = 8
_TEXTS_A_WORD_MAX: Final = 48
_RAREST_WORDS: Final = 6
_COMPARED_A_LIST_MAX: Final = 8
_TOKENS_MAX: Final = 400
_PAIR_WEIGHT: Final = 0.3
_ALIKE_FROM: Final = 0.6
_STEMS_ALIKE_FROM: Final = _ALIKE_FROM * (1 + _PAIR_WEIGHT) - _PAIR_WEIGHT - 1e-9
_SHORT_WORDS: Final = 8
Feature = TypeVar("Feature", str, tuple[str, str])
_DENIALS: Final = frozenset(["no", "not", "never", "n't", "cannot", "without", "longer"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text as likeness sees it."""

    stems: frozenset[str]
    neighbours: frozenset[tuple[str, str]]
    """Stems that stand beside each other, in either order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two texts, by their position, and how alike they are, from 0 to 1."""

    left: int
    right: int
    score: float


def words_of(text: str) -> Words:
    """Return the stems of the words that carry meaning, and which of them are neighbours."""
    stems = [
        stem(token)
        for token in tokens(text)[:_TOKENS_MAX]
        if token not in STOP_WORDS and token not in _DENIALS and not token.endswith("n't")
    ]
    pairs = itertools.pairwise(stems)
    return Words(stems=frozenset(stems), neighbours=frozenset((a, b) if a <= b else (b, a) for a, b in pairs if a != b))


def score(left: Words, right: Words) -> float:
    """Return how alike two texts are: shared stems of all stems, and a little for the same neighbours."""
    shared = len(left.stems & right.stems)
    if shared == 0:
        return 0.0
    stems = shared / (len(left.stems) + len(right.stems) - shared)
    neighbours = len(left.neighbours) + len(right.neighbours)
    beside = 2 * len(left.neighbours & right.neighbours) / neighbours if neighbours else stems
    return (stems + _PAIR_WEIGHT * beside) / (1 + _PAIR_WEIGHT)


def is_alike(left: Words, right: Words, likeness: float) -> bool:
    """Say whether two texts may say one thing, as far as shared words can tell.

    In a short text another word is another fact ("tea" for "coffee"); in a long one it is a turn of phrase.
    Tuned on pairs labelled by people; the guards of `words.difference` come on top.
    """
    only_left, only_right = left.stems - right.stems, right.stems - left.stems
    if only_left and only_right:
        short = min(len(left.stems), len(right.stems)) < _SHORT_WORDS
        return likeness >= (0.8 if short else 0.65)
    if only_left or only_right:
        return likeness >= 0.75
    return likeness >= 0.85


def differs_in_figure(left: Words, right: Words) -> bool:
    """Say whether two texts are one but for one figure: 5433 here, 5434 there."""
    only_left, only_right = left.stems - right.stems, right.stems - left.stems
    return (
        len(only_left) == len(only_right) == 1
        and len(left.stems & right.stems) >= 2
        and all(is_exact(word) and word[:1].isdigit() for word in only_left | only_right)
    )


def find_pairs(texts: Sequence[Words], fresh: Container[int] | None = None) -> list[Pair]:
    """Return the pairs that score at least 0.6, the most alike first; the order of texts does not matter.

    With `fresh`, those of them that have one of these positions: the others are known from an earlier time.
    """
    # Most of what is near is unlike: kept out at once, it takes no memory.
    near: set[tuple[int, int]] = set()
    stems = [text.stems for text in texts]
    near.update(pair for pair in _near(stems, fresh) if _may_be_alike(stems[pair[0]], stems[pair[1]]))
    by_neighbours = _near([text.neighbours for text in texts], fresh)
    near.update(pair for pair in by_neighbours if _may_be_alike(stems[pair[0]], stems[pair[1]]))
    pairs = [Pair(left=a, right=b, score=score(texts[a], texts[b])) for a, b in near]
    pairs = [pair for pair in pairs if pair.score >= _ALIKE_FROM]
    return sorted(pairs, key=lambda pair: (-pair.score, pair.left, pair.right))


def _may_be_alike(left: frozenset[str], right: frozenset[str]) -> bool:
    """Say whether the score would be high enough if all neighbours were the same, which is cheaper to know."""
    shared = len(left & right)
    return shared >= _STEMS_ALIKE_FROM * (len(left) + len(right) - shared)


def _near(features: Sequence[frozenset[Feature]], fresh: Container[int] | None) -> Iterable[tuple[int, int]]:
    """Yield for every text the few that share most of its rarest features; with `fresh`, pairs with one of these."""
    texts = Counter(feature for own in features for feature in own)
    holders: defaultdict[Feature, list[int]] = defaultdict(list)
    for at, own in enumerate(features):
        for feature in own:
            if 2 <= texts[feature] <= _TEXTS_A_WORD_MAX:
                holders[feature].append(at)
    # A fresh text may be among the few of one that is not.
    looking = range(len(features)) if fresh is None else sorted(_meeting(holders.values(), fresh))
    for at in looking:
        usable = sorted((texts[feature], feature) for feature in features[at] if feature in holders)
        shared: Counter[int] = Counter()
        for _, feature in usable[:_RAREST_WORDS]:
            shared.update(holders[feature])
        del shared[at]
        for other, _ in shared.most_common(_COMPARED_A_LIST_MAX):  # of equals, the first by position
            if fresh is None or at in fresh or other in fresh:
                yield (at, other) if at < other else (other, at)


def _meeting(holders: Iterable[Sequence[int]], fresh: Container[int]) -> set[int]:
    """Return the texts that share a feature with a fresh one, themselves included."""
    return {at for held in holders if any(one in fresh for one in held) for at in held}


def make_stars(pairs: Iterable[tuple[int, int]], alike: Callable[[int, int], bool]) -> list[tuple[int, ...]]:
    """Return stars of at most 8, centre first, from pairs in order of preference; each text is in one.

    Two stars become one where `alike` says so of every ray with every ray: chains of alike texts end with
    unlike ones.
    """
    stars: dict[int, tuple[int, ...]] = {}
    for left, right in pairs:
        here, there = stars.get(left, (left,)), stars.get(right, (right,))
        if here is there or len(here) + len(there) > STAR_ENTRIES_MAX:
            continue
        if all(alike(one, other) for one in here for other in there if (one, other) != (left, right)):
            stars.update(dict.fromkeys((*here, *there), (*here, *there)))
    return list(dict.fromkeys(stars.values()))
