"""Whether a text says that somebody likes or dislikes something, where its form makes that plain.

An attitude is a slot of somebody and something with yes or no as its value, but one that is filled in many
words: "likes", "enjoys" and "is fond of" are taken for one, so what is found here is never certain. What says
outright that an attitude ended, in the words in which it was stated, is a `slots.Announced`.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dreamkeep_server.dream.vocabulary import STOP_WORDS
from dreamkeep_server.dream.words import negations, stem, tokens

TEXT_CHARACTERS_MAX = 400
TOLD_CHARACTERS_MAX = 600
_THING_WORDS_MAX = 6
_SUBJECT_WORDS_MAX = 4
_NOT_IN_SUBJECT = frozenset(("looks", "look", "feels", "feel", "sounds", "sound", "seems", "seem", "acts", "is", "are"))
"""Before "like" these make it a comparison."""
_LIKES = r"likes?|loves?|enjoys?|adores?|appreciates?|(?:is|am|are) (?:now )?fond of|(?:is|am|are) (?:now )?an? fan of"
_DISLIKES = (
    r"dislikes?|hates?|detests?|despises?|avoids?|can't stand|cannot stand|"
    r"(?:(?:is|am|are) not|isn't) an? fan of"
)
_NOT = r"(?P<denied>(?:does not|do not|doesn't|don't|no longer|never) )?"
_ENDED = r"(?P<ended>used to |(?:has |have )?stopped |(?:has |have )?quit )?"
_GERUND = r"liking|loving|enjoying|disliking|hating|avoiding"
_SENTENCE = re.compile(
    rf"^(?P<subject>.{{1,60}}?) (?:now |also |really |still |just |actually )*{_NOT}{_ENDED}(?:really )?"
    rf"(?:(?P<likes>{_LIKES})|(?P<dislikes>{_DISLIKES})|(?P<gerund>{_GERUND})) (?P<thing>.+)$"
)
_LISTED = re.compile(
    r"^(?P<label>[^:.\n]{1,60}) (?:(?P<likes>likes?|loves?|enjoys?|prefers?)|(?P<dislikes>dislikes?|hates?|avoids?))"
    r"(?: (?:to )?\w+(?: to)?)?: (?P<thing>[^\n]+)$",
    re.IGNORECASE,
)
_WHO = {"i": "user"}
_VERBS = (
    "like", "love", "enjoy", "adore", "appreciate", "fond of", "fan of", "dislike", "hate", "hating", "detest",
    "despise", "avoid", " stand ", "liking", "loving", "prefer",
)  # fmt: skip
_REST = re.compile(
    r"[.;](?:\s|$)|,|\s(?:like|such as|especially|particularly|including|with|except|but|because|for|as|when|if|"
    r"that|which|in|at|on)\s"
)
"""Where a thing ends and what is said about it begins."""
_SEVERAL = re.compile(r"\s(?:and|or)\s")
_TAKEN = r"(?:mind|perspective|view|stance|opinion|perception|preferences?|attitude|taste|focus|interest|appreciation)"
_CHANGE = re.compile(
    "|".join(
        rf"\b{told}\b"
        for told in (
            r"(?:reconsider|re-?evaluat|reassess|rethink)\w*",
            r"(?:newfound|new appreciation|new perspective)",
            r"(?:gave|given|giving) up",
            r"(?:lost|losing) interest",
            r"(?:move|moved|moving|step|stepped|stepping|turn|turned|turning) (?:back|away)",
            r"(?:previous|former|earlier|existing|past|initial) (?:\w+ )?(?:dislike|aversion|reluctance|preference|"
            r"love|interest|liking|stance|notion|opinion|view)",
            rf"(?:chang|shift|alter|challeng|transform)\w* (?:\w+ ){{0,3}}{_TAKEN}",
            rf"(?:shift|change|decline|decrease|growth) (?:\w+ ){{0,2}}in (?:\w+ )?{_TAKEN}",
            r"(?:remov\w+|dropped|deleted) .{1,60}\b(?:from|list|preferences?)",
            r"reduced (?:\w+ )?(?:focus|interest|aversion|dislike|need)",
            r"less (?:\w+ )?(?:time|interest|appealing|enjoyable|interested|important|relevant|essential)",
        )
    )
)
"""How people tell that they see something otherwise than before."""
_CHANGE_WORDS = (
    "reconsider", "evaluat", "reassess", "rethink", "new", " up", "interest", " back", " away", "previous", "former",
    "earlier", "existing", "past", "initial", "chang", "shift", "alter", "challeng", "transform", "declin", "decreas",
    "growth", "remov", "dropped", "deleted", "reduced", "less",
)  # fmt: skip
"""Of these one stands in every such text; cheaper to look for."""
_ANY_MORE = re.compile(r" (?:any more|anymore|any longer)$")
_CONDITION = re.compile(r"\b(?:if|when|unless|only|sometimes|maybe|would|said|says|thinks?|who|and|or|asked)\b")
_SENTENCE_INSIDE = re.compile(r"[.!?;]\s+\S|\n|\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attitude:
    """That somebody likes a thing, or does not."""

    key: str
    """Who and what, as stems."""
    likes: bool
    label: str
    """For an entry of a list ("Games I like to play: chess"), the list that it is in; else nothing."""
    thing: frozenset[str]
    value: str
    """A few words for a person."""
    whole: bool
    """Whether nothing narrows the thing: no "in the morning", no "except"; a reason may follow."""


def find_attitude(text: str) -> Attitude | None:
    """Return the one attitude that `text` states, if its form is one of those known here."""
    if len(text) > TEXT_CHARACTERS_MAX:
        return None
    folded = text.casefold()
    if not any(verb in folded for verb in _VERBS):
        return None
    listed = _LISTED.match(text.strip())
    if listed is not None:
        label = tokens(listed["label"])
        if negations(label):
            return None
        return _attitude(label[-1:], listed["thing"], likes=listed["likes"] is not None, label=" ".join(label))
    if _SENTENCE_INSIDE.search(text.strip()):
        return None
    return _in_sentence(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """That a text tells of a change of attitude; to what, only its words can tell."""

    told: str
    """The words that tell it."""
    stems: frozenset[str]


def find_change(text: str) -> Change | None:
    """Return the change of attitude that `text` tells of, if any."""
    if len(text) > TOLD_CHARACTERS_MAX:
        return None
    folded = text.casefold()
    told = _CHANGE.search(folded) if any(word in folded for word in _CHANGE_WORDS) else None
    if told is None:
        return None
    return Change(told=told.group(), stems=frozenset(stem(word) for word in tokens(text) if word not in STOP_WORDS))


def subsets(thing: frozenset[str]) -> Iterator[frozenset[str]]:
    """Yield what a thing is called with some of its words left out: tea, for green tea."""
    for left in range(1, len(thing)):
        yield from map(frozenset, itertools.combinations(sorted(thing), left))


def _in_sentence(text: str) -> Attitude | None:
    if "," in text:
        return None
    stated = _SENTENCE.match(_ANY_MORE.sub("", " ".join(tokens(text))))
    if stated is None or _CONDITION.search(stated["subject"]):
        return None
    subject = tuple(stated["subject"].split())
    if len(subject) > _SUBJECT_WORDS_MAX or subject[-1] in _NOT_IN_SUBJECT:
        return None
    ended = stated["ended"] or ""
    if (stated["gerund"] is not None) != ended.rstrip().endswith(("stopped", "quit")):
        return None
    likes = stated["likes"] is not None or (stated["gerund"] or "").startswith(("lik", "lov", "enj"))
    turned = stated["denied"] is not None or stated["ended"] is not None
    return _attitude(subject, stated["thing"], likes=likes != turned, label="")


def _attitude(subject: tuple[str, ...], thing: str, *, likes: bool, label: str) -> Attitude | None:
    rest = _REST.search(thing)
    named = tokens(thing[: rest.start()] if rest else thing)
    words = frozenset(stem(word) for word in named if word not in STOP_WORDS)
    who = [_WHO.get(word, word) for word in subject if word not in {"the", "a", "an"}]
    if not words or not who or len(named) > _THING_WORDS_MAX or words <= {stem(word) for word in label.split()}:
        return None
    if not label and (rest is not None or _SEVERAL.search(thing) is not None):
        return None  # "likes tea in the morning" is not about tea
    return Attitude(
        key=f"{' '.join(who)}: {' '.join(sorted(words))}",
        likes=likes,
        label=label,
        thing=words,
        value=f"{'likes' if likes else 'does not like'} {' '.join(named)}",
        whole=rest is None or rest.group().startswith((".", ";")),
    )
