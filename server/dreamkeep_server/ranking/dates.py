"""The dates that a query names: an entry does not say when it was said, so its words cannot match them."""

import re
from typing import Literal, NamedTuple

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
ALSO_WORDS = frozenset({"may", "mar", "march"})
"""Months that are words too: they count with a capital inside of the query, or beside a number."""
WORD = re.compile(r"[^\W_]+")
YEAR = re.compile(r"(?:19|20)\d\d")
DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")


class DatePart(NamedTuple):
    """A part of a date, such as the month 5."""

    part: Literal["year", "month", "day"]
    number: int


def dates_named(query: str) -> list[DatePart]:
    """The years, the months by name, and the days beside a month that the query names, each once."""
    words = WORD.findall(query)
    found: dict[DatePart, None] = {}
    for place, word in enumerate(words):
        month = _month(word.lower())
        if month is not None and _is_meant(words, place):
            found[DatePart("month", month)] = None
            for beside in (*words[max(0, place - 2) : place], *words[place + 1 : place + 2]):
                day = DAY.fullmatch(beside.lower())
                if day is not None and 1 <= int(day[1]) <= 31:
                    found[DatePart("day", int(day[1]))] = None
        elif YEAR.fullmatch(word):
            found[DatePart("year", int(word))] = None
    return list(found)


def _month(word: str) -> int | None:
    if word == "sept":
        return 9
    for number, name in enumerate(MONTHS, start=1):
        if word == name or (len(word) == 3 and name.startswith(word)):
            return number
    return None


def _is_meant(words: list[str], place: int) -> bool:
    """Whether a month is meant, and not a verb."""
    if words[place].lower() not in ALSO_WORDS:
        return True
    beside = (*words[max(0, place - 2) : place], *words[place + 1 : place + 3])
    return (place > 0 and words[place][0].isupper()) or any(word[0].isdigit() for word in beside)
