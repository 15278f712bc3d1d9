"""Which entries say that a figure has changed, and which older ones still give the one that it was."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.figures import Figure, are_of_one, figures_of

CHARACTERS_MAX: Final = 600
"""A longer text says so much else that replacing it for one figure would lose it."""
RENEWED_BY_ONE_MAX: Final = 3
_SHARED_MIN: Final = 3
_SHARED_FROM: Final = 0.15
"""How much of what is said about either figure is said about both, rare words counting for more."""
_EITHER_FROM: Final = 0.4
"""The mean of that and of the cosine; on long chat messages about a quarter of such pairs are wrong."""
_HOLDERS_MAX: Final = 48
_RAREST_WORDS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A text that says that a figure has changed, and one that gives the old one, by their position."""

    newer: int
    older: int
    before: str
    now: str


def find_renewed(
    texts: Sequence[str], nearness: Nearness | None, is_older: Callable[[int, int, bool], bool]
) -> Iterator[Renewed]:
    """Yield for every figure that a text says to be new the likeliest older ones for the same, each two texts once.

    `is_older` is told two positions, and whether the first one says that it is new as well. Linear in the
    texts: a word that stands around many figures is never a reason to look at one.
    """
    figures = [figures_of(text) if len(text) <= CHARACTERS_MAX else () for text in texts]
    new = [(at, figure) for at, own in enumerate(figures) for figure in own if figure.is_new]
    if not new:
        return
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for at, own in enumerate(figures):
        for word in {word for figure in own for word in figure.about}:
            holders[word].append(at)
    having = sum(1 for own in figures if own)
    weights = {word: math.log(1 + having / len(held)) for word, held in holders.items()}
    met: Counter[tuple[int, int]] = Counter()
    for at, figure in new:
        found = sorted(_older_ones(at, figure, figures, holders, weights, nearness, is_older), key=lambda one: one[0])
        for _, renewed in found[:RENEWED_BY_ONE_MAX]:
            met[renewed.newer, renewed.older] += 1
            if met[renewed.newer, renewed.older] == 1:
                yield renewed


def _older_ones(
    at: int,
    now: Figure,
    figures: Sequence[Sequence[Figure]],
    holders: Mapping[str, Sequence[int]],
    weights: Mapping[str, float],
    nearness: Nearness | None,
    is_older: Callable[[int, int, bool], bool],
) -> Iterator[tuple[tuple[float, int], Renewed]]:
    """Yield of each text that may give the old figure the likeliest one, with its place among them."""
    usable = sorted((len(holders[word]), word) for word in now.about if 2 <= len(holders[word]) <= _HOLDERS_MAX)
    for other in sorted({other for _, word in usable[:_RAREST_WORDS] for other in holders[word]} - {at}):
        if any((one.kind, one.value) == (now.kind, now.value) for one in figures[other]):
            continue
        cosine = nearness.cosine(at, other) if nearness is not None else None
        likeliest: tuple[float, str] | None = None
        for was in figures[other]:
            if was.is_former or not are_of_one(was, now) or not is_older(other, at, was.is_new):
                continue
            said = _said_of_both(was, now, weights)
            likely = said if cosine is None else (said + cosine) / 2
            if said >= _SHARED_FROM and likely >= _EITHER_FROM and (likeliest is None or likely > likeliest[0]):
                likeliest = (likely, was.told)
        if likeliest is not None:
            yield (-likeliest[0], other), Renewed(newer=at, older=other, before=likeliest[1], now=now.told)


def _said_of_both(was: Figure, now: Figure, weights: Mapping[str, float]) -> float:
    shared = was.about & now.about
    if len(shared) < _SHARED_MIN:
        return 0.0
    whole = min(math.fsum(weights[word] for word in one.about) for one in (was, now))
    return math.fsum(weights[word] for word in shared) / whole
