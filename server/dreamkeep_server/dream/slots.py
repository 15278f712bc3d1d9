"""What an entry says about which attribute of which subject, where its form makes that plain.

A slot has one value at a time: the port of a service, a favourite colour. What may have several at once
(likes, lists, uses) is no slot; what says outright that it changed is an `Announced`.
"""

import re
from dataclasses import dataclass

from dreamkeep_server.dream.spellings import in_one_spelling
from dreamkeep_server.dream.vocabulary import (
    AT_ONCE,
    FUNCTIONAL,
    LIMITS,
    LINKS,
    SEVERAL,
    UNCLEAR_IN_SUBJECT,
    UNCLEAR_IN_VALUE,
)
from dreamkeep_server.dream.words import negations, stem, tokens

VALUE_WORDS_MAX = 6
_SUBJECT_WORDS_MAX = 8
TEXT_CHARACTERS_MAX = 300

SPELLINGS = {"favourite": "favorite", "colour": "color", "licence": "license", "time-zone": "timezone"}
_DETERMINERS = frozenset(["the", "a", "an", "our", "this", "that"])
_COPULAS = (
    ("has", "been", "changed", "to"),
    ("was", "changed", "to"),
    ("has", "changed", "to"),
    ("was", "set", "to"),
    ("is", "now", "set", "to"),
    ("is", "set", "to"),
    ("changed", "to"),
    ("defaults", "to"),
    ("is", "now"),
    ("is",),
)
_AS_BEFORE = frozenset(["now", "currently", "located", "based", "situated", "still"])
_ASKED_TO_REMEMBER = re.compile(
    r"^(?:please )?(?:remember|keep in mind|bear in mind|don't forget)(?: that|[:,])? (?=(?:the|my|our|i) )",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"^([^\s:=][^:=\n]{0,80}?)\s*(:\s|=)\s*(\S[^\n]{0,200})$")
_SENTENCE_INSIDE = re.compile(r"[.!?;]\s+\S|\n|\?")
_IDENTIFIER = re.compile(r"^[A-Za-z][\w.-]*$")
_ON_PORT = re.compile(
    r"^(.+?) (?:is )?(?:now )?(?:runs?|running|listens?|listening|serves?|served|available|reachable|binds|"
    r"bound|exposed|exposes|uses?|using|started|starts)(?: now)? (?:on |at |to )?(?:localhost )?port (\d+)"
    r"(?: now| instead)?$"
)
_AS_ATTRIBUTE = re.compile(r"^(.+?) (?:now )?uses (.+?) as (?:its|the|their|his|her) (.+)$")
_YEARS_OLD = re.compile(r"^(.+?) is (?:now )?(\d+) years? old$")
_WEAK_FORMS = (
    (" in ", re.compile(r"^(.+? (?:lives?|resides?|is based|is located) in) (.+)$")),
    (" work", re.compile(r"^(.+? works? (?:at|for|as)) (.+)$")),
)
_SAYS_CHANGED = re.compile(r" (?:now|instead|no longer|(?:changed|moved|switched) (?:from .{1,60} )?to)(?: |$)")
_POSSESSIVE = re.compile(r"\w(?:['\u2019]s|s['\u2019]) ")
_IS_NAMED = re.compile(r" is (?:now |currently )?[\"'`\u201c]?[A-Z\d]")
_PLACES = frozenset(["in", "at", "on"])
_FOR_PURPOSE = re.compile(r"^(.+?) (?:now )?(prefers|uses) (.+?) (for|when|as) (.+)$")
_FROM_TO = re.compile(
    r"^(.+?) (?:has |have |had |was |were |been |is |are |just |recently |now )*"
    r"(?:switched|moved|migrated|changed|transitioned|converted|renamed|upgraded|downgraded|relocated)"
    r"(?: (.+?))? from (.+?) to (.+)$"
)
_REPLACED = re.compile(r"^(.+?) (?:has |have |just |recently |now )*replaced (.+?) (?:with|by) (.+)$")
_INSTEAD = re.compile(r"^(.+?) (?:now )?(?:uses|use|prefers|drinks|runs) (.+?) instead of (.+)$")
_NO_LONGER = re.compile(r"^(.+?) (?:is )?no longer (.+)$")
_ANY_MORE = re.compile(r"^(.+?) (?:does not|doesn't|do not|don't) (.+?) (?:any more|anymore|any longer)$")
_STOPPED = re.compile(r"^(.+?) (?:has |have |recently |just )*(?:stopped|quit) (\w+ing .+)$")
_USED_TO = re.compile(r"^(.+?(?<! is)(?<! are)(?<! was)(?<! am)(?<! be)(?<! got)) used to (.+)$")
_WHOLE = (_NO_LONGER, _ANY_MORE, _STOPPED, _USED_TO)
_ENDINGS = (
    (" from ", _FROM_TO, 3, 4),
    (" replaced ", _REPLACED, 2, 3),
    (" instead of ", _INSTEAD, 3, 2),
    (" no longer ", _NO_LONGER, 2, None),
    (" any", _ANY_MORE, 2, None),
    (" stopped ", _STOPPED, 2, None),
    (" quit ", _STOPPED, 2, None),
    (" used to ", _USED_TO, 2, None),
)
"""What says that something ended: what stands in it, its form, and which groups of it are what ended and began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One attribute of one subject, and the value that a text gives it."""

    key: str
    value: str
    plain: bool
    """Whether the form leaves no doubt that the attribute has one value, and this is all of it."""
    replaces: bool = True
    """Whether other values end with it: it may have one at a time only, or the text says that it changed."""
    announced: bool = False
    """Whether the text says itself that it became so."""
    told: str = ""
    """The key for a person, where it is not in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A text that says outright that something ended, so that who reads it knows what it replaces."""

    subject: tuple[str, ...]
    ended: tuple[str, ...]
    """The old value, or for `no longer` the whole predicate."""
    whole: bool
    """Whether `ended` is a whole predicate, verb and all."""
    lasting: bool = True
    """Whether the text limits the change to no time, place, purpose or part."""


