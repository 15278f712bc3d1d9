"""When two texts that are near in meaning may say one thing: how near is near enough, and who does what to whom.

Nearness alone cannot tell an update from a duplicate, so the guards of `words.difference` come on top, and what
passes both is worth a question, never a merge that nobody sees.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from dreamkeep_server.dream.vocabulary import STOP_WORDS
from dreamkeep_server.dream.words import stem, tokens

NEAR_FROM: Final = 0.75
"""Below, no two texts are compared for being near only."""
_SHORT_WORDS: Final = 8
_SHORT_FROM: Final = 0.86
"""On labelled pairs of sentences anything from .83 to .88 does as well."""
_LONG_FROM: Final = 0.57
"""Of the mean of nearness and shared words, less what speaks against it; .01 more or less is .005 of precision."""
_WORD_MORE: Final = 1 / 25
"""What each word that the longer text has more takes away: it is a detail that one of them does not tell."""
_INSTEAD: Final = 1 / 4
"""What it takes away if each says all of it in other words; so much less, the fewer words stand for others."""
_TURNS: Final = frozenset(["which", "who", "that", "where", "of", "made", "for", "with"])
"""Words that turn "a red hat" into "a hat which is red": where one text only has them, the order says nothing."""
_PASSIVE: Final = re.compile(r"\b(?:is|are|was|were|be|been|being|gets?|got) (?:\w+ly )?\w+ (?:\w+ ){0,2}by\b")


def is_paraphrase(left: str, right: str, cosine: float) -> bool:
    """Say whether two texts may say one thing, as far as nearness, words and their order can tell.

    In a short text nearness tells most, since a paraphrase may change every word. In a long one it hardly sees
    a detail that was added: there the same words have to speak for it as well, and each word more, or instead,
    against it.
    """
    here, there = tokens(left), tokens(right)
    if not here or not there:
        return False
    if _begins_with_another(left, here, there) and _begins_with_another(right, there, here):
        return False
    told_here, told_there = _telling(here), _telling(there)
    is_short = min(len(set(told_here)), len(set(told_there))) < _SHORT_WORDS
    if is_short or set(told_here) == set(told_there):
        return cosine >= _SHORT_FROM and not swaps_roles(left, right)
    shared = 2 * len(set(here) & set(there)) / (len(set(here)) + len(set(there)))
    more = abs(len(here) - len(there)) * _WORD_MORE
    only_here, only_there = set(told_here) - set(told_there), set(told_there) - set(told_here)
    instead = min(len(only_here), len(only_there)) / min(len(set(told_here)), len(set(told_there)))
    return (cosine + shared) / 2 - more - instead * _INSTEAD >= _LONG_FROM


def _begins_with_another(text: str, words: Sequence[str], others: Sequence[str]) -> bool:
    """Say whether a text is about a name that the other one only mentions: Ana thanks Ben, Ben thanks Ana."""
    first = words[0]
    return text.lstrip()[:1].isupper() and first not in STOP_WORDS and first != others[0] and first in others


def _telling(words: Sequence[str]) -> list[str]:
    return [stem(word) for word in words if word not in STOP_WORDS]


def swaps_roles(left: str, right: str) -> bool:
    """Say whether two texts may say of each other's subject what they say of their own: who pays whom.

    That is, whether shared words stand in another order with nothing that accounts for it. A passive accounts for
    it, and where only one text is passive the same order is what is suspicious.
    """
    here, there = tokens(left), tokens(right)
    told_here, told_there = _telling(here), _telling(there)
    counts_here, counts_there = Counter(told_here), Counter(told_there)
    shared = [word for word in told_here if counts_here[word] == counts_there[word] == 1]
    places = {word: at for at, word in enumerate(told_there)}
    order = [places[word] for word in shared]
    is_turned = order != sorted(order)
    if (_PASSIVE.search(" ".join(here)) is None) != (_PASSIVE.search(" ".join(there)) is None):
        return not is_turned and len(shared) > 2
    return is_turned and sum(word in _TURNS for word in here) == sum(word in _TURNS for word in there)
