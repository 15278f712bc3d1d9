"""What sessions stated and the memory does not say: each once, what several sessions agree on as one.

Two statements are one where their words are alike and nothing keeps them apart, or where they give the same value
to the same attribute, or show the same attitude to the same thing. Of two that contradict each other the newer holds,
unless the older is trusted more.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dreamkeep_server.dream import likeness, slots, words
from dreamkeep_server.dream.candidate import Repeated, Stated
from dreamkeep_server.dream.known import Value, find_known, value_of, without_here
from dreamkeep_server.dream.said import Said
from dreamkeep_server.dream.statements import Statement, find_statements
from dreamkeep_store.models import TRUSTS, Material, Transcript

_CONTRADICT: Final = frozenset({"denial", "opposite"})
"""What makes two alike statements contradict each other; another name may be said of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A statement, and the session in which it was made."""

    statement: Statement
    transcript: Transcript

    @property
    def order(self) -> tuple[datetime, str, int, str]:
        quote = self.statement.quote
        return (self.statement.asserted_at, quote.session_id, quote.message, self.statement.content)

    @property
    def is_new(self) -> bool:
        """Whether no dream has read it: of a session that grew, what stands in its new part."""
        return is_unread(self.transcript, self.statement.quote.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    """All that was heard in the same words, the earliest first."""

    heard: tuple[_Heard, ...]
    content: str
    """The newest, as it is compared: on one line, without what only says that here is meant."""
    words: likeness.Words
    value: Value | None

    @property
    def said_at(self) -> datetime:
        return self.heard[-1].statement.asserted_at

    @property
    def trust(self) -> int:
        """The place in TRUSTS of the most trusted session that says it."""
        return min(TRUSTS.index(one.transcript.session.trust) for one in self.heard)


def is_unread(transcript: Transcript, message: int) -> bool:
    """Say whether no dream has read that message: of a session that grew, one of its new part."""
    read = transcript.session.read_messages
    return message > read or read >= len(transcript.messages)


def find_stated(material: Material, said: Sequence[Said]) -> Iterator[Stated | Repeated]:
    """Yield what sessions stated and the memory does not say, the same statement of several as one."""
    heard: defaultdict[str, list[_Heard]] = defaultdict(list)
    for transcript in material.transcripts:
        for statement in find_statements(transcript):
            key = words.same_words(statement.content)
            if key:
                heard[key].append(_Heard(statement=statement, transcript=transcript))
    wordings = [_wording(heard[key]) for key in sorted(heard)]
    known = find_known([one.content for one in wordings], [one.as_one.content for one in said]) if wordings else ()
    standing = _standing([one for at, one in enumerate(wordings) if at not in known])
    for agreed in _agreed(standing):
        if any(one.is_new for one in agreed):
            yield _as_candidate(agreed)


def _wording(heard: Sequence[_Heard]) -> _Wording:
    in_order = tuple(sorted(heard, key=lambda one: one.order))
    content = without_here(" ".join(in_order[-1].statement.content.split()))
    return _Wording(heard=in_order, content=content, words=likeness.words_of(content), value=value_of(content))


def _standing(wordings: Sequence[_Wording]) -> list[_Wording]:
    """Return the wordings without those that a newer one, trusted as much, contradicts; in the order given."""
    replaced: set[int] = set()
    for left, right in _contradictions(wordings):
        older, newer = sorted((left, right), key=lambda at: wordings[at].said_at)
        later = wordings[older].said_at < wordings[newer].said_at
        if later and wordings[newer].trust <= wordings[older].trust:
            replaced.add(older)
    return [one for at, one in enumerate(wordings) if at not in replaced]


def _contradictions(wordings: Sequence[_Wording]) -> Iterator[tuple[int, int]]:
    """Yield pairs of which at most one can hold: two values of one thing, a denial, the end of what the other says."""
    newest: dict[str, int] = {}
    for at, one in sorted(enumerate(wordings), key=lambda each: (each[1].said_at, each[0]), reverse=True):
        if one.value is not None:
            other = newest.setdefault(one.value[0], at)
            if wordings[other].value != one.value:
                yield at, other
    for pair in likeness.find_pairs([one.words for one in wordings]):
        different = words.difference(wordings[pair.left].content, wordings[pair.right].content)
        if different is not None and different.kind in _CONTRADICT:
            yield pair.left, pair.right
    for at, one in enumerate(wordings):
        ended = slots.find_announced(one.content)
        if ended is not None:
            yield from ((at, other) for other, two in enumerate(wordings) if slots.ends(ended, two.content))


def _agreed(wordings: Sequence[_Wording]) -> Iterator[list[_Heard]]:
    """Yield what was heard of each statement, in whatever words, the earliest first."""
    of_value: defaultdict[Value, list[int]] = defaultdict(list)
    for at, one in enumerate(wordings):
        if one.value is not None:
            of_value[one.value].append(at)
    pairs = [(group[0], other) for group in of_value.values() for other in group[1:]]
    pairs += [(pair.left, pair.right) for pair in likeness.find_pairs([one.words for one in wordings])]

    def alike(left: int, right: int) -> bool:
        here, there = wordings[left], wordings[right]
        if here.value is not None and here.value == there.value:
            return True
        near = likeness.is_alike(here.words, there.words, likeness.score(here.words, there.words))
        return near and words.difference(here.content, there.content) is None

    stars = likeness.make_stars([pair for pair in pairs if alike(*pair)], alike)
    together = {at for star in stars for at in star}
    for star in [*stars, *((at,) for at in range(len(wordings)) if at not in together)]:
        yield sorted((one for at in star for one in wordings[at].heard), key=lambda one: one.order)


def _as_candidate(heard: Sequence[_Heard]) -> Stated | Repeated:
    """Return what one session stated, or several; of each session its newest wording."""
    of_session = {one.transcript.session.session_id: one for one in heard}
    agreed = sorted(of_session.values(), key=lambda one: one.order)
    if len(agreed) == 1:
        return Stated(statement=agreed[0].statement, transcript=agreed[0].transcript)
    return Repeated(
        statements=tuple(one.statement for one in agreed),
        transcripts=tuple(one.transcript for one in agreed),
        evidence=_who_agrees(agreed),
    )


def _who_agrees(heard: Sequence[_Heard]) -> tuple[str, ...]:
    """Return who said it, where the sessions name their speakers and these are several."""
    names = {_speaker(one) for one in heard} - {None}
    named = ", ".join(sorted(str(name) for name in names))
    return (f"agreed by {len(names)} speakers: {named}",) if len(names) > 1 else ()


def _speaker(heard: _Heard) -> str | None:
    number = heard.statement.quote.message
    return next(message.name for message in heard.transcript.messages if message.number == number)
