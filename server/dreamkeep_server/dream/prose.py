"""The sentences of a message that its author wrote themselves; what they mean is not decided here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dreamkeep_server.dream.vocabulary import JOINTS, JOINTS_OR_PARTICLES

PASTED_CHARACTERS_MIN = 3_000
"""A longer message is mostly pasted: only what stands this far from neither end of it is read."""
OWN_CHARACTERS = 800
"""How much of each end of a long message is read."""

_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_BULLET = re.compile(r"\s{0,8}(?:[-*\u2022\u2013]|\d{1,2}[.)])\s+")
_NOT_PROSE = re.compile(
    r"""
      [ ]{4,}\S | \t                                      # code by indentation
    | \s*(?:>|\||\+{2,}|-{3,}|={3,}|\#!|<[a-zA-Z/!]|@@|//|/\*|\*/|\{|\}|\[[^\]]{0,40}\][:\s]|\#{1,6}\s)
    | \s*(?:\$|%|\u276f|\u279c|>>>|\.\.\.|PS[ ]|C:\\|~/|[\w.-]{1,40}@[\w.-]{1,40}[:~ ])\s?\S  # a prompt
    | \s*(?:Traceback|File[ ]"|Exception|Error:|at[ ]\S{1,200}\(|warning:
      |error\[|fatal:|npm[ ]|INFO|DEBUG|WARN|ERROR|FATAL)
    | \s*\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d                  # a log line
    | \s*\d{1,2}:\d\d(?::\d\d)?\s
    | \s*[\w./\\-]{1,200}:\d+(?::\d+)?:                   # file:line:
    | \s*(?:import|from|def|class|const|let|var|function|return|SELECT|INSERT
      |UPDATE|DELETE|CREATE|public|private)[ ]\S{1,80}.{0,80}[;({:=]\s*$
    | \s*(?:From|To|Subject|Cc|Date|Sent|On[ ].{1,80}wrote):
    """,
    re.VERBOSE,
)
_WITHOUT_CODE_SIGNS = str.maketrans("", "", "{}[]()<>=;|\\$#@^~*+/_")
_CODE_SHARE_MAX = 0.12
_SENTENCE_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s|$)")
_WRAPPED_CHARACTERS = range(60, 121)
"""How long a line is that an editor broke; a longer one was not broken, after a shorter one the author began anew."""
_ENDED = re.compile(r"[.!?\u2026:][\"'\u201d\u2019)\]]*$")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|mr|mrs|ms|dr|prof|st|no|inc|ltd|jr|sr)|\b[A-Za-z])\.$", re.IGNORECASE
)
_ABBREVIATION_CHARACTERS_MAX = 8
"""Looked for at the end only: a line of nothing but initials would else be read again at each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence where it stands in its message."""

    text: str
    asks: bool
    """Whether it ends as a question."""


def find_sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a message's own prose, each letter for letter, without blank space around it.

    One that goes on in the next line has the line break in it. Left out: code, quoted lines, logs, prompts,
    tables, headings, markup, the middle of a wall of text.
    """
    for start, end in _passages(text):
        yield from _split(text[start:end])


def _passages(text: str) -> Iterator[tuple[int, int]]:
    """Where each line of prose begins and ends, together with those lines that only go on with it."""
    position = 0
    fenced = False
    begun: tuple[int, int] | None = None
    last, capitalised = "", False
    for line in text.split("\n"):
        start, position = position, position + len(line) + 1
        is_fence = _FENCE.match(line) is not None
        fenced ^= is_fence
        if is_fence or fenced or not line.strip() or _is_pasted(start, len(text)) or not _is_prose(line):
            if begun is not None:
                yield begun
            begun = None
            continue
        if begun is not None and _goes_on(last, line, capitalised=capitalised):
            begun = (begun[0], start + len(line))
        else:
            if begun is not None:
                yield begun
            begun = (start, start + len(line))
            capitalised = _without_bullet(line).lstrip()[:1].isupper()
        last = line
    if begun is not None:
        yield begun


def _goes_on(line: str, following: str, *, capitalised: bool) -> bool:
    """Whether a line break stands within a sentence, given whether that began with a capital letter.

    Many authors end no line with a full stop, and some write no capitals.
    """
    line, following = line.strip(), following.strip()
    if _BULLET.match(following + " ") or _ENDED.search(line):
        return False
    if line.endswith(",") or _is_joint(line.split()[-1]):
        return True
    if len(line) in _WRAPPED_CHARACTERS:
        return True
    return following[0].islower() and (capitalised or _is_joint(following.split()[0]))


def _is_joint(word: str) -> bool:
    return word.casefold() in JOINTS or word.casefold() in JOINTS_OR_PARTICLES


def _without_bullet(line: str) -> str:
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _is_pasted(start: int, length: int) -> bool:
    return length >= PASTED_CHARACTERS_MIN and OWN_CHARACTERS <= start <= length - OWN_CHARACTERS


def _is_prose(line: str) -> bool:
    words = _without_bullet(line)
    if _NOT_PROSE.match(words):
        return False
    # Inline code and links may stand in a sentence; a line made of signs is code.
    plain = re.sub(r"`[^`]*`|https?://\S+", "", words)
    signs = len(plain) - len(plain.translate(_WITHOUT_CODE_SIGNS))
    return signs <= _CODE_SHARE_MAX * len(plain)


def _split(line: str) -> Iterator[Sentence]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    for end in _SENTENCE_END.finditer(line, start):
        if _ABBREVIATION.search(line, max(start, end.end() - _ABBREVIATION_CHARACTERS_MAX), end.end()):
            continue
        yield from _sentence(line[start : end.end()])
        start = end.end()
    yield from _sentence(line[start:])


def _sentence(text: str) -> Iterator[Sentence]:
    text = text.strip()
    if text:
        yield Sentence(text=text, asks="?" in text[-4:])
