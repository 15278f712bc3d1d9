"""The figures that texts give (amounts, dates, ports, counts ...), and when one text gives a newer one.

Below recall and the dream, since both go by it: recall puts the newer of two entries first, a dream suggests that it
replaces the older one. Pure functions over texts; who said what when is the caller's to know.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from dreamkeep_server.english import NUMBER_WORDS, stem
from dreamkeep_store.search import STOP_WORDS

Kind = Literal["amount", "share", "time", "date", "port", "count"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHARACTERS_MAX: Final = 3_000
"""How much of a text is looked at; behind that there are mostly listings."""
FIGURES_MAX: Final = 32
"""A text of more figures is a table, and says of none of them what it is."""
_WORDS_AROUND: Final = 20
"""How far from a figure, on each side, a word of its sentence may stand that says what it is about."""
_WORDS_BESIDE: Final = 4
"""How far, without the words that say little, one may stand that says what the figure is of: at least one is shared."""
_WORDS_BEFORE: Final = 8
"""How far before a figure the word may stand that says that it is new."""
_COUNTED_WORDS: Final = 3
_SHARED_MIN: Final = 3
"""So many words have to be said about both figures."""
_ASKED_MIN: Final = 2
"""Of those, so many have to be asked for."""
_ASKED_SHARE: Final = 0.4
"""And where nothing says which of the figures is the new one, such a share of all that is asked for, ..."""
_ASKED_PLAINLY_MIN: Final = 3
"""... and so many words."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_RANGE = rf"{_NUMBER}(?:\s?[-\u2013]\s?{_NUMBER})?"
_SPELLED = "|".join(word for word in NUMBER_WORDS if word not in {"zero", "one"})
_FIGURE = re.compile(
    rf"(?P<amount>[$\u20ac\u00a3]\s?{_NUMBER}(?:\s?[kmb]\b)?|\b{_NUMBER}\s?(?:dollars|euros|pounds|usd|eur|gbp)\b)"
    rf"|(?P<share>\b{_RANGE}\s?(?:%|percent\b))"
    r"|(?P<time>\b\d{1,2}(?::\d\d)?\s?[ap]\.?m\b|\b\d{1,2}:\d\d\b)"
    rf"|(?P<date>\b{_MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?(?:\s?[-\u2013]\s?\d{{1,2}})?\b(?!:)"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH}\b|\b\d{{4}}-\d\d-\d\d\b)"
    r"|(?P<port>(?<=\bport )\d{2,5}\b)"
    rf"|(?<![\w.$\u20ac\u00a3/:#@-])(?P<count>(?!(?:19|20)\d\d\b){_RANGE}|\b(?:{_SPELLED})\b)(?![\w/:%]*[/:%\d])",
    re.IGNORECASE,
)
_LISTING = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!;])\s+|\n+")
_MAY_HOLD = re.compile(rf"\d|\b(?:{_SPELLED})\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_DAY = re.compile(r"\d{1,2}")
_CHANGED = _words(
    """
    increased decreased raised lowered extended shortened reduced grew grown improved dropped fell fallen rose risen
    rescheduled moved pushed postponed delayed bumped changed updated revised adjusted switched upgraded downgraded
    expanded reached doubled tripled renewed now new currently instead
    """
)
"""What says that a figure is not what it was; "to increase" says what somebody wants."""
_HOLDS = frozenset(["to", "of", "at", "is", "are", "has", "have", "through", "reached", "now", "currently", "new"])
"""Directly before a figure, or a word away: it is what holds now."""
_MOVES = (_CHANGED - _HOLDS) | {"from", "by", "up", "down", "than"}
"""Directly before a figure: it is what was before, or how far it moved ("rose 49 points")."""
_PAST = _words(
    """
    was were did had before between original originally initial initially previous previously earlier former formerly
    """
)
"""Words of a query that asks for what once was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure, and what its sentence says about it."""

    kind: Kind
    value: str
    told: str
    """As the text has it."""
    counted: frozenset[str]
    """For a count, the stems of what is counted."""
    about: frozenset[str]
    """The stems of the words around it."""
    of: frozenset[str]
    """The stems of the words beside it."""
    is_new: bool
    """Whether the text says that it is so now, or has become so."""
    is_former: bool
    """Whether it is what was before, or by how much it moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """An older figure, and the newer one for the same."""

    before: str
    now: str
    about: tuple[str, ...]
    """The stems that stand around both."""
    announced: bool
    """Whether the newer text says itself that it is new."""


def figures_of(text: str) -> tuple[Figure, ...]:
    """Return the figures of a text, in order; of a long one those of its first 3,000 characters of prose."""
    text = _LISTING.sub(" ", text)[:CHARACTERS_MAX] if "```" in text else text[:CHARACTERS_MAX]
    return _figures_of(text) if _MAY_HOLD.search(text) else ()


def asked_for(query: str) -> frozenset[str]:
    """Return the stems of the words that say what a query is about; none where it asks for what once was."""
    words = [match.group().lower() for match in _WORD.finditer(query)]
    return frozenset() if not _PAST.isdisjoint(words) else frozenset(_stems(words))


def renewal(newer: str, older: str, asked: frozenset[str] | None = None) -> Renewal | None:
    """Return the figure of `older` that `newer` gives anew, if any; with `asked`, one that a query is about.

    It is of the same kind, about the same, and another one; and the newer text says that it is new. Where a query
    asks for just this, both may also be stated plainly.
    """
    after, before = figures_of(newer), figures_of(older)
    said_before = {(one.kind, one.value) for one in before}
    said_after = {(one.kind, one.value) for one in after}
    best: tuple[int, Renewal] | None = None
    for now in after:
        if now.is_former or (now.kind, now.value) in said_before:
            continue
        for was in before:
            if not are_of_one(was, now):
                continue
            shared = was.about & now.about
            wanted = shared if asked is None else shared & asked
            stays = (was.kind, was.value) in said_after
            is_plain = not stays and _is_plain(now, shared, asked) and not _is_elsewhere(was, now, asked)
            if not (_is_renewed(shared, asked) if now.is_new else is_plain):
                continue
            if best is None or len(wanted) > best[0]:
                told = Renewal(before=was.told, now=now.told, about=tuple(sorted(shared)), announced=now.is_new)
                best = (len(wanted), told)
    return None if best is None else best[1]


def are_of_one(was: Figure, now: Figure) -> bool:
    """Say whether two figures may be of one thing: of the same kind, count the same, and stand beside a same word."""
    if was.kind != now.kind or was.of.isdisjoint(now.of):
        return False
    return now.kind != "count" or not was.counted.isdisjoint(now.counted)


def _is_renewed(shared: frozenset[str], asked: frozenset[str] | None) -> bool:
    return len(shared) >= _SHARED_MIN and (asked is None or len(shared & asked) >= _ASKED_MIN)


def _is_plain(now: Figure, shared: frozenset[str], asked: frozenset[str] | None) -> bool:
    """Say whether a query asks for what two figures are about that are just stated; dates stand for any event."""
    if asked is None or now.kind == "date":
        return False
    wanted = len(shared & asked)
    return wanted >= _ASKED_PLAINLY_MIN and wanted >= _ASKED_SHARE * len(asked)


def _is_elsewhere(was: Figure, now: Figure, asked: frozenset[str] | None) -> bool:
    """Say whether only the older of two ports is the one that is asked for: "in production", and the newer is not."""
    return asked is not None and now.kind == "port" and bool((was.about - now.about) & asked)


def _stems(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word not in STOP_WORDS and word not in _CHANGED and len(word) > 1 and not word[0].isdigit():
            yield stem(word)


@lru_cache(maxsize=4_096)
def _figures_of(text: str) -> tuple[Figure, ...]:
    found: dict[Figure, None] = {}
    for sentence in _SENTENCE.split(text.replace("now that", "as")):  # that tells a reason, not a change
        if not _MAY_HOLD.search(sentence):
            continue
        starts = [word.start() for word in _WORD.finditer(sentence)]
        words = [word.lower() for word in _WORD.findall(sentence)]
        for match in _FIGURE.finditer(sentence):
            first, behind = bisect_left(starts, match.start()), bisect_left(starts, match.end())
            before = words[max(0, first - _WORDS_AROUND) : first][::-1]
            figure = _figure(match, before, words[behind : behind + _WORDS_AROUND])
            if figure is not None:
                found[figure] = None
            if len(found) == FIGURES_MAX:
                return tuple(found)
    return tuple(found)


def _figure(match: re.Match[str], before: Sequence[str], after: Sequence[str]) -> Figure | None:
    """Return the figure with the words around it, nearest first; None for a number of nothing."""
    kind = cast(Kind, match.lastgroup)
    is_former = bool(before) and before[0] in _MOVES
    is_new = not is_former and _is_new(before)
    ahead, behind = list(_stems(before)), list(_stems(after))
    around = frozenset((*ahead, *behind))
    counted: frozenset[str] = frozenset()
    if kind == "count":
        has_unit = bool(after) and after[0] not in STOP_WORDS
        counted = frozenset(_stems(after[:_COUNTED_WORDS])) if has_unit else frozenset()
        if not counted and is_new:
            counted = around  # "the commits have now reached 165"
        if not counted:
            return None
    return Figure(
        kind=kind,
        value=_value(kind, match.group().lower()),
        told=" ".join(match.group().split()),
        counted=counted,
        about=around,
        of=frozenset((*ahead[:_WORDS_BESIDE], *behind[:_WORDS_BESIDE])),
        is_new=is_new,
        is_former=is_former,
    )


def _is_new(before: Sequence[str]) -> bool:
    """Say whether the words before a figure say that it has changed, and that this is what it changed to."""
    return not _CHANGED.isdisjoint(before[:_WORDS_BEFORE]) and not _HOLDS.isdisjoint(before[:2])


def _value(kind: Kind, told: str) -> str:
    """Return a figure in one spelling: $1,500 and $1500, 5 May and May 5th."""
    if kind == "date":
        month = next((name for name in _MONTHS if name in told), None)
        if month is None:
            return f"{_MONTHS[int(told[5:7]) - 1]} {int(told[8:])}" if 1 <= int(told[5:7]) <= 12 else told
        return " ".join((month, *_DAY.findall(told)))
    bare = re.sub(r"[\s,]", "", told).replace("\u2013", "-").replace("percent", "%")
    if kind == "time":
        bare = bare.replace(".", "").replace(":00", "")
    return NUMBER_WORDS.get(bare, bare)
