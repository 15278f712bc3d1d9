"""What users stated in a session, found without a model; whether it becomes an entry is not decided here.

Precision comes before recall: chat that turns up as a remembered fact is worse than a fact that a later
dream finds. The wordings are English; sessions in other languages yield next to nothing here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_server.dream.prose import Sentence, find_sentences
from dreamkeep_server.dream.vocabulary import JOINTS, JOINTS_OR_PARTICLES
from dreamkeep_server.dream.wordings import BRIEF, CORRECTS, NOT_STATED, PASSING, WORDINGS, Kind
from dreamkeep_store.models import Message, Quote, Transcript

STATEMENTS_PER_SESSION_MAX = 20
"""What a person can review; the plainest wordings are kept first, then the earliest."""
_FOUND_MAX = 10 * STATEMENTS_PER_SESSION_MAX
"""Where so much was stated, it is no conversation: what comes later is not read."""
STATEMENT_CHARACTERS_MIN = 8
STATEMENT_CHARACTERS_MAX = 400
RAMBLING_CHARACTERS_MIN = 160
"""A longer sentence states more than one thing: its clauses are taken alone where they can stand alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something that a user said about themselves, their project, or how they want things."""

    kind: Kind
    content: str
    """A part of the quote's text, letter for letter."""
    quote: Quote
    asserted_at: datetime


def find_statements(transcript: Transcript) -> tuple[Statement, ...]:
    """The statements of a session in the order in which they were made, without repeats."""
    found: dict[str, tuple[bool, Statement]] = {}
    for message in transcript.messages:
        if len(found) >= _FOUND_MAX:
            break
        if message.role != "user":
            continue
        for sentence in find_sentences(message.text):
            for plain, statement in _read_sentence(sentence, message, transcript):
                found.setdefault(statement.content.casefold().rstrip(".! "), (plain, statement))
    stated = list(found.values())
    plainest = sorted(range(len(stated)), key=lambda at: not stated[at][0])[:STATEMENTS_PER_SESSION_MAX]
    return tuple(stated[at][1] for at in sorted(plainest))


_OF_THE_WORK = re.compile(
    r"\b(?:we|we're|we've|our|us|team|repo(?:sitory)?|project|codebase|commits?|committing|branch(?:es)?|tests?|deploy\w*|"
    r"releases?|linter|formatter|migrations?|docstrings?|imports?|pull requests?|prs?)\b",
    re.IGNORECASE,
)


def kind_in_common(statement: Statement) -> Literal["preference", "convention", "fact"]:
    """Return what it is when several sessions state it: how somebody likes things, how work is done, or a fact."""
    if statement.kind == "fact":
        return "fact"
    is_decided = statement.kind in {"decision", "correction"}
    return "convention" if is_decided or _OF_THE_WORK.search(statement.content) else "preference"


def states_something(words: str) -> bool:
    """Say whether a sentence states something by itself, wherever it was said."""
    on_one_line = re.sub(r"\s", " ", words.strip())
    return not _SUPPOSES.match(on_one_line) and not _is_quoted(on_one_line) and _read_words(on_one_line) is not None


