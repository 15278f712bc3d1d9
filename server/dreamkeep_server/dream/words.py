"""Tokens and normal forms of a text: when two texts are the same words, and what a text says exactly.

Nothing here knows entries; every function is pure over one text or two.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from dreamkeep_server.dream.spellings import in_one_spelling
from dreamkeep_server.dream.vocabulary import (
    INDEFINITE,
    MONTHS_AND_DAYS,
    NEGATING,
    NEGATIONS,
    OPPOSITES,
    QUANTIFIERS,
    STOP_WORDS,
    WRITTEN_OUT,
)
from dreamkeep_server.english import stem

_QUOTES = "\"'`\u00ab\u00bb\u201e\u201c\u201d\u2018\u2019\u201a\u2039\u203a"
_SENTENCE_MARKS = ".,;:!?\u2026\u3002\u3001\uff0c\uff01\uff1f\uff1b\uff1a\u00a1\u00bf"
_LONE_ENDS = frozenset(("", ".", "!", "..."))
"""Marks that end a text after a space; in its middle a mark alone may be what it speaks of."""
_BRACKETS = "()[]{}<>"
_INVISIBLE: dict[int, str | None] = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2212": "-"})
TEXTS_CACHED_MAX = 131_072
"""Each stage asks for the words of each entry: fewer than a large store has would be none at all."""
_NAME_LETTERS = 4
_SPELLED_CHARACTERS_MAX = 800
"""In longer texts another spelling of a figure is not all that differs."""
_BULLET = re.compile(r"^[-*\u2022]\s+(?=[^\W\d])")
# NFKC would make 2² into 22 and 1½ into 11/2: these keep their shape.
_SHAPED = ("<super>", "<sub>", "<fraction>")


def _compatible(text: str) -> str:
    """Return `text` in NFKC, except for raised, lowered and fraction digits."""
    if text.isascii():
        return text
    pieces: list[str] = []
    plain: list[str] = []
    for character in text:
        if unicodedata.decomposition(character).startswith(_SHAPED):
            pieces += [unicodedata.normalize("NFKC", "".join(plain)), character]
            plain = []
        else:
            plain.append(character)
    pieces.append(unicodedata.normalize("NFKC", "".join(plain)))
    return "".join(pieces).translate(_INVISIBLE).translate(_APOSTROPHES)


def _folded(piece: str) -> str:
    """Return `piece` without letter case; paths and identifiers keep theirs, where case tells two apart."""
    if "/" in piece or "\\" in piece or "_" in piece:
        return piece
    return piece.casefold()


def _bare(piece: str, *, is_last: bool) -> str:
    """Return `piece` without the quotes and sentence marks around it; a mark alone stays itself."""
    if piece.isalnum():
        return piece
    bare = piece.lstrip(_QUOTES + "¡¿").rstrip(_QUOTES + _SENTENCE_MARKS)
    if not bare:
        return piece
    tail = piece[piece.rindex(bare) + len(bare) :]
    if "!" in tail and bare[-1].isdigit() and not is_last:
        return bare + "!"  # 5! ways are not 5 ways
    return bare + "?" if "?" in tail else bare


def same_words(text: str) -> str:
    """Return the key under which two texts are the same words.

    White space, letter case, quotes and sentence punctuation are gone; the order of words, numbers, signs,
    paths, versions, `c++`, negation and a question mark are kept.
    """
    pieces = _BULLET.sub("", _compatible(text).strip()).split()
    if len(pieces) > 1 and pieces[-1].strip(_QUOTES) in _LONE_ENDS:
        del pieces[-1]
    last = len(pieces) - 1
    bare = (_bare(_folded(piece), is_last=at == last) for at, piece in enumerate(pieces))
    return _compatible(" ".join(bare))


_INITIALS = re.compile(r"^\W*(?:(?:[A-Z]\.){2,}|[A-Z]\.[A-Z]|[ap]\.m\.?)(?:'s)?\W*$")
"""U.S. is US, and 9 a.m. is 9 am; a file a.c is none."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")


@lru_cache(maxsize=65_536)
def _token(piece: str) -> str:
    if "." in piece and _INITIALS.match(piece):
        piece = piece.replace(".", "")
    piece = piece.casefold()
    bare = piece.strip(_QUOTES + _SENTENCE_MARKS + _BRACKETS + "*")
    if piece.startswith(".") and bare and not piece.startswith(".."):
        bare = "." + bare  # .env
    if bare.endswith("'s"):
        bare = bare[:-2]
    if bare and bare[-1].isdigit() and "," in bare:
        bare = _THOUSANDS.sub("", bare)
    return WRITTEN_OUT.get(bare, bare)


_GAPS = re.compile(r"\u2014|(?<=\w)--+(?=\w)|\.{3}")


@lru_cache(maxsize=TEXTS_CACHED_MAX)
def tokens(text: str) -> tuple[str, ...]:
    """Return the words of `text` in order: case, edges and possessives gone, number words as digits, months in full."""
    return _tokens(text)


