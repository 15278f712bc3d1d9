"""Which words of a text are new or gone beside another; pure."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

Mark = tuple[str, bool]
"""A piece of a text, and whether it differs."""

WORDS_MAX = 2_000
"""Comparing takes the square of this; a longer text is shown without marks."""


def mark(text: str, others: Sequence[str]) -> list[Mark]:
    """The text in pieces; a piece differs when none of the other texts has it in that place.

    With nothing to compare with, nothing differs: a text that is wholly new needs no marks.
    """
    words = _pieces(text)
    if not others or len(words) > WORDS_MAX:
        return [(text, False)]
    same = [False] * len(words)
    for other in others:
        theirs = _pieces(other)
        if len(theirs) > WORDS_MAX:
            continue
        matcher = SequenceMatcher(None, _keys(words), _keys(theirs), autojunk=False)
        for block in matcher.get_matching_blocks():
            same[block.a : block.a + block.size] = [True] * block.size
    return _joined(words, same)


def _pieces(text: str) -> list[str]:
    """Words and what stands between them; joined, they are the text."""
    return re.findall(r"\s+|\w+(?:[.:/@_-]\w+)*|[^\w\s]", text)


def _keys(words: list[str]) -> list[str]:
    return [word.casefold() for word in words]


def _joined(words: list[str], same: list[bool]) -> list[Mark]:
    """Neighbours that are alike in one piece; the space inside a run of new words belongs to it."""
    differs = [not one for one in same]
    for place in range(1, len(words) - 1):
        if words[place].isspace():
            differs[place] = differs[place - 1] and differs[place + 1]
    marks: list[Mark] = []
    for word, one in zip(words, differs, strict=True):
        if marks and marks[-1][1] == one:
            marks[-1] = (marks[-1][0] + word, one)
        else:
            marks.append((word, one))
    return marks