def _read_sentence(sentence: Sentence, message: Message, transcript: Transcript) -> Iterator[tuple[bool, Statement]]:
    """What the sentence states: all of it, or else those of its clauses that state something by themselves.

    "I prefer Trello for this, can you set up a board?" states its first half.
    """
    # Letter for letter as long, so that what is found in it stands at the same place in the sentence.
    on_one_line = re.sub(r"\s", " ", sentence.text)
    if _SUPPOSES.match(on_one_line) or _is_quoted(on_one_line):
        return
    whole = None if sentence.asks else _read_words(on_one_line)
    if whole is None or len(whole.content) > RAMBLING_CHARACTERS_MIN or _is_own_fact(whole):
        clauses = _read_clauses(on_one_line, asks=sentence.asks)
    else:
        clauses = []
    found = clauses or ([whole] if whole else [])
    if not found or looks_like_instruction(on_one_line):
        return
    quote = Quote(
        session_id=transcript.session.session_id,
        message=message.number,
        text=sentence.text,
        role=message.role,
        at=message.at,
    )
    asserted_at = message.at or transcript.session.started_at
    for stated in found:
        at = on_one_line.index(stated.content)
        content = sentence.text[at : at + len(stated.content)]
        yield stated.plain, Statement(kind=stated.kind, content=content, quote=quote, asserted_at=asserted_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    kind: Kind
    plain: bool
    content: str


def _read_words(words: str) -> _Stated | None:
    content, corrects = _without_interjections(words)
    if not STATEMENT_CHARACTERS_MIN <= len(content) <= STATEMENT_CHARACTERS_MAX:
        return None
    # What most sentences are not is asked first, and what takes long to see last.
    wording = next((one for one in WORDINGS if one.pattern.match(content)), None)
    if wording is None and not corrects:
        return None
    if NOT_STATED.search(content) or _is_cut_short(content) or not _stands_alone(content, corrects=corrects):
        return None
    if corrects and not PASSING.search(content):
        return _Stated(kind="correction", plain=True, content=content)
    asked = content[request.end() :] if (request := _REQUEST.match(content)) else content
    if wording is None or len(asked) < STATEMENT_CHARACTERS_MIN or not _stands_alone(asked, corrects=False):
        return None
    return _Stated(kind=wording.kind, plain=wording.plain, content=asked)


_REQUEST = re.compile(
    r"(?:please |can you )?(?:remember|keep in mind|bear in mind|note|don't forget|do not forget|make a note|"
    r"for future reference|take note)(?:\s*[,:]|\s+that\b|\s+this:|(?=\s+(?:i|i'm|i've|my|we|we're|our|the)\b))\s*",
    re.IGNORECASE,
)
"""What asks to remember what follows; as a memory it would ask its readers."""


def _read_clauses(words: str, *, asks: bool) -> list[_Stated]:
    ends = [*(clause.start() for clause in _CLAUSE.finditer(words)), len(words)]
    starts = [0, *(clause.end() for clause in _CLAUSE.finditer(words))]
    if asks:
        # What ends in a question mark is the question.
        starts, ends = starts[:-1], ends[:-1]
    clauses = (_read_words(words[start:end].strip()) for start, end in zip(starts, ends, strict=True))
    return [
        clause
        for clause in clauses
        # Cut out of its sentence, "we decided to drop it" does not say what, and "I like it" says little.
        if clause and (clause.plain or clause.kind == "decision") and not _POINTS_ELSEWHERE.search(clause.content)
    ]


def _is_own_fact(stated: _Stated) -> bool:
    """Whether it tells something of who says it, to which the rest of the sentence mostly adds what they want now."""
    return stated.kind == "fact" and stated.plain and stated.content[:2].casefold() in {"i ", "i'", "we"}


_INTERJECTION = re.compile(
    r"(?:(?:oh|ah|hey|hi|hello|ok|okay|yes|yeah|yep|yup|sure|right|great|perfect|cool|thanks|thank you|nice"
    r"|well|so|also|and|but|btw|by the way|fyi|hmm|um|wow|haha|lol|anyway|alright|good|please|just|one more thing"
    r"|for the record|as a reminder|reminder|to be clear|in general|personally|honestly|important"
    r"|(?P<corrects>no|nope|nah|wait|actually|sorry|correction|wrong|not quite|scratch that|on second thought"
    r"|i changed my mind|(?:that's|that is) (?:wrong|not right|incorrect|not correct)"
    r"|(?:as|like) i (?:said|told you|mentioned)(?: before| already| earlier)?"
    r"|i(?:'ve)? (?:already )?told you(?: (?:before|already|that|to(?= (?:use|run|keep|always|never|put|write))))?))"
    r"(?:\s*[,:;.!\u2013\u2014-]+\s*"
    r"|\s+(?=(?:actually|it's|i|we|my|our|use|run|keep|put|write|please|always|never|remember)\b)))",
    re.IGNORECASE,
)
_INTERJECTIONS_MAX = 3
_CLAUSE = re.compile(
    r"(?:[,;]\s+|\s+[-\u2013\u2014]+\s+)(?:(?:and|but|so|because|since|although|though|while)\s+)?"
    r"(?=(?:i|i'm|i've|i'd|we|we've|we're|we'll|my|our|let's|can|could|would|will|how|what|which|where|why|who|when|"
    r"is|are|do|does|did|should|if|so|as of|here's|especially|considering|given|please"
    r"|this (?:repo|project|codebase))\b)"
    r"|\s+(?:and|but|so)\s+(?=(?:i|i've|i'm|we|we've|my|our)\b)",
    re.IGNORECASE,
)
_SUPPOSES = re.compile(r"(?:\w+, )?(?:if|suppose|imagine|assume|assuming|let's say|what if|say)\b", re.IGNORECASE)
_POINTS_ELSEWHERE = re.compile(r"\b(?:it|its|this|that one|these|those|them|they|he|she|him|her)\b", re.IGNORECASE)


def _without_interjections(sentence: str) -> tuple[str, bool]:
    """The sentence from where it says something, and whether what was cut says that it corrects."""
    start = 0
    corrects = False
    for _ in range(_INTERJECTIONS_MAX):
        interjection = _INTERJECTION.match(sentence, start)
        if interjection is None:
            break
        start = interjection.end()
        corrects = corrects or interjection["corrects"] is not None
    return sentence[start:], corrects and CORRECTS.match(sentence[start:]) is not None


def _is_quoted(sentence: str) -> bool:
    return sentence.startswith(('"', "'", "\u2018", "\u201c", "\u00ab")) or sentence.endswith(('"', "\u201d", "\u00bb"))


def _is_cut_short(content: str) -> bool:
    """Whether it ends in a word that another has to follow, as half a sentence does."""
    last = content.rsplit(maxsplit=1)[-1].casefold()
    return last in JOINTS_OR_PARTICLES or last.rstrip(".!,;:") in JOINTS


def _stands_alone(content: str, *, corrects: bool) -> bool:
    """Whether it still says something when the conversation is gone; "use pnpm" does, as a correction."""
    words = re.findall(r"[\w'\u2019.-]+", content.casefold())
    telling = sum(word.rstrip(".") not in _EMPTY_WORDS for word in words)
    if corrects:
        return len(words) >= 2 and telling >= 1
    return len(words) >= 3 and telling >= (1 if BRIEF.match(content) else 2)


_EMPTY_WORDS = frozenset(
    """
    a about again all also always am an and any anything are as at be been but by can did do does done
    everything favorite favourite for from get go going good got great had has have he her here him his how i
    i'd i'll i'm i've in into is it it's its just kind let's like likes lot love loved loves lots make me more
    most much my never no not nothing now of on one ones only or our out prefer really remember right she should
    so some something stuff such that that's the their them then there these they thing things this those time
    to too up us use very want was way we we'll we're we've were what when which who will with would you your
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a hundred quoted ones
)
"""Words that say nothing by themselves; what is made of them alone needs its conversation."""