def find_slot(text: str) -> Slot | None:
    """Return the slot that `text` as a whole fills, if its form is one of those known here."""
    text = _ASKED_TO_REMEMBER.sub("", text.strip())
    if len(text) > TEXT_CHARACTERS_MAX or "\n" in text:
        return None
    assigned = _ASSIGNMENT.match(text.rstrip(". "))
    if assigned is not None and not assigned.group(3).startswith(("/", "=")):
        return _assignment(*assigned.groups())
    if _SENTENCE_INSIDE.search(text):
        return None
    words = tokens(text)
    if not 3 <= len(words) <= 24:
        return None
    return _sentence(text, words, " ".join(words))


def spoken_key(slot: Slot) -> str:
    """Return the slot's key as it is when somebody else writes down what a user said: "my port" is the user's."""
    return " ".join(stem("user" if word in {"my", "i"} else word) for word in slot.key.split())


def find_announced(text: str) -> Announced | None:
    """Return what `text` says has ended, if it says so about one subject in one sentence."""
    text = text.strip()
    if len(text) > TEXT_CHARACTERS_MAX or _SENTENCE_INSIDE.search(text):
        return None
    line = " ".join(tokens(text))
    for held, form, old, new in _ENDINGS:
        match = form.match(line) if held in line else None
        if match is not None:
            subject = _subject(tuple(match.group(1).split()))
            ended = tuple(match.group(old).split())
            if subject is None or len(ended) > VALUE_WORDS_MAX:
                return None
            lasting = new is None or ("," not in text and _lasts(tuple(match.group(new).split())))
            if form is _FROM_TO and match.group(2) is not None:
                lasting = False  # "switched the frontend from npm to pnpm" does not say that npm is gone
            return Announced(subject=subject, ended=ended, whole=form in _WHOLE, lasting=lasting)
    return None


