"""Which facts a text holds, where it holds several that may change separately; each a part of it, letter for letter.

Nothing is resolved or reworded: a text is taken apart only where every part says by itself what it is about and
what holds of it. A story, a reason, an example, code or a question keeps a text whole.
"""

import itertools
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Several
from dreamkeep_server.dream.fingerprints import fingerprint
from dreamkeep_server.dream.prose import find_sentences
from dreamkeep_server.dream.said import Said
from dreamkeep_server.dream.slots import find_slot
from dreamkeep_server.dream.vocabulary import INDEFINITE, STOP_WORDS
from dreamkeep_store.models import EntryId

SEVERAL_A_DREAM_MAX: Final = 25
"""How many entries one dream asks to take apart, the longest first; the next one asks about the next."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHARACTERS_MAX: Final = 2_500
"""A longer text is a document, and its parts are no memories."""
_SUBJECT_WORDS_MAX: Final = 7
_WISHES: Final = _words(
    """
    like likes love loves hate hates dislike dislikes enjoy enjoys prefer prefers avoid avoids want wants wear wears
    refuse refuses adore adores value values favor favors favour favours detest detests despise despises aversion
    preference preferences interest fan fond into hater lover
    """
)
"""What speaks of somebody's likes and dislikes: the next one of the same person is often its other half."""
_UNWANTED: Final = _words(
    """
    hate hates dislike dislikes avoid avoids refuse refuses detest detests despise despises aversion hater
    """
)
_LASTING: Final = _words(
    """
    like likes love loves hate hates dislike dislikes enjoy enjoys prefer prefers avoid avoids want wants wear wears
    is are am has have uses use runs run listens listen lives live works work owns own needs need requires require
    keeps keep speaks speak writes write reads read reviews review maintains maintain leads lead manages manage
    reports handles handle stores store serves serve supports support depends depend contains contain includes include
    starts start ends end expires expire rotates rotate points point goes go comes come takes take sends send
    connects connect belongs belong holds hold plays play drinks drink eats eat drives drive studies study teaches
    teach attends attend collects collect practices practise practises practice must should cannot can't never always
    doesn't isn't aren't hasn't don't allows allow expects expect follows follow lies lie stays stay logs caches checks
    builds returns exposes binds renders fetches loads saves syncs imports exports generates validates publishes pays
    """
)
"""Verbs in the present, with which somebody says what holds; what was done once is no fact of its own."""
_IMPERATIVES: Final = _words(
    """
    use run keep write put name avoid never always don't prefer commit test format deploy store read ask check pin
    install build start
    """
)
"""Words that begin a rule."""
_DETERMINERS: Final = frozenset(("the", "my", "our"))
_FOLLOWING: Final = _words(
    """
    it its it's he he's she she's they they're them him her his their theirs this that that's these those there here
    and but or so also then thus therefore hence because since although though while whereas however instead otherwise
    besides moreover furthermore additionally meanwhile still yet too both each either neither another others one ones
    some most many all few nothing everything everyone nobody none such same former latter e.g i.e namely especially
    as for to in on at by with from after before during when if unless until once where who which what how not no just
    only even again more less rather similarly likewise further finally first second third next last overall note
    """
)
"""Words with which a sentence goes on, or begins with something else than what it is about."""
_ASIDE: Final = _words(
    """
    he she they them him it this these those there here also too instead other another such same former latter above
    below following respectively likewise otherwise however therefore else both hey hi hello thanks thank please
    sorry wow lol maybe perhaps let's you your i'll you're we'll
    """
)
"""Words that speak of another sentence, or to somebody."""
_WHOSE: Final = frozenset(("her", "his", "its", "their"))
"""After "is" somebody else's than what the sentence is about: "Paris is her home"; "Ana loves her cat" stands alone."""
_NOT_IN_SUBJECT: Final = _words(
    """
    think thinks believe believes say says said hope hopes wonder wonders feel feels felt heard guess if when to that
    who which because being
    """
)
"""Words after which it is somebody's claim, or no subject at all."""
_CLAUSE_ENDS: Final = re.compile(r";\s+|,\s+and\s+")
_UNEVEN: Final = re.compile(r":|, (?!and\s)|\b(?:said|says|told|tells|reported|reports|according)\b", re.IGNORECASE)
"""What may hold of several clauses at once: a label, a series, whoever said it."""
_BETWEEN: Final = re.compile(r"\s*(?:(?:[-*\u2022\u2013]|\d{1,2}[.)])\s+)?")
"""What may stand between two sentences: blank space and the mark of a list point."""
_BEGINNING: Final = re.compile(r"[\"'`\u201c*_]*\w")
_LABELLED: Final = re.compile(r":\W*(?:\s|$)")
"""A label, or somebody who speaks, or what follows in another sentence."""
_DENIED: Final = frozenset(("not", "never", "cannot", "no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A sentence or clause, where it stands in its text."""

    start: int
    end: int
    tokens: tuple[str, ...]
    subject: tuple[str, ...]
    """Empty where it does not say by itself what it is about and what holds of it."""
    verb: str
    tacit: bool
    """Whether a sentence before may tell which one is meant, the staging database, or only who knows the place."""

    @property
    def told(self) -> frozenset[str]:
        """The stems of what it says beyond its subject."""
        about = {words.stem(token) for token in self.subject}
        verb = words.stem(self.verb)
        stems = {words.stem(token) for token in self.tokens if token not in STOP_WORDS}
        return frozenset(stems - about - {verb})

    @property
    def wishes(self) -> bool | None:
        """Whether it says what somebody likes, rather than what they do not; None where it says neither."""
        if _WISHES.isdisjoint(self.tokens):
            return None
        return _UNWANTED.isdisjoint(self.tokens) and not words.negations(self.tokens)


def find_several(
    said: Iterable[Said], busy: Container[EntryId], rejected: Container[bytes] = frozenset()
) -> list[Several]:
    """Return which entries to take apart; not the `busy` ones, nor those that fade by themselves.

    One that somebody `rejected` to take apart takes no place of another.
    """
    found: list[Several] = []
    for one in said:
        entry = one.as_one
        if entry.tier == "ephemeral" or entry.entry_id in busy:
            continue
        parts = find_parts(entry.content)
        if parts and fingerprint("split", (entry,)) not in rejected:
            evidence = (f"each of {len(parts)} parts says by itself what it is about",)
            found.append(Several(entry=entry, parts=parts, evidence=evidence))
    found.sort(key=lambda several: (-len(several.entry.content), several.entry.entry_id))
    return found[:SEVERAL_A_DREAM_MAX]


def find_parts(text: str) -> tuple[str, ...]:
    """Return the facts that `text` holds, in their order; none where it holds one, or cannot be taken apart safely."""
    if len(text) > _CHARACTERS_MAX or not _may_hold_several(text):
        return ()
    runs: list[list[_Piece]] = []
    for piece in _pieces(text):
        if piece is None:
            return ()
        if runs and (_follows(piece, runs[-1][0]) or (piece.subject and _belongs(piece, runs[-1]))):
            runs[-1].append(piece)
        elif not piece.subject or (piece.tacit and runs and runs[0][0].tokens[0] != "the"):
            return ()
        else:
            runs.append([piece])
    parts = tuple(text[run[0].start : run[-1].end] for run in runs)
    distinct = {words.same_words(part) for part in parts}
    return parts if len(distinct) == len(parts) > 1 else ()


def _may_hold_several(text: str) -> bool:
    """Say whether there is more than one sentence or clause at all, which is cheap to know."""
    stripped = text.rstrip()
    if "?" in text or stripped.endswith(":"):
        return False
    return "\n" in stripped or ". " in stripped or _CLAUSE_ENDS.search(text) is not None


def _pieces(text: str) -> Iterator[_Piece | None]:
    """Yield what the text consists of, and None where that is something else than sentences and list points."""
    at = 0
    for sentence in find_sentences(text):
        start = text.index(sentence.text, at)
        if not _BETWEEN.fullmatch(text, at, start):
            yield None
        at = start + len(sentence.text)
        yield from _clauses(text, start, at)
    if text[at:].strip():
        yield None


def _clauses(text: str, start: int, end: int) -> Iterator[_Piece]:
    """Yield the clauses of a sentence where each of them stands alone, else the sentence."""
    edges = [start, *(edge for found in _CLAUSE_ENDS.finditer(text, start, end) for edge in found.span()), end]
    if len(edges) > 2 and _UNEVEN.search(text, start, end) is None:
        clauses = [_piece(text, *span) for span in zip(edges[::2], edges[1::2], strict=True)]
        if all(clause.subject and _is_own(text[clause.start :], clause.subject) for clause in clauses):
            yield from clauses
            return
    yield _piece(text, start, end)


def _piece(text: str, start: int, end: int) -> _Piece:
    tokens = words.tokens(text[start:end])
    subject, verb = _subject(text[start:end], tokens)
    tacit = subject[:1] == ("the",) and not _is_named(text[start:end], subject)
    return _Piece(start=start, end=end, tokens=tokens, subject=subject, verb=verb, tacit=tacit)


def _subject(text: str, tokens: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return what a sentence is about, and what holds of it; nothing where only its neighbours tell."""
    nothing: tuple[tuple[str, ...], str] = ((), "")
    if not tokens or tokens[0] in _FOLLOWING or not _ASIDE.isdisjoint(tokens) or _BEGINNING.match(text) is None:
        return nothing
    if any(is_ in {"is", "are"} and whose in _WHOSE for is_, whose in itertools.pairwise(tokens)):
        return nothing
    slot = find_slot(text)
    if slot is not None and slot.plain:
        return tuple(slot.key.split()), "is"
    if len(tokens) < 3 or _LABELLED.search(text) is not None:
        return nothing
    if tokens[0] in _IMPERATIVES:
        return tokens[:1], tokens[0]
    at = next((at for at, token in enumerate(tokens[: _SUBJECT_WORDS_MAX + 1]) if token in _LASTING), 0)
    subject = tuple(token for token in tokens[:at] if token not in _DENIED)
    if not subject or at == len(tokens) - 1 or not _NOT_IN_SUBJECT.isdisjoint(subject):
        return nothing
    if subject[0] in INDEFINITE or not _is_definite(text, subject):
        return nothing
    if "," in " ".join(text.split()[: len(subject)]):
        return nothing
    return subject, tokens[at]


def _is_definite(text: str, subject: tuple[str, ...]) -> bool:
    """Say whether it is clear without another sentence who or what is meant: "the trip" is not, "the user" is."""
    if subject[0] in {"a", "an"} or subject[0].endswith("ing"):
        return False
    if subject[0] not in _DETERMINERS:
        return True
    if subject[0] in {"my", "our"}:
        return len(subject) > 1
    return len(subject) > 2 or _is_named(text, subject)


def _is_named(text: str, subject: tuple[str, ...]) -> bool:
    """Say whether what it is about has a name: the user, the API, the Acme office."""
    named = " ".join(text.split()[1 : len(subject)])
    return subject[1:2] == ("user",) or any(not (sign.islower() or sign in " -'") for sign in named)


def _is_own(text: str, subject: tuple[str, ...]) -> bool:
    """Say whether a clause begins with a name or the like: a plural without an article may be one more object."""
    return text[:1].isupper() or subject[0] in _DETERMINERS


def _belongs(piece: _Piece, before: Sequence[_Piece]) -> bool:
    """Say whether a piece goes on about the ones before: names what they told of, or is the other half of a wish."""
    if any(not piece.told.isdisjoint(other.told) for other in before):
        return True
    if any(words.stem(token) in other.told for token in piece.subject for other in before):
        return True
    last, wishes = before[-1], piece.wishes
    return wishes is not None and last.wishes is (not wishes) and piece.subject[:1] == last.subject[:1]


def _follows(piece: _Piece, opening: _Piece) -> bool:
    """Say whether a piece that says nothing by itself goes on with what was opened right before it."""
    if piece.subject or not piece.tokens:
        return False
    return piece.tokens[0] in _FOLLOWING or piece.tokens[: len(opening.subject)] == opening.subject
