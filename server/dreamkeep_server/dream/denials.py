"""Which entries say that something never happened, and which others speak of it as if it had."""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream.nearness import Nearness
from dreamkeep_server.dream.vocabulary import STOP_WORDS, VERB_FORMS
from dreamkeep_server.dream.words import stem, tokens

CONTRADICTED_BY_MAX: Final = 2
"""What a person wants to see of one denial; the likeliest come first."""
DENIALS_A_TEXT_MAX: Final = 4
_SAID_FROM: Final = 0.3
"""How much of what is denied the other text has to speak of, its rare words counting for more."""
_DONE_WEIGHT: Final = 0.25
"""What it counts that the other text has the verb of what is denied: met, for "I've never met"."""
_EITHER_FROM: Final = 0.53
"""The mean of what is spoken of and of the cosine, and that; .02 less or more finds the same."""
_HOLDERS_MAX: Final = 48
_RAREST_WORDS: Final = 6
_NEVER: Final = re.compile(
    r"\b(?:i|we|he|she|they|user|(?-i:[A-Z])\w+)(?:['\u2019]ve|['\u2019]s|['\u2019]d| have| has| had)? never "
    r"(?:ever |actually |really |once )?(?P<what>[^.;:?!\n]{3,200})",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(
    r",\s+(?:so|but|and|which|can|could|what|how|though|although|because|since|even|do|is|are|should|i|it|would)\b"
    r"|\s(?:so|but|because|since|which is|and i|and it|considering|given)\s",
    re.IGNORECASE,
)
_SAYS_LITTLE: Final = frozenset(["before", "ever", "anyone", "anything", "never", "like", "one", "project"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A text that says that something never was, and one that speaks of it, by their position."""

    denial: int
    other: int
    what: str
    """What never was, in the words of the text."""


def find_denials(text: str) -> tuple[str, ...]:
    """Return what a text says never happened: "met Ana", of "I've never met Ana, so who is she?"."""
    if "never" not in text and "Never" not in text:
        return ()
    found: list[str] = []
    for match in itertools.islice(_NEVER.finditer(text), DENIALS_A_TEXT_MAX):
        what = match["what"]
        end = _ENDS.search(what)
        found.append((what[: end.start()] if end else what).strip(" ,"))
    return tuple(found)


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in tokens(text) if word not in STOP_WORDS and word not in _SAYS_LITTLE)


def find_denied(texts: Sequence[str], nearness: Nearness | None) -> Iterator[Denied]:
    """Yield for every denial the texts that speak most of what it denies, and do not deny it themselves.

    Linear in the texts: a word that stands in many of them is never a reason to look at one.
    """
    denials = {at: found for at, text in enumerate(texts) if (found := find_denials(text))}
    if not denials:
        return
    denied = {at: [(what, _stems(what)) for what in found] for at, found in denials.items()}
    wanted = frozenset(word for found in denied.values() for _, stems in found for word in stems)
    spoken = [wanted & _stems(text) for text in texts]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for at, stems in enumerate(spoken):
        for word in stems:
            holders[word].append(at)
    for at, found in denied.items():
        for what, stems in found:
            weights = {word: math.log(1 + len(texts) / len(holders[word])) for word in stems}
            near = {other for word in _rarest(weights, holders) for other in holders[word]} - {at}
            near = {other for other in near if all(weights.keys().isdisjoint(own) for _, own in denied.get(other, ()))}
            verb = _verb(tokens(what)[0])
            doing = {other for other in near if any(_verb(word) == verb for word in tokens(texts[other]))}
            for other in _likeliest(at, near, weights, spoken, doing, nearness):
                yield Denied(denial=at, other=other, what=what)


def _verb(word: str) -> str:
    return stem(VERB_FORMS.get(word, word))


def _rarest(weights: Mapping[str, float], holders: Mapping[str, Sequence[int]]) -> list[str]:
    if len(weights) < 2:
        return []  # "I've never used it" denies nothing by which another text could be found
    usable = [word for word in weights if len(holders[word]) <= _HOLDERS_MAX]
    return sorted(usable, key=lambda word: (len(holders[word]), word))[:_RAREST_WORDS]


def _likeliest(
    at: int,
    others: Iterable[int],
    weights: Mapping[str, float],
    spoken: Sequence[frozenset[str]],
    doing: Container[int],
    nearness: Nearness | None,
) -> list[int]:
    whole = math.fsum(weights.values())
    found: list[tuple[float, int]] = []
    for other in others:
        said = math.fsum(weight for word, weight in weights.items() if word in spoken[other]) / whole
        cosine = nearness.cosine(at, other) if nearness is not None else None
        likely = (said if cosine is None else (said + cosine) / 2) + (_DONE_WEIGHT if other in doing else 0.0)
        if said >= _SAID_FROM and likely >= _EITHER_FROM:
            found.append((likely, other))
    return [other for _, other in sorted(found, key=lambda one: (-one[0], one[1]))[:CONTRADICTED_BY_MAX]]
