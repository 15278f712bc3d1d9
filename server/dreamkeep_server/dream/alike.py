"""Which entries are alike, and which of those something keeps apart: near duplicates and contradictions."""

import itertools
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from dreamkeep_server.dream import denials, frames, likeness, paraphrase, words
from dreamkeep_server.dream.candidate import Candidate, NearDuplicates, Opposed
from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.dream.said import Said, Steps
from dreamkeep_server.dream.spellings import in_one_spelling
from dreamkeep_store.models import EntryId

_OPPOSED_FROM: Final = 0.7
_QUANTITY_FROM: Final = 0.85
_BOTH_CHARACTERS_MAX: Final = 800
"""Two longer texts are not kept as one that holds both."""
_SPELLED_WORDS_MAX: Final = 60
"""Longer texts are not compared for how they spell their figures."""


class _Likeness:
    """How alike the entries of a list are, by words and, where it is known, by meaning."""

    def __init__(
        self, said: Sequence[Said], nearness: Nearness | None, fresh: Container[int] | None, steps: Steps
    ) -> None:
        self.said = said
        self._nearness = nearness
        self._fresh = fresh
        self._words = [likeness.words_of(one.as_one.content) for one in steps.over(said)]
        self._steps = steps
        self._spelled_otherwise = _spelled_otherwise(said)
        self._spelling = {at: number for number, same in enumerate(self._spelled_otherwise) for at in same}

    def pairs(self) -> list[tuple[int, int]]:
        """The pairs that are worth a look, those with most words in common first."""
        scores = {(pair.left, pair.right): pair.score for pair in likeness.find_pairs(self._words, self._fresh)}
        self._steps.step(len(self.said))
        if self._nearness is not None:
            for left, right in self._nearness.find_pairs(paraphrase.NEAR_FROM, self._steps.step, self._fresh):
                if (left, right) not in scores:
                    scores[left, right] = self.score(left, right)
        for pair in itertools.chain.from_iterable(map(itertools.pairwise, self._spelled_otherwise)):
            if self._fresh is None or pair[0] in self._fresh or pair[1] in self._fresh:
                scores[pair] = self.score(*pair)
        return sorted(scores, key=lambda pair: (-scores[pair], pair))

    def score(self, left: int, right: int) -> float:
        """How many of their words are the same."""
        return likeness.score(self._words[left], self._words[right])

    def cosine(self, left: int, right: int) -> float | None:
        """How near they are in meaning; None where that is not known."""
        return self._nearness.cosine(left, right) if self._nearness is not None else None

    def difference(self, left: int, right: int) -> words.Difference | None:
        """What keeps them apart."""
        return words.difference(self.said[left].as_one.content, self.said[right].as_one.content)

    def differs_in_figure(self, left: int, right: int) -> bool:
        """Whether they are one but for one figure."""
        return likeness.differs_in_figure(self._words[left], self._words[right])

    def differs_in_value(self, left: int, right: int) -> bool:
        """Whether that figure is what they say of something, not what they speak of."""
        return frames.differs_in_value(self.said[left].as_one.content, self.said[right].as_one.content)

    def may_say_the_same(self, left: int, right: int) -> bool:
        """Whether they are alike enough, whatever keeps them apart."""
        if self._spelling.get(left, -1) == self._spelling.get(right, -2):
            return True
        cosine = self.cosine(left, right)
        if cosine is None:
            return likeness.is_alike(self._words[left], self._words[right], self.score(left, right))
        return paraphrase.is_paraphrase(self.said[left].as_one.content, self.said[right].as_one.content, cosine)

    def complement_each_other(self, left: int, right: int) -> bool:
        """Whether each tells what the other is silent on, and nothing in them contradicts; in texts not too long."""
        here, there = self.said[left].as_one.content, self.said[right].as_one.content
        return len(here) + len(there) <= _BOTH_CHARACTERS_MAX and words.complement(here, there)

    def least_alike(self, pair: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        """A key by which the pairs that are most alike come first."""
        return (-(self.cosine(*pair) or self.score(*pair)), pair)

    def are_alike(self, left: int, right: int) -> bool:
        """Whether they are alike enough, and nothing keeps them apart."""
        return self.may_say_the_same(left, right) and self.difference(left, right) is None

    def evidence(self, star: Sequence[int]) -> tuple[str, ...]:
        """How alike the rays of a star are to its centre, for a person."""
        pairs = [(star[0], ray) for ray in star[1:]]
        told = f"{min(self.score(*pair) for pair in pairs):.0%} or more of the words are the same"
        cosines = [cosine for pair in pairs if (cosine := self.cosine(*pair)) is not None]
        return (told, f"near in meaning ({min(cosines):.2f} or more)") if cosines else (told,)


def find_alike(
    said: Sequence[Said],
    apart: set[frozenset[EntryId]],
    nearness: Nearness | None,
    fresh: frozenset[EntryId] | None,
    steps: Steps,
) -> Iterator[Candidate]:
    """Yield the stars of near duplicates, the pairs that something keeps apart, and what is denied outright.

    With `fresh`, only where one of these is among them.
    """
    known = _Likeness(said, nearness, None if fresh is None else _places(said, fresh), steps)
    alike: list[tuple[int, int]] = []
    apart_by_silence: list[tuple[int, int]] = []
    opposed: dict[tuple[int, int], Opposed] = {}
    for pair in known.pairs():
        here, there = said[pair[0]].as_one, said[pair[1]].as_one
        if frozenset((here.entry_id, there.entry_id)) in apart:
            continue
        score, may_be_same = known.score(*pair), known.may_say_the_same(*pair)
        differs_in_figure = known.differs_in_figure(*pair)
        if not (may_be_same or differs_in_figure or score >= _OPPOSED_FROM):
            continue
        differs = known.difference(*pair)
        if differs is None:
            if may_be_same:
                alike.append(pair)
        elif may_be_same and known.complement_each_other(*pair):
            apart_by_silence.append(pair)
        elif _is_opposed(differs, score, differs_in_figure=differs_in_figure and known.differs_in_value(*pair)):
            evidence = (differs.text, f"{score:.0%} of the words are the same")
            opposed[pair] = Opposed(entries=(here, there), evidence=evidence)
    for star in [*(stars := _stars(alike, known)), *_pairs_beside(stars, apart_by_silence, known)]:
        yield NearDuplicates(entries=tuple(said[at].as_one for at in star), evidence=known.evidence(star))
    yield from opposed.values()
    yield from _denied(said, nearness, apart, opposed)
    steps.step(len(said))


def _places(said: Sequence[Said], fresh: frozenset[EntryId]) -> frozenset[int]:
    return frozenset(at for at, one in enumerate(said) if any(entry.entry_id in fresh for entry in one.entries))


def _spelled_otherwise(said: Sequence[Said]) -> list[list[int]]:
    """Return the places of the texts that are the same words but for how they spell their figures."""
    spelled: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, one in enumerate(said):
        found = words.tokens(one.as_one.content)
        if len(found) <= _SPELLED_WORDS_MAX and any(map(words.is_exact, found)):
            spelled[in_one_spelling(found)].append(at)
    return [same for same in spelled.values() if len(same) > 1]


def _stars(alike: Iterable[tuple[int, int]], known: _Likeness) -> list[tuple[int, ...]]:
    return likeness.make_stars(sorted(alike, key=known.least_alike), known.are_alike)


def _pairs_beside(
    stars: Iterable[tuple[int, ...]], pairs: Iterable[tuple[int, int]], known: _Likeness
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of which no text is in a star, or in a pair that is more alike."""
    taken = {at for star in stars for at in star}
    for pair in sorted(pairs, key=known.least_alike):
        if taken.isdisjoint(pair):
            taken.update(pair)
            yield pair


def _denied(
    said: Sequence[Said],
    nearness: Nearness | None,
    apart: set[frozenset[EntryId]],
    opposed: Container[tuple[int, int]],
) -> Iterator[Opposed]:
    """Yield the entries that speak of what another one says never was, each two once."""
    met: set[tuple[int, int]] = set()
    for denied in denials.find_denied([one.as_one.content for one in said], nearness):
        pair = (denied.denial, denied.other) if denied.denial < denied.other else (denied.other, denied.denial)
        entries = (said[pair[0]].as_one, said[pair[1]].as_one)
        if pair in opposed or pair in met or frozenset(entry.entry_id for entry in entries) in apart:
            continue
        met.add(pair)
        yield Opposed(entries=entries, evidence=(f'one says that this never was: "{denied.what}"',))


def _is_opposed(differs: words.Difference, score: float, *, differs_in_figure: bool) -> bool:
    """Say whether the difference makes a contradiction likely, rather than another fact of the same form."""
    match differs.kind:
        case "denial" | "opposite":
            return score >= _OPPOSED_FROM
        case "quantity":
            return score >= _QUANTITY_FROM
        case "specific":
            return differs_in_figure
        case "question" | "subject":
            return False