def ends(announced: Announced, text: str) -> bool | None:
    """Say whether `text` states what was announced to have ended: True certainly, False maybe, None no."""
    words = bare_subject(tokens(text))
    head, tail = announced.subject, announced.ended
    if words[: len(head)] != head or len(words) > len(head) + len(tail) + 4:
        return None
    rest = words[len(head) :]
    if announced.whole:
        return True if [_root(word) for word in rest] == [_root(word) for word in tail] else None
    if len(rest) <= len(tail) or rest[-len(tail) :] != tail or negations(words):
        return None
    return announced.lasting and set(rest[: -len(tail)]) <= LINKS


def _root(word: str) -> str:
    """Return the stem of a verb or noun; "using" is too short for the general rule."""
    return "us" if word in {"use", "uses", "using"} else stem(word)


def bare_subject(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tokens of a sentence without the determiner that it begins with, in one spelling."""
    spelled = tuple(SPELLINGS.get(word, word) for word in words)
    return spelled[1:] if spelled and spelled[0] in _DETERMINERS else spelled


def is_refinement(left: str, right: str) -> bool:
    """Say whether one value only says more precisely what the other says, however their figures are spelled."""
    here, there = (_in_parts(value) for value in (left, right))
    return here <= there or there <= here


def hold_beside(left: str, right: str) -> bool:
    """Say whether two values hold in two places or for two purposes: debug in staging, info in production."""
    for link in (" in ", " on ", " for "):
        (here, _, one), (there, _, other) = left.partition(link), right.partition(link)
        if here and there and one and other and one != other:
            return True
    return False


def _in_parts(value: str) -> set[str]:
    """Return the words of a value, its figures in one spelling; the year of a date is a word of its own."""
    return {word for part in in_one_spelling(tuple(value.split())) for word in part.split()}


def _subject(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return a definite subject without its determiner, or None for one that may be anything."""
    bare = bare_subject(words)
    if not bare or len(bare) > _SUBJECT_WORDS_MAX or (words[0] in {"a", "an"}):
        return None
    if any(word in UNCLEAR_IN_SUBJECT for word in bare) or negations(bare):
        return None
    return bare


def _attribute(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return `acme default branch` for that, for `the default branch of acme` and `for the acme`."""
    for link in ("of", "for"):
        if words.count(link) == 1 and 0 < words.index(link) < len(words) - 1:
            at = words.index(link)
            words = (*bare_subject(words[at + 1 :]), *bare_subject(words[:at]))
    return _subject(words)


def _is_functional(key: tuple[str, ...]) -> bool:
    return key[-1] in FUNCTIONAL or "favorite" in key[:-1]


def _value(words: tuple[str, ...]) -> bool:
    """Say whether these tokens are a whole plain value: short, one, and under no condition."""
    return 0 < len(words) <= VALUE_WORDS_MAX and not any(
        word in UNCLEAR_IN_VALUE or word.endswith("n't") for word in words
    )


def _lasts(words: tuple[str, ...]) -> bool:
    """Say whether these tokens are a value that something changed to for good, and not in some respect only."""
    return _value(words) and LIMITS.isdisjoint(words)


def _is_single(key: tuple[str, ...]) -> bool:
    """Say whether the attribute has no more than one value at a time: a branch has, an email address has not."""
    return "favorite" in key or AT_ONCE.isdisjoint(key[-2:])


def _slot(key: tuple[str, ...], value: tuple[str, ...], *, plain: bool, replaces: bool = True) -> Slot | None:
    while value and value[0] in {"the", "a", "an", "now"}:
        value = value[1:]
    if not value or len(value) > 2 * VALUE_WORDS_MAX:
        return None
    return Slot(key=" ".join(key), value=" ".join(value), plain=plain and _value(value), replaces=replaces)


def _assignment(left: str, sign: str, right: str) -> Slot | None:
    """Return the slot of `key: value` or `key = value`, plain when the key is a setting."""
    words = bare_subject(tokens(left))
    value = tokens(right)
    if not words or not value or len(words) > _SUBJECT_WORDS_MAX:
        return None
    is_setting = _IDENTIFIER.match(left) is not None and (
        "=" in sign or "_" in left or ("." in left and left.rpartition(".")[2].casefold() in FUNCTIONAL)
    )
    key = _attribute(words)
    if key is None:
        return None
    if not is_setting and not (_is_functional(key) and "," not in right):
        return None
    replaces = is_setting or _is_single(key)
    if is_setting:
        key = (left,)  # letter case counts in a setting
    definite = is_setting or len(key) > 1  # `status: done` does not say whose
    return _slot(key, value, plain=definite and not _SENTENCE_INSIDE.search(right), replaces=replaces)


def _sentence(text: str, words: tuple[str, ...], line: str) -> Slot | None:
    """Return the slot that a sentence fills, given also as its words and as a line of them."""
    plural_comma = "," in text
    changed = _SAYS_CHANGED.search(line) is not None
    for held, form, attribute in ((" port ", _ON_PORT, "port"), (" old", _YEARS_OLD, "age")):
        match = form.match(line) if held in line else None
        if match is not None:
            key = _subject(tuple(match.group(1).split()))
            if key is None:
                return None
            replaces = changed or _is_single((attribute,))
            return _slot((*key, attribute), (match.group(2),), plain=True, replaces=replaces)
    match = _AS_ATTRIBUTE.match(line) if " uses " in line else None
    if match is not None:
        owner, name = _subject(tuple(match.group(1).split())), tuple(match.group(3).split())
        if owner is not None and _is_functional(name):
            replaces = changed or _is_single(name)
            return _slot((*owner, *name), tuple(match.group(2).split()), plain=not plural_comma, replaces=replaces)
    match = _FROM_TO.match(line) if " from " in line else None
    if match is not None:
        key = _attribute(tuple((match.group(2) or match.group(1)).split()))
        if key is not None and _is_functional(key):
            value = tuple(match.group(4).split())
            return _slot(key, value, plain=not plural_comma and _lasts(value))
        return None
    present = set(words)
    for copula in _COPULAS:
        if not present.issuperset(copula):
            continue
        for at in range(1, min(len(words) - len(copula), _SUBJECT_WORDS_MAX + 3)):
            if words[at : at + len(copula)] == copula:
                key = _attribute(words[:at])
                if key is not None and _is_functional(key):
                    definite = len(key) > 1  # "the deadline is Friday" does not say whose
                    value, plain = words[at + len(copula) :], definite and not plural_comma
                    return _slot(key, value, plain=plain, replaces=changed or _is_single(key))
                break
    return _owned(text, words) or _weak(line)


def _owned(text: str, words: tuple[str, ...]) -> Slot | None:
    """Return the slot of `Y's X is in Z`, `the X of Y is at Z` or `Y's X is Zoe`; never a plain one.

    Whether an X has one such value at a time is not known here, only that it often does.
    """
    if "is" not in words:
        return None
    at = words.index("is")
    ours = words[0] in {"my", "our"}
    if not (ours or "of" in words[1:at] or _POSSESSIVE.search(text)):
        return None
    key = _attribute(words[:at])
    value = words[at + 1 :]
    while value and value[0] in _AS_BEFORE:
        value = value[1:]
    if key is None or not value or not (key[1:] or ours):
        return None
    if value[0] in _PLACES:
        key, value = (*key, value[0]), value[1:]
    elif key[-1] in SEVERAL or _IS_NAMED.search(text) is None:
        return None
    return _slot(key, value, plain=False) if _value(value) else None


def _weak(line: str) -> Slot | None:
    """Return the slot of a form that often, but not always, has one value at a time."""
    for held, form in _WEAK_FORMS:
        match = form.match(line) if held in line else None
        if match is not None and _subject(tuple(match.group(1).split()[:-2])) is not None:
            key = bare_subject(tuple(match.group(1).split()))
            return _slot(key, tuple(match.group(2).split()), plain=False)
    match = _FOR_PURPOSE.match(line) if " uses " in line or " prefers " in line else None
    if match is not None and _subject(tuple(match.group(1).split())) is not None:
        subject, verb, value, link, purpose = match.groups()
        key = (*bare_subject(tuple(subject.split())), verb, link, purpose)
        return _slot(key, tuple(value.split()), plain=False)
    return None