def _tokens(text: str) -> tuple[str, ...]:
    """Return what `tokens` does, without keeping it."""
    text = _compatible(text)
    if "--" in text or "..." in text or not text.isascii():
        text = _GAPS.sub(" ", text)
    return tuple(token for piece in text.split() if (token := _token(piece)))


def _tokens_of_piece(piece: str) -> tuple[str, ...]:
    """Return what `tokens` does for a text without white space; pieces would push whole texts out of its cache."""
    if piece.isascii() and "--" not in piece and "..." not in piece:
        token = _token(piece)
        return (token,) if token else ()
    return _tokens(piece)


def negations(words: tuple[str, ...]) -> int:
    """Return how many of these tokens deny something."""
    return sum(word in NEGATIONS or word.endswith("n't") for word in words)


def quantifiers(words: tuple[str, ...]) -> frozenset[str]:
    """Return which kinds of quantity these tokens speak of: all, most, few, only, ..."""
    return frozenset(QUANTIFIERS[word] for word in words if word in QUANTIFIERS)


def opposed(left: frozenset[str], right: frozenset[str]) -> tuple[str, str] | None:
    """Return two opposites of which each stands in one only of these sets of tokens."""
    only_left, only_right = left - right, right - left
    for word in sorted(only_left | only_right):
        for negated in (prefix + word for prefix in NEGATING if len(word) > 3):
            if negated in only_left and word in only_right:
                return negated, word
            if word in only_left and negated in only_right:
                return word, negated
    right_stems = {stem(word): word for word in sorted(only_right)}
    for word in sorted(only_left):
        for opposite in sorted(OPPOSITES.get(word, ()) or OPPOSITES.get(stem(word), ())):
            if opposite in only_right:
                return word, opposite
            if stem(opposite) in right_stems:
                return word, right_stems[stem(opposite)]
    return None


def opposites(word: str) -> frozenset[str]:
    """Return the words that say the contrary of `word`, among the ones that are known here."""
    return OPPOSITES.get(word, frozenset())


_ADDRESS = re.compile(r"https?://[^\s<>\"'`)\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,200})\"|\u201c([^\u201d\n]{1,200})\u201d|`([^`\n]{1,200})`|\u00ab([^\u00bb\n]{1,200})\u00bb"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|\n\s*|[-*\u2022]\s+)[\"'\u201c\u2018(\[`]*$")
_WORD = re.compile(r"\S+")
_PATH = re.compile(
    r"^(?:~|\.{1,2}|[A-Za-z]:)?[/\\]\S"  # /srv/app, ./run, C:\app
    r"|^\S+/\S+/\S|^[\w.-]+/[\w.-]*\.\w+$"  # a/b/c, docs/index.md
    r"|^[\w-]*\.[A-Za-z]\w{0,5}$"  # README.md, .env
)
_ALSO_MONTHS = frozenset(["may"])
"""With a capital inside a sentence these are months, else words that say little."""
_NOT_NAMES = frozenset(["i", "i'm", "i've", "i'd", "i'll", "mr", "mrs", "ms"])


def is_exact(token: str) -> bool:
    """Say whether a token of `tokens` stands for something that another word cannot replace.

    Numbers, dates, versions, ids and paths do; names do too, but only their capital tells (`specifics`).
    """
    if token.isalpha():
        return token in MONTHS_AND_DAYS
    return (
        any(character.isdigit() for character in token)
        or "_" in token
        or "/" in token
        or "\\" in token
        or "@" in token
        or (len(token) > 2 and _PATH.match(token) is not None)
    )


@lru_cache(maxsize=16_384)
def specifics(text: str) -> frozenset[tuple[str, ...]]:
    """Return what a merge of this text has to carry, each as its tokens.

    Numbers, dates, versions, paths, ids, e-mail and web addresses, quoted text, and names: words with a
    capital that do not begin a sentence.
    """
    found: set[tuple[str, ...]] = set()
    for match in _ADDRESS.finditer(text):
        found.add(tokens(match.group()))
    for match in _QUOTED.finditer(text):
        found.add(tokens(next(group for group in match.groups() if group is not None)))
    for match in _WORD.finditer(text):
        piece = match.group()
        for token in _tokens_of_piece(piece):
            if is_exact(token):
                found.add((token,))
            elif token not in _NOT_NAMES and _has_capital(piece):
                shouted = len(token) > 1 and piece.isupper() and not text.isupper()
                mixed = any(c.isupper() for c in piece.lstrip(_QUOTES + _BRACKETS)[1:])
                begins = _SENTENCE_START.search(text[max(0, match.start() - 8) : match.start()]) is not None
                tells = token not in STOP_WORDS or token in _ALSO_MONTHS
                if shouted or mixed or (not begins and tells):
                    found.add((token,))
    return carried(text, frozenset(found))  # in `"multi"-type` the quoted word is no word of its own


def _has_capital(piece: str) -> bool:
    return not piece.islower() and any(character.isupper() for character in piece)


