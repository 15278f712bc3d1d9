"""Which topic the form of a text suggests in a memory that has none of its own: plain categories, by closed lists.

What somebody likes goes under /user/preferences, a port under /project/environment, what is said of Ana under
/people/ana. A text that fits none stays without a topic.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.vocabulary import INDEFINITE, MONTHS_AND_DAYS, STOP_WORDS

_KIN: Final = (
    r"wife|husband|spouse|partner|girlfriend|boyfriend|fianc\w+|mother|father|mom|mum|dad|parents?|sister|brother|"
    r"siblings?|son|daughter|child|children|kids?|uncle|aunt|cousins?|niece|nephew|grand\w+|friends?|boss|colleagues?|"
    r"coworkers?|neighbou?rs?|roommate|mentor|doctor|therapist"
)
_ME: Final = r"(?:the user|user|i)"
_MINE: Final = r"(?:(?:the )?user['\u2019]s|my)"
_HOW: Final = r"\w+ly|much|always|never|also|still|now|only|do not|don['\u2019]t|does not|doesn['\u2019]t|no longer"
_CATEGORIES: Final = tuple(
    (topic, told, re.compile(form, re.IGNORECASE))
    for topic, told, form in (
        (
            "/project/decisions",
            "tells of a decision",
            r"(?:we|the team|our team|it was|the project)\b.{0,20}\b(?:decided|agreed|chose|settled on|opted|"
            r"went with)\b",
        ),
        (
            "/user/preferences",
            "says what the user likes or not",
            rf"{_ME} (?:(?:{_HOW}) )*(?:prefers?|likes?|loves?|enjoys?|dislikes?|hates?|avoids?|refuses?)\b"
            rf"|{_ME} (?:have|has) an? (?:\w+ )?(?:dislike|aversion|preference|love|fondness)\b"
            rf"|{_ME} (?:am|is|am not|is not) an? (?:\w+ )?fan of\b|I['\u2019]m (?:not )?an? (?:\w+ )?fan of\b"
            rf"|{_MINE} favou?rite\b|[^:.]{{1,50}} I (?:dis)?(?:like|love|enjoy|hate|prefer)\b[^:.]{{0,20}}: ",
        ),
        ("/user/people", "speaks of somebody close to the user", rf"{_MINE} (?:\w+ )?(?:{_KIN})\b"),
        (
            "/user/profile",
            "says who the user is",
            rf"{_ME} (?:is an? |am an? |lives? |works? |was born |grew up |speaks? |stud(?:y|ies) |comes? from )"
            rf"|{_MINE} (?:\w+ )?(?:name|birthday|age|timezone|time zone|job|title|employer|address|email|phone|"
            r"pronouns|city|language|profession|occupation)\b",
        ),
        (
            "/project/environment",
            "names a port, an address or a setting",
            r"(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+) ?[=:]"
            r"|.{0,120}?(?:\bport \d{2,5}\b|\blocalhost\b|\benvironment variable\b)",
        ),
        (
            "/project/commands",
            "says which command to run",
            r"(?:run|start|build|deploy|test|lint|format|install|release)\b[^`]{0,60}`[^`\n]{2,}`",
        ),
        (
            "/project/conventions",
            "says how things are done",
            r"(?:always|never|use|do not|don't)\b.{0,80}\b(?:commits?|branch\w*|tests?|review\w*|merge\w*|functions?|"
            r"names?|files?|imports?|pull requests?|code|types?|docstrings?|comments?)\b"
            r"|(?:commit messages?|branch names?|pull requests?|code reviews?|docstrings?|type hints)\b.{0,60}"
            r"\b(?:must|should|always|never|are written)\b",
        ),
    )
)
"""How a text of each category begins; the first that fits counts."""
_PERSON: Final = frozenset(("he", "she", "his", "her", "him", "himself", "herself", "wife", "husband", "married"))
_SUBJECT: Final = re.compile(r"(?:(?P<the>[Tt]he|[Oo]ur) )?(?P<name>[\w.-]+)(?P<owner>['\u2019]s)?(?= )")
_NAME_CHARACTERS: Final = range(2, 31)
_CHARACTERS_MAX: Final = 400
"""A longer text speaks of more than one thing."""
_GROUP_MIN: Final = 3
"""From how many entries on a category or a name makes a topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """The topic that a text's form suggests, and why."""

    topic: str
    why: str


def find_topics(texts: Sequence[str], known: Mapping[str, int]) -> list[Suggested | None]:
    """Return for each text the topic that it would have, where that is plain and enough of them would have it.

    `known` are the topics that there are, for which one text is enough.
    """
    suggested = [_category(text) for text in texts]
    named = _names(texts)
    suggested = [one or by_name for one, by_name in zip(suggested, named, strict=True)]
    counts = Counter(one.topic for one in suggested if one is not None)
    return [
        one if one is not None and (one.topic in known or counts[one.topic] >= _GROUP_MIN) else None
        for one in suggested
    ]


def _category(text: str) -> Suggested | None:
    if len(text) > _CHARACTERS_MAX or "?" in text:
        return None
    for topic, told, form in _CATEGORIES:
        if form.match(text) is not None:
            return Suggested(topic=topic, why=f"it {told}")
    return None


def _names(texts: Sequence[str]) -> list[Suggested | None]:
    """Return the topic of what each text begins with, where that is surely a name, and others begin with it too."""
    begun: defaultdict[str, list[int]] = defaultdict(list)
    owned: Counter[str] = Counter()
    for at, text in enumerate(texts):
        subject = _SUBJECT.match(text)
        if subject is None or len(text) > _CHARACTERS_MAX or ":" in text[: subject.end() + 1]:
            continue
        name = subject["name"]
        if _may_be_name(name, follows_article=subject["the"] is not None):
            begun[name].append(at)
            owned[name] += subject["owner"] is not None
    told: list[Suggested | None] = [None] * len(texts)
    if not begun:
        return told
    inside = _said_inside(texts, begun)
    for name, places in begun.items():
        if len(places) < _GROUP_MIN or not (owned[name] or name in inside):
            continue
        is_person = any(not _PERSON.isdisjoint(words.tokens(texts[at])) for at in places)
        topic = f"/{'people' if is_person else 'project'}/{name.casefold()}"
        for at in places:
            told[at] = Suggested(topic=topic, why=f"it is about {name}")
    return told


def _may_be_name(name: str, *, follows_article: bool) -> bool:
    folded = name.casefold()
    if len(name) not in _NAME_CHARACTERS or folded in STOP_WORDS or folded in INDEFINITE or folded in MONTHS_AND_DAYS:
        return False
    return name[0].isupper() and name[-1].isalnum() and not (follows_article and name.islower())


def _said_inside(texts: Sequence[str], names: Mapping[str, object]) -> set[str]:
    """Return which of these words have their capital within a sentence too, as only a name has."""
    return {
        piece
        for text in texts
        for piece in re.findall(r"(?<=[a-z,] )[A-Z][\w-]+", text[:_CHARACTERS_MAX])
        if piece in names
    }
