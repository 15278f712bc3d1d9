"""The days that words such as "tomorrow" may mean, by the day on which they were said."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from dreamkeep_server.dream.words import tokens

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OFFSETS: Final = (
    (re.compile(r"\bday after tomorrow\b"), 2),
    (re.compile(r"\bday before yesterday\b"), -2),
    (re.compile(r"\btomorrow\b"), 1),
    (re.compile(r"\b(?:yesterday|last night)\b"), -1),
)
_COUNTED: Final = re.compile(
    r"\b(?:in (?:about )?(\d{1,3}) (day|week)s?|(\d{1,3}) (day|week)s? (?:ago|from now|later))\b"
)
_WEEKS: Final = ((re.compile(r"\bnext week(?:end)?\b"), 1), (re.compile(r"\blast week(?:end)?\b"), -1))
_MONTHS: Final = ((re.compile(r"\bnext month\b"), 1), (re.compile(r"\blast month\b"), -1))
_YEARS: Final = (
    (re.compile(r"\bnext (?:year|spring|summer|autumn|fall|winter)\b"), 1),
    (re.compile(r"\blast (?:year|spring|summer|autumn|fall|winter)\b"), -1),
)
_YEARS_AGO: Final = re.compile(r"\b(\d{1,2}) years? ago\b")
_DAYS: Final = {"day": 1, "week": 7}


def without_dates_said(content: str, text: str, on: date) -> str:
    """Return the content without the dates that may be written for what this text, said on that day, says.

    They are the day itself, and those that the text names in words; what is left has to be said in the text.
    """
    said = " ".join(tokens(text))
    days = {on, *(on + timedelta(days=days) for days in _offsets(said, on))}
    months = {_month_from(on, 0), *(_month_from(on, ahead) for pattern, ahead in _MONTHS if pattern.search(said))}
    years = {on.year + ahead for pattern, ahead in _YEARS if pattern.search(said)}
    years |= {on.year - int(ago[1]) for ago in _YEARS_AGO.finditer(said)}
    forms = [*map(_written_day, sorted(days)), *map(_written_month, sorted(months)), *map(str, sorted(years))]
    return re.sub(rf"(?<![\w-])(?:{'|'.join(forms)})(?![\w-])", " ", content, flags=re.IGNORECASE)


def _written_day(one: date) -> str:
    """Return a pattern for the ways to write a day; the weekday may stand alone, before it or behind it."""
    month = rf"(?:{one:%B}|{one:%b}\.?)"
    number = rf"0?{one.day}(?:st|nd|rd|th)?"
    written = (
        one.isoformat(),
        rf"{number} (?:of )?{month}(?:,? {one.year})?",
        rf"{month} {number}(?:,? {one.year})?",
    )
    return rf"(?:{one:%A},? )?(?:{'|'.join(written)})(?: \({one:%A}\))?|{one:%A}"


def _written_month(first: date) -> str:
    return rf"{first:%B},? {first.year}|{first:%Y-%m}"


def _offsets(said: str, on: date) -> Iterator[int]:
    """Yield how many days before or after the day what was said may mean."""
    yield from (days for pattern, days in _OFFSETS if pattern.search(said))
    for counted in _COUNTED.finditer(said):
        count, unit = (counted[1], counted[2]) if counted[1] else (counted[3], counted[4])
        days = int(count) * _DAYS[unit]
        yield -days if counted[0].endswith("ago") else days
    for pattern, weeks in _WEEKS:
        if pattern.search(said):
            yield from range(7 * weeks - on.weekday(), 7 * weeks - on.weekday() + 7)
    words = set(said.split())
    for place, name in enumerate(_WEEKDAYS):
        if name in words or f"{name}s" in words:
            ahead = (place - on.weekday()) % 7
            yield from (ahead - 7, ahead, ahead + 7)  # "last Friday", "on Friday", "next Friday"


def _month_from(on: date, months: int) -> date:
    place = on.year * 12 + on.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)