def carried(text: str, wanted: frozenset[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Return which of these runs of tokens `text` holds, each one after the other; linear for single tokens."""
    own = tokens(text)
    single, line = frozenset(own), f" {' '.join(own)} "  # no token holds a space
    return frozenset(
        one for one in wanted if one and one[0] in single and (len(one) == 1 or f" {' '.join(one)} " in line)
    )


def missing(content: str, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the specifics of `sources` that `content` does not carry, sorted; a figure may be spelled otherwise."""
    lost = [(source, unheld(specifics(source), content)) for source in sources]
    told = {one for source, gone in lost if gone and not differ_in_spelling(content, source) for one in gone}
    return tuple(sorted(" ".join(specific) for specific in told))


def unheld(wanted: frozenset[tuple[str, ...]], *texts: str) -> frozenset[tuple[str, ...]]:
    """Return which of these specifics none of the texts carries."""
    for text in texts:
        wanted = wanted - specifics(text)  # a text carries its own, and mostly there are no others
        if wanted:
            wanted = wanted - carried(text, wanted)
    return wanted


def differ_in_spelling(left: str, right: str) -> bool:
    """Say whether two texts are the same words but for how they spell their figures: 30 seconds, 30s."""
    if max(len(left), len(right)) > _SPELLED_CHARACTERS_MAX:
        return False
    here, there = tokens(left), tokens(right)
    return here != there and in_one_spelling(here) == in_one_spelling(there)


DifferenceKind = Literal["denial", "question", "quantity", "opposite", "specific", "subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What keeps two alike texts apart."""

    kind: DifferenceKind
    text: str
    """A few words for a person."""


def difference(left: str, right: str) -> Difference | None:
    """Return what keeps two alike texts apart; None when nothing does.

    It is a guard, so it errs towards apart: a denial, a quantity or an opposite on one side only, or a
    number, date, path, id or name on each side that the other does not have.
    """
    left_words, right_words = tokens(left), tokens(right)
    if negations(left_words) != negations(right_words):
        return Difference(kind="denial", text="one of them denies it")
    asks = "?" in left or "?" in right
    if asks and ("?" in same_words(left)) != ("?" in same_words(right)):
        return Difference(kind="question", text="one of them is a question")
    if quantifiers(left_words) != quantifiers(right_words):
        kinds = sorted(quantifiers(left_words) ^ quantifiers(right_words))
        return Difference(kind="quantity", text=f"different quantities ({', '.join(kinds)})")
    contrary = opposed(frozenset(left_words), frozenset(right_words))
    if contrary is not None:
        return Difference(kind="opposite", text=f"{contrary[0]} against {contrary[1]}")
    here, there = missing(right, (left,)), missing(left, (right,))
    if here and there:
        return Difference(kind="specific", text=f"{', '.join(here[:3])} against {', '.join(there[:3])}")
    if _begins_with_name(left, left_words, right_words) and _begins_with_name(right, right_words, left_words):
        return Difference(kind="subject", text=f"{left_words[0]} against {right_words[0]}")
    return None


def complement(left: str, right: str) -> bool:
    """Say whether two texts that only specifics keep apart may both be right: each tells what the other is silent on.

    They are not when a specific of one stands in the other's place ("in Oslo", "in Bergen"), or when both have a
    number, or a date, that the other has not.
    """
    left, right = sorted((left, right))  # what stands in whose place is found in one order only
    differs = difference(left, right)
    if differs is None or differs.kind != "specific":
        return False
    here, there = missing(right, (left,)), missing(left, (right,))
    if _kinds_of_figure(here) & _kinds_of_figure(there):
        return False
    own, others = frozenset(here), frozenset(there)  # a quotation's words stand for themselves
    one, other = tokens(left), tokens(right)
    for kind, start, end, other_start, other_end in SequenceMatcher(None, one, other, False).get_opcodes():
        if kind == "replace":
            put, instead = one[start:end], other[other_start:other_end]
            new = any(word in own and not _is_spelled_like(word, instead) for word in put)
            if new and any(word in others and not _is_spelled_like(word, put) for word in instead):
                return False
    return True


def _kinds_of_figure(specific: Iterable[str]) -> frozenset[str]:
    """Return whether dates and other numbers are among these."""
    kinds: set[str] = set()
    for one in specific:
        if not MONTHS_AND_DAYS.isdisjoint(one.split()):
            kinds.add("date")
        elif any(character.isdigit() for character in one):
            kinds.add("number")
    return frozenset(kinds)


def _is_spelled_like(word: str, others: Iterable[str]) -> bool:
    """Say whether one of these is the same name in another spelling or form: Mexican for Mexico, JCP for JCP.N."""
    bare = _letters(word)
    return any(
        bare[:_NAME_LETTERS] == other[:_NAME_LETTERS] or bare.startswith(other) or other.startswith(bare)
        for other in map(_letters, others)
        if other and bare
    )


def _letters(word: str) -> str:
    return "".join(character for character in word if character.isalnum())


def _begins_with_name(text: str, words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Say whether the first word may be a name that the other text does not have."""
    if not words or not text[0].isupper():
        return False
    return words[0] not in STOP_WORDS and words[0] not in INDEFINITE and words[0] not in others
