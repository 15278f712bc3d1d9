"""What several sessions have in common once a model has read each: additions of near words, asked about together."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Candidate, InsightKind, Recurring, Repeated, WholeSession
from dreamkeep_server.dream.drafts import keeps_most
from dreamkeep_server.dream.judgement import Add, Insight, Judgement
from dreamkeep_server.dream.known import find_known
from dreamkeep_server.dream.likeness import make_stars, score, words_of
from dreamkeep_store.models import Quote, SessionId, Transcript

Judged = tuple[Candidate, tuple[Judgement, ...]]
INSIGHTS_MAX: Final = 20
"""How many are asked about in a dream, the nearest first."""
_NEAR_FROM: Final = 0.35
"""Low, since a model says whether they have anything in common: it wrote each of them in words of its own."""
_KINDS: Final[dict[str, InsightKind]] = {"preference": "preference", "workflow": "workflow", "mistake": "mistake"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addition:
    """What a model would add of a session."""

    judgement: Add
    transcript: Transcript

    @property
    def session_id(self) -> SessionId:
        return self.transcript.session.session_id


def without_known(judged: Sequence[Judged], entries: Sequence[str]) -> tuple[Judged, ...]:
    """Return the judgements without what a model would add of a session and these texts say already, if otherwise."""
    additions = [one for candidate, judgements in judged for one in judgements if _is_addition(candidate, one)]
    contents = list(dict.fromkeys(one.content for one in additions if isinstance(one, Add)))
    known = {contents[at] for at in find_known(contents, entries)} if contents else set[str]()

    def is_known(candidate: Candidate, one: Judgement) -> bool:
        return isinstance(one, Add) and _is_addition(candidate, one) and one.content in known

    return tuple(
        (candidate, tuple(one for one in judgements if not is_known(candidate, one)))
        for candidate, judgements in judged
    )


def _is_addition(candidate: Candidate, judgement: Judgement) -> bool:
    return isinstance(candidate, WholeSession) and isinstance(judgement, Add)


def find_common(judged: Iterable[Judged], candidates: Iterable[Candidate]) -> tuple[Recurring, ...]:
    """Return what additions of at least two sessions may have in common; what code had found so is asked about already.

    The order of what was judged does not matter.
    """
    known = [quotes_of(candidate) for candidate in candidates if isinstance(candidate, Repeated | Recurring)]
    new = [
        _Addition(judgement=one, transcript=candidate.transcript)
        for candidate, judgements in judged
        for one in judgements
        if isinstance(candidate, WholeSession) and isinstance(one, Add)
        if not any(covers(quotes, one.quotes) for quotes in known)
    ]
    new.sort(key=lambda one: (one.session_id, one.judgement.content))
    stars = make_stars(_near_pairs(new), lambda left, right: _may_be_one(new[left], new[right]))
    common = [_recurring([new[at] for at in star]) for star in stars]
    return tuple(one for one in common if len(one.transcripts) > 1)[:INSIGHTS_MAX]


def quotes_of(candidate: Repeated | Recurring) -> tuple[Quote, ...]:
    """Return the quotes of something that sessions have in common."""
    match candidate:
        case Repeated():
            return tuple(statement.quote for statement in candidate.statements)
        case Recurring():
            return candidate.quotes


def covers(quotes: Sequence[Quote], others: Sequence[Quote]) -> bool:
    """Say whether the words of each of the others stand in one of the quotes, or hold one of them."""
    return all(any(_overlap(quote, other) for quote in quotes) for other in others)


def without_covered(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """Return the judgements without the additions of one session that an insight stands for.

    It does where it quotes what the addition quotes and says most of what it says: a detail of its own stays.
    """
    all_of_them = tuple(judged)
    insights = [one for _, judgements in all_of_them for one in judgements if isinstance(one, Insight)]

    def is_covered(judgement: Judgement) -> bool:
        return isinstance(judgement, Add) and any(
            covers(insight.quotes, judgement.quotes) and keeps_most(insight.content, judgement.content)
            for insight in insights
        )

    return tuple(
        (candidate, tuple(one for one in judgements if not is_covered(one))) for candidate, judgements in all_of_them
    )


def _overlap(left: Quote, right: Quote) -> bool:
    same = (left.session_id, left.message) == (right.session_id, right.message)
    return same and (left.text in right.text or right.text in left.text)


def _near_pairs(additions: Sequence[_Addition]) -> list[tuple[int, int]]:
    said = [words_of(one.judgement.content) for one in additions]
    pairs = [
        (likeness, left, right)
        for left, right in itertools.combinations(range(len(said)), 2)
        if (likeness := score(said[left], said[right])) >= _NEAR_FROM and _may_be_one(additions[left], additions[right])
    ]
    return [(left, right) for _, left, right in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:]))]


def _may_be_one(left: _Addition, right: _Addition) -> bool:
    elsewhere = left.session_id != right.session_id
    return elsewhere and words.difference(left.judgement.content, right.judgement.content) is None


def _recurring(additions: Sequence[_Addition]) -> Recurring:
    in_time = sorted(additions, key=lambda one: (one.transcript.session.started_at, one.session_id))
    newest = in_time[-1].judgement
    tag = next(iter(newest.tags), "")
    return Recurring(
        kind=_KINDS.get(tag, "convention"),
        content=newest.content,
        quotes=tuple(dict.fromkeys(quote for one in in_time for quote in one.judgement.quotes)),
        transcripts=tuple(one.transcript for one in in_time),
        evidence=tuple(f"session {one.session_id}: {one.judgement.content}" for one in in_time),
    )
