"""Figures in one spelling: 30 seconds is 30s and half a minute, 4 July is July 4th, 9 am is 9:00.

Pure functions over the words of a text, as `words.tokens` gives them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["amount", "clock", "date", "duration", "share", "size", "word"]

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SECONDS: Final = {
    unit: Decimal(seconds)
    for seconds, units in {
        "0.001": "ms millisecond milliseconds",
        "1": "s sec secs second seconds",
        "60": "min mins minute minutes",
        "3600": "h hr hrs hour hours",
        "86400": "day days",
        "604800": "week weeks",
    }.items()
    for unit in units.split()
}
_SIZES: Final = {
    unit: size
    for size, units in {
        "KB": "kb kilobyte kilobytes",
        "MB": "mb megabyte megabytes",
        "GB": "gb gigabyte gigabytes",
        "TB": "tb terabyte terabytes",
    }.items()
    for unit in units.split()
}
_CURRENCIES: Final = {
    word: sign
    for sign, words in {"$": "dollar dollars usd", "€": "euro euros eur", "£": "pound pounds gbp"}.items()
    for word in words.split()
}
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
_GLUED: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([a-z]{1,3}|%)")
_DAY: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_ISO: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_CLOCK: Final = re.compile(r"(\d{1,2})(?::(\d\d))?")
_CLOCK_GLUED: Final = re.compile(r"(\d{1,2}(?::\d\d)?)([ap]m)")
_DECADES: Final = frozenset(("the", "their", "his", "her", "my", "our", "your", "early", "mid", "late"))
"""Before "30s" these say that it is an age or a decade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """A word, or a figure of one or several, in one spelling."""

    kind: Kind
    value: str
    told: tuple[str, ...]
    """The words as they are in the text."""


def in_one_spelling(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return these words, every figure in one spelling."""
    if not any(character.isdigit() for word in words for character in word):
        return words
    return tuple(one.value for one in spelled(words))


@lru_cache(maxsize=4_096)
def spelled(words: tuple[str, ...]) -> tuple[Spelled, ...]:
    """Return these words in order, those of one figure together."""
    found: list[Spelled] = []
    at = 0
    while at < len(words):
        kind, value, length = _figure(words, at)
        found.append(Spelled(kind=kind, value=value, told=words[at : at + length]))
        at += length
    return tuple(found)


def _figure(words: Sequence[str], at: int) -> tuple[Kind, str, int]:
    """Return the kind and value of the figure that begins there, or of the word, and of how many words it is."""
    if not (words[at][:1].isdigit() or words[at] in _MONTHS or words[at][:1] in {"$", "€", "£"}):
        return "word", words[at], 1
    before = words[at - 1] if at else ""
    return (
        _date(words[at : at + 4])
        or _clock(words[at : at + 2], before)
        or _measure(words[at : at + 2], before)
        or ("word", words[at], 1)
    )


def _date(words: Sequence[str]) -> tuple[Kind, str, int] | None:
    iso = _ISO.fullmatch(words[0])
    if iso is not None and 1 <= int(iso[2]) <= len(_MONTHS):
        return "date", f"{_MONTHS[int(iso[2]) - 1]} {int(iso[3])} {iso[1]}", 1
    for month_at, day_at in ((0, 1), (1, 0), (2, 0)):
        if len(words) <= max(month_at, day_at) or words[month_at] not in _MONTHS:
            continue
        if month_at == 2 and words[1] != "of":
            continue
        day = _DAY.fullmatch(words[day_at])
        if day is not None and 1 <= int(day[1]) <= 31:
            length = max(month_at, day_at) + 1
            value = f"{words[month_at]} {int(day[1])}"
            if len(words) > length and _YEAR.fullmatch(words[length]):
                return "date", f"{value} {words[length]}", length + 1
            return "date", value, length
    return None


def _clock(words: Sequence[str], before: str) -> tuple[Kind, str, int] | None:
    glued = _CLOCK_GLUED.fullmatch(words[0])
    told, half, length = (glued[1], glued[2], 1) if glued else (words[0], "", 1)
    if not half and len(words) > 1 and words[1] in {"am", "pm"}:
        half, length = words[1], 2
    clock = _CLOCK.fullmatch(told)
    if clock is None or not (half or clock[2]):
        return None
    hour, minute = int(clock[1]), int(clock[2] or 0)
    if minute > 59 or hour > (12 if half else 24) or (not half and before in {"ratio", "score"}):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return "clock", f"{hour:02}:{minute:02}", length


def _measure(words: Sequence[str], before: str) -> tuple[Kind, str, int] | None:
    if words[0][0] in _CURRENCIES.values():
        amount = _NUMBER.fullmatch(words[0][1:])
        return ("amount", words[0][0] + _plain(amount[0]), 1) if amount else None
    glued = _GLUED.fullmatch(words[0])
    if glued is not None:
        number, unit, length = glued[1], glued[2], 1
        if unit == "s" and number.endswith("0") and before in _DECADES:
            return None
    elif len(words) > 1 and _NUMBER.fullmatch(words[0]):
        number, unit, length = words[0], words[1], 2
    else:
        return None
    if unit in _SECONDS:
        return "duration", f"{_plain(str(Decimal(number) * _SECONDS[unit]))} seconds", length
    if unit in _SIZES:
        return "size", f"{_plain(number)} {_SIZES[unit]}", length
    if unit in _CURRENCIES:
        return "amount", _CURRENCIES[unit] + _plain(number), length
    if unit in {"%", "percent"}:
        return "share", f"{_plain(number)}%", length
    return None


def _plain(number: str) -> str:
    """Return a number without zeros that say nothing: 1.50 is 1.5, and 30.0 is 30."""
    return f"{Decimal(number).normalize():f}"
