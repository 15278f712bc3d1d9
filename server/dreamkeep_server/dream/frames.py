"""Statements with the place of one value left open: "staging runs postgres <number>", filled by 15, then by 16.

What differs has to stand behind the verb, and all before it has to be the same: rooms 12 and 14 may both have a
beamer. Whether a thing has one such value at a time is not known here, only that it mostly does.
"""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dreamkeep_server.dream.spellings import Spelled, spelled
from dreamkeep_server.dream.vocabulary import (
    EXCLUSIVE,
    LABELLED_BY_NUMBER,
    MONTHS_AND_DAYS,
    NOT_BEFORE_VALUE,
    SAID_ELSEWHERE,
    SAYING_NOW,
    STATE_VERBS,
    STOP_WORDS,
    UNCLEAR_IN_SUBJECT,
    UNCLEAR_IN_VALUE,
)
from dreamkeep_server.dream.words import is_exact, negations, stem, tokens

CHARACTERS_MAX: Final = 200
_WORDS_MAX: Final = 20
_SUBJECT_WORDS_MAX: Final = 6
_GAP_WORDS_MAX: Final = 3
"""How many words may stand between the verb and the value: "runs on the host web-01"."""
_SENTENCE_INSIDE: Final = re.compile(r"[.!?;:]\s+\S|\n|\?")
_BECAME: Final = re.compile(
    r"^(?P<subject>.+?) (?:(?:has|have|had) (?:been )?|(?:is|are|was|were) (?:being )?)?"
    r"(?:changed|moved|switched|raised|lowered|increased|decreased|reduced|extended|shortened|postponed|rescheduled|"
    r"pushed|delayed|upgraded|downgraded|updated|set|relocated|migrated|bumped)"
    r"(?: from [^ ]+(?: [^ ]+)?)? to (?P<value>.+)$"
)
_NUMBER: Final = re.compile(r"v?\d+(?:[.,]\d+)*[a-z]?")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_DATING: Final = frozenset(("in", "of", "since", "by", "until", "from"))
"""Before a year these say when something was."""
_DIGITS: Final = re.compile(r"\d+")
_WEEKDAYS: Final = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
_CONTRAST: Final = re.compile(
    r"^(?P<subject>[^,]+?) (?P<verb>\w+) [^,]{1,40}?(?:, (?:and |but )?| and | but )(?:never|not) "
    r"(?P<other>[^,]{1,40})$"
)
_BEGUN: Final = re.compile(r"\b(?:have |has )?(?:started|begun|began)(?: to)? ")
_CONTRAST_WORDS_MAX: Final = 3
_PLACED: Final = re.compile(r"^(?P<subject>.+?) (?:lives?|resides?|(?:is|am|are) (?:based|located)) in (?P<place>.+)$")
_MOVED: Final = re.compile(r"^(?P<subject>.+?) (?:has |have )?(?:moved|relocated) to (?P<place>.+)$")
_NAME: Final = re.compile(r"\b(?:in|to) ([A-Z][\w'-]*)")
_PLACE_WORDS_MAX: Final = 3
_DETERMINERS: Final = frozenset(("the", "our", "my", "a", "an"))
_PLACING: Final = frozenset(("on", "at", "in"))
_LEADING: Final = _PLACING | _DETERMINERS | {"host", "hosted", "deployed", "based", "located", "running"}
"""What may stand between a verb and an identifier; "is assigned to ABC-1" may hold beside another."""
_HAVING: Final = frozenset(("has", "have"))
_ALIKE_VERBS: Final[dict[str, str]] = dict.fromkeys(("are", "am", "run", "runs", "use", "uses"), "is")
"""Staging runs, uses and is "on" Postgres 15."""
_COPULAS: Final = frozenset(("is", "are", "am"))
_LOCATING: Final = _COPULAS | {"run", "runs", "live", "lives", "listen", "listens", "point", "points", "sit", "sits"}
"""Verbs that say where something is; what is used may be several."""
_CHOOSING: Final = _COPULAS | {"prefer", "prefers", "use", "uses", "stay", "stays", "default", "defaults"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a text says, with a place in it left open, and what it says there."""

    key: str
    told: str
    """The key in the words of the text."""
    value: str
    announced: bool = False
    """Whether the text says itself that it became so."""


def find_frames(text: str) -> Iterator[Frame]:
    """Yield the frames that `text` as a whole fills; none for a text of several sentences."""
    text = text.strip()
    if len(text) > CHARACTERS_MAX or _SENTENCE_INSIDE.search(text):
        return
    told = tokens(text)
    words = tuple(word for word in told if word not in SAYING_NOW)
    if not 3 <= len(words) <= _WORDS_MAX:
        return
    yield from _whether(text, words)
    if negations(words):
        return
    line = " ".join(words)
    yield from _place(text, line)
    became = _BECAME.match(line)
    if became is not None:
        words = (*became["subject"].split(), "is", *became["value"].split())
    at = next((at for at, word in enumerate(words) if at and word in STATE_VERBS), 0)
    subject = _subject(words[:at])
    if subject:
        announced = became is not None or len(words) < len(told)
        for frame in _filled(subject, words[at], spelled(words[at + 1 :])):
            yield replace(frame, announced=announced)


def _subject(words: Sequence[str]) -> tuple[str, ...]:
    """Return a definite subject without its determiner; nothing for one that may be anything."""
    if not words or words[0] in {"a", "an"} or words[0] in SAID_ELSEWHERE:
        return ()
    bare = tuple(words[1:] if words[0] in _DETERMINERS else words)
    if not bare or len(bare) > _SUBJECT_WORDS_MAX or not UNCLEAR_IN_SUBJECT.isdisjoint(bare):
        return ()
    return bare


def _filled(subject: Sequence[str], verb: str, rest: Sequence[Spelled]) -> Iterator[Frame]:
    """Yield the frames of a sentence: its first figure or identifier left open, and what has a contrary."""
    exact = next((at for at, one in enumerate(rest) if _kind(one) is not None), None)
    if exact is not None and _may_be_value(verb, rest, exact):
        yield _frame(subject, verb, rest, exact, f"<{_kind(rest[exact])}>")
    if verb in _CHOOSING:
        for at, one in enumerate(rest[: _GAP_WORDS_MAX + 1]):
            if one.value.endswith("ing") and one.value not in EXCLUSIVE:
                return  # "is turning on the light" is what happens, and to something else
            for contrary in sorted(EXCLUSIVE.get(one.value, ())):
                yield _frame(subject, verb, rest, at, f"<{'/'.join(sorted((one.value, contrary)))}>")
            if one.value in EXCLUSIVE and one.value not in _PLACING:
                return  # behind "open in the morning" the evening is another fact


def _frame(subject: Sequence[str], verb: str, rest: Sequence[Spelled], at: int, place: str) -> Frame:
    gap = [one.value for one in rest[:at] if one.value not in _DETERMINERS]
    if gap and gap[0] in _PLACING:
        del gap[0]
    tail = [one.value for one in rest[at + 1 :]]
    return Frame(
        key=" ".join(map(stem, (*subject, _ALIKE_VERBS.get(verb, verb), *gap, place, *tail))),
        told=" ".join((*subject, verb, *(one.value for one in rest[:at]), "…", *tail)),
        value=" ".join(rest[at].told),
    )


def _kind(one: Spelled) -> str | None:
    """Return of what form a value is; None for a word that others can replace."""
    if one.kind != "word":
        return one.kind
    if not is_exact(one.value):
        return None
    if one.value in MONTHS_AND_DAYS:
        return "day" if one.value in _WEEKDAYS else None
    if "@" in one.value or "/" in one.value or "\\" in one.value:
        return "path"
    return "number" if _NUMBER.fullmatch(one.value) else _DIGITS.sub("0", one.value)


def _may_be_value(verb: str, rest: Sequence[Spelled], at: int) -> bool:
    """Say whether what stands there is what the verb says of the subject, and all of it."""
    gap, kind = [one.value for one in rest[:at]], _kind(rest[at])
    if len(gap) > _GAP_WORDS_MAX or not NOT_BEFORE_VALUE.isdisjoint(gap):
        return False
    after = rest[at + 1].value if at + 1 < len(rest) else ""
    if after in {"and", "or", "to"}:
        return False  # "on redis-01 and redis-02"
    if verb in _HAVING:
        return kind in {"amount", "duration", "share", "size"} or (
            kind == "number" and not gap and after not in {"", *STOP_WORDS}
        )
    if rest[at].kind != "word" or kind in {"number", "day"}:
        return True
    return verb in _LOCATING and _LEADING.issuperset(gap) and (verb in _COPULAS or not _PLACING.isdisjoint(gap))


def differs_in_value(left: str, right: str) -> bool:
    """Say whether the figures in which two texts differ are values, and not what they speak of: room 12, issue 14.

    A figure that begins a text, or names a thing, or dates an event is none, nor is one behind a figure that both have:
    it says under what circumstances that holds.
    """
    here, there = spelled(tokens(left)), spelled(tokens(right))
    values_here, values_there = ({one.value for one in words} for words in (here, there))
    return _are_values(here, values_there) and _are_values(there, values_here)


def _are_values(words: Sequence[Spelled], others: Container[str]) -> bool:
    begins = 1 if words and words[0].value in _DETERMINERS else 0
    at = next((at for at, one in enumerate(words) if _kind(one) is not None), None)
    return (
        at is not None
        and words[at].value not in others
        and at >= begins + 2
        and words[at - 1].value not in LABELLED_BY_NUMBER
        and words[at].kind not in {"date", "clock"}
        and not (words[at - 1].value in _DATING and _YEAR.fullmatch(words[at].value))
    )


def _place(text: str, line: str) -> Iterator[Frame]:
    """Yield where somebody or something lives or moved to, if that is a name."""
    moved = _MOVED.match(line)
    placed = moved or _PLACED.match(line)
    if placed is None:
        return
    subject, place = _subject(placed["subject"].split()), placed["place"].split()
    if not subject or subject[0] == "we":
        return  # "we moved to GitHub" is about no place
    named = {match[1].casefold() for match in _NAME.finditer(text)}
    if place[0] in named and len(place) <= _PLACE_WORDS_MAX and UNCLEAR_IN_VALUE.isdisjoint(place):
        lives = f"{' '.join(subject)} lives in"
        yield Frame(key=f"{lives} <place>", told=f"{lives} …", value=" ".join(place), announced=moved is not None)


def _whether(text: str, words: Sequence[str]) -> Iterator[Frame]:
    """Yield whether somebody does something: not coffee, of "I drink tea, never coffee"; yes, of "I drink coffee"."""
    contrast = _CONTRAST.match(" ".join(text.rstrip(".!").casefold().split()))
    if contrast is not None:
        subject, other = _subject(contrast["subject"].split()), contrast["other"].split()
        if subject and len(subject) + len(other) <= _CONTRAST_WORDS_MAX:
            yield _done((*subject, contrast["verb"], *other), "no")
    elif "," not in text and not negations(tuple(words)):
        done = _subject(_BEGUN.sub("", " ".join(words)).split())
        if len(done) <= _CONTRAST_WORDS_MAX + 1:
            yield _done(done, "yes")


def _done(words: Sequence[str], value: str) -> Frame:
    told = f"whether {' '.join(words)}"
    return Frame(key=" ".join(map(stem, told.split())), told=told, value=value)
