"""One judgement, checked against the rules of a dream, as a draft; or the rule that it breaks.

A judge is not believed: ids, texts and tiers are looked up in the material again. Which changes are
included when several want the same entry is the plan's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from dreamkeep_server import staleness
from dreamkeep_server.dream import words
from dreamkeep_server.dream.additions import draft_addition
from dreamkeep_server.dream.candidate import Candidate, Disputed, Instructing, Several, Stale, Themed, entries_of
from dreamkeep_server.dream.drafts import (
    Draft,
    RuleBrokenError,
    check_nothing_invented,
    checked_text,
    keeps_most,
    opened,
    own_words,
    refusal_of,
    written,
)
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import (
    Add,
    Archive,
    Conflict,
    Insight,
    Judgement,
    Keep,
    Merge,
    MoveTopic,
    Split,
    SuggestTier,
    Supersede,
)
from dreamkeep_server.dream.survivors import least_trust, most_lasting, ranked, survivor
from dreamkeep_store.models import TIERS, TOPIC_BYTES_MAX, TOPIC_SEGMENTS_MAX, TRUSTS, Entry, EntryId, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A judgement that breaks a rule; nothing comes of it."""

    reason: str


def draft(
    candidate: Candidate, judgement: Judgement, ground: Ground, offered: frozenset[EntryId] | None = None
) -> Draft | Refused | None:
    """Return the change that a judgement asks for, the rule it breaks, or None where nothing is to be done.

    It may name the entries that were `offered`, by default the candidate's. Nothing is to be done for
    `Keep`, for what somebody rejected, and for additions that are live already, or were forgotten or
    replaced after they were said.
    """
    if offered is None:
        offered = frozenset(entry.entry_id for entry in entries_of(candidate))
    try:
        return _draft(candidate, judgement, ground, offered)
    except RuleBrokenError as broken:
        return Refused(reason=refusal_of(f"{_name(judgement)}: {broken}"))


def _draft(candidate: Candidate, judgement: Judgement, ground: Ground, offered: frozenset[EntryId]) -> Draft | None:
    match judgement:
        case Keep():
            return None
        case Merge():
            return _merge(candidate, judgement, ground, _looked_up(judgement.entries, offered, ground, 2))
        case Supersede():
            named = _looked_up((judgement.newer, *judgement.older), offered, ground, 2)
            return _supersede(candidate, judgement, ground, named[0], named[1:])
        case Archive():
            entries = _looked_up(judgement.entries, offered, ground, 1)
            expired = all(staleness.has_expired(entry, ground.material.now) for entry in entries)
            return written(
                candidate, judgement, ground, operation="archive", reads=entries, closes=entries, says=_why(candidate),
                risk="low" if expired else "medium",
                # Age alone never removes an entry that is not ephemeral, nor does a judge what a user said.
                sure=judgement.sure
                and (expired or not (isinstance(candidate, Stale) or _outranks(entries, own_words("user")))),
            )  # fmt: skip
        case Conflict():
            entries = _looked_up(judgement.entries, offered, ground, 2)
            newest = min(entries, key=lambda entry: _claim(entry, ground))
            older = tuple(entry for entry in entries if entry is not newest)
            return _replaced(candidate, judgement, ground, newest, older, sure=False)
        case Split():
            return _split(candidate, judgement, ground, _looked_up((judgement.entry,), offered, ground, 1)[0])
        case SuggestTier():
            entries = _looked_up(judgement.entries, offered, ground, 1)
            return _retier(candidate, judgement, ground, entries)
        case MoveTopic():
            return _move(candidate, judgement, ground, _looked_up(judgement.entries, offered, ground, 1))
        case Add() | Insight():
            return draft_addition(candidate, judgement, ground)
        case _:
            assert_never(judgement)


def _why(candidate: Candidate) -> tuple[str, ...]:
    """Return what archiving rests on beyond age: somebody who kept an old entry was not asked about that."""
    match candidate:
        case Disputed():
            return ("outcomes",)
        case Instructing():
            return ("instruction",)
        case _:
            return ()


def _name(judgement: Judgement) -> str:
    """Return which operation on which ids this is, for the record of refusals."""
    match judgement:
        case Supersede():
            ids: Sequence[EntryId] = (judgement.newer, *judgement.older)
        case Split():
            ids = (judgement.entry,)
        case Keep() | Add() | Insight():
            ids = ()
        case Merge() | Archive() | Conflict() | SuggestTier() | MoveTopic():
            ids = judgement.entries
        case _:
            assert_never(judgement)
    kind = type(judgement).__name__.lower()
    return f"{kind} of {', '.join(ids[:8])}" if ids else kind


def _looked_up(ids: tuple[EntryId, ...], offered: frozenset[EntryId], ground: Ground, least: int) -> tuple[Entry, ...]:
    """Return the entries of these ids as the material has them."""
    if len(set(ids)) != len(ids):
        raise RuleBrokenError("it names an entry twice")
    if len(ids) < least:
        raise RuleBrokenError(f"it needs at least {least} entries and names {len(ids)}")
    for entry_id in ids:
        if entry_id not in offered or entry_id not in ground.entries:
            raise RuleBrokenError(f"{entry_id} is not among the entries that the judge was asked about")
    return tuple(ground.entries[entry_id] for entry_id in ids)


def _claim(entry: Entry, ground: Ground) -> tuple[float, int, int, EntryId]:
    """Return an order in which the entry that should hold comes first: the newest, then the best founded."""
    return (
        -ground.last_said(entry).timestamp(),
        TIERS.index(entry.tier),
        TRUSTS.index(entry.trust),
        entry.entry_id,
    )


def _outranks(entries: Sequence[Entry], trust: Trust) -> bool:
    """Say whether any of the entries is more trusted: then nothing of this trust takes its place unasked."""
    return any(TRUSTS.index(entry.trust) < TRUSTS.index(trust) for entry in entries)


def _merge(candidate: Candidate, judgement: Merge, ground: Ground, entries: tuple[Entry, ...]) -> Draft | None:
    if not set(judgement.supersedes) < set(judgement.entries):
        raise RuleBrokenError("it supersedes an entry that it does not merge, or all of them")
    content = checked_text(judgement.content)
    sources = tuple(entry for entry in entries if entry.entry_id not in judgement.supersedes)
    older = tuple(entry for entry in entries if entry.entry_id in judgement.supersedes)
    newest = max(entry.asserted_at for entry in sources)
    if any(entry.asserted_at > newest for entry in older):
        raise RuleBrokenError("the entry that it supersedes is the newer statement")
    key = words.same_words(content)
    for source in sources:
        if words.same_words(source.content) == key:
            continue
        lost = words.missing(content, (source.content,))
        if lost:
            raise RuleBrokenError(f"its text loses {', '.join(lost[:5])} of {source.entry_id}")
        differs = words.difference(content, source.content)
        if differs is not None:
            raise RuleBrokenError(f"{source.entry_id} says something else ({differs.text})")
    check_nothing_invented(content, [source.content for source in sources])
    kept = survivor(sources)
    verbatim = [source for source in ranked(sources) if source.content == content]
    trust: Trust = verbatim[0].trust if verbatim else least_trust(source.trust for source in sources)
    becomes = opened(replace(kept, content=content, trust=trust), session_of=verbatim[0] if verbatim else kept)
    unchanged = becomes == opened(ground.entries[kept.entry_id])
    same = len({words.same_words(text) for text in (content, *(source.content for source in sources))}) == 1
    raised = any(TIERS.index(kept.tier) > TIERS.index(entry.tier) for entry in older)
    whole = same or all(keeps_most(content, source.content) for source in sources)
    return written(
        candidate, judgement, ground,
        operation="merge",
        reads=entries,
        closes=tuple(e for e in entries if e.entry_id != kept.entry_id) if unchanged else entries,
        opens=() if unchanged else (becomes,),
        risk="low" if same and not older else "medium",
        sure=judgement.sure and whole and not raised and not _outranks(entries, trust),
        says=judgement.supersedes,
    )  # fmt: skip


def _supersede(
    candidate: Candidate, judgement: Supersede, ground: Ground, newer: Entry, older: tuple[Entry, ...]
) -> Draft | None:
    said_at = newer.asserted_at
    if any(entry.asserted_at >= said_at for entry in older):
        said_at = max(said_at, ground.last_said(newer))  # somebody may have said it again
    if any(entry.asserted_at > said_at for entry in older):
        raise RuleBrokenError(f"{newer.entry_id} is not the newer statement")
    strictly = all(entry.asserted_at < said_at for entry in older)
    return _replaced(candidate, judgement, ground, newer, older, sure=judgement.sure and strictly)


def _replaced(
    candidate: Candidate,
    judgement: Supersede | Conflict,
    ground: Ground,
    newer: Entry,
    older: tuple[Entry, ...],
    *,
    sure: bool,
) -> Draft | None:
    """Write that the newer holds instead of the older ones; it lasts as long as they did."""
    tier = most_lasting(entry.tier for entry in (newer, *older))
    raised = tier != newer.tier
    return written(
        candidate, judgement, ground,
        operation="conflict" if isinstance(judgement, Conflict) else "supersede",
        reads=(newer, *older),
        closes=(newer, *older) if raised else older,
        opens=(opened(replace(newer, tier=tier)),) if raised else (),
        risk="medium",
        # Without an approval no tier rises, and nothing gives way to what is less trusted.
        sure=sure and not raised and not _outranks(older, newer.trust),
    )  # fmt: skip


def _split(candidate: Candidate, judgement: Split, ground: Ground, entry: Entry) -> Draft | None:
    parts = tuple(checked_text(content) for content in judgement.contents)
    if len(parts) < 2 or len({words.same_words(part) for part in parts}) != len(parts):
        raise RuleBrokenError("it needs at least two different parts")
    lost = words.missing("\n".join(parts), (entry.content,))
    if lost:
        raise RuleBrokenError(f"its parts lose {', '.join(lost[:5])}")
    for part in parts:
        check_nothing_invented(part, [entry.content])
    if words.negations(words.tokens("\n".join(parts))) != words.negations(words.tokens(entry.content)):
        raise RuleBrokenError("its parts deny more or less than the entry does")
    # Cut in other places, a text may say the contrary of what it said: "never" in one part, the rest in another.
    found = candidate.parts if isinstance(candidate, Several) else ()
    opens = tuple(
        opened(replace(entry, content=part, trust=entry.trust if part in found else own_words(entry.trust)))
        for part in parts
    )
    return written(
        candidate, judgement, ground, operation="split", reads=(entry,), closes=(entry,),
        opens=opens, new_from=1, risk="medium", sure=judgement.sure and set(parts) <= set(found),
    )  # fmt: skip


def _retier(candidate: Candidate, judgement: SuggestTier, ground: Ground, entries: tuple[Entry, ...]) -> Draft | None:
    if judgement.tier not in TIERS:
        raise RuleBrokenError(f"there is no tier {judgement.tier!r}")
    if any(entry.tier == judgement.tier for entry in entries):
        raise RuleBrokenError(f"an entry is {judgement.tier} already")
    entries = _not_declined(entries, judgement.tier, ground)
    if not entries:
        return None
    return written(
        candidate, judgement, ground, operation="retier", reads=entries, closes=entries,
        opens=tuple(opened(replace(entry, tier=judgement.tier)) for entry in entries),
        risk="high" if judgement.tier == "persistent" else "medium", sure=False, says=(judgement.tier,),
    )  # fmt: skip


def _move(candidate: Candidate, judgement: MoveTopic, ground: Ground, entries: tuple[Entry, ...]) -> Draft | None:
    segments = judgement.topic.split("/")
    well_formed = segments[0] == "" and all(segment.strip() == segment != "" for segment in segments[1:])
    if not well_formed or len(segments) == 1 or not judgement.topic.isprintable():
        raise RuleBrokenError("a topic is a path such as /user/preferences")
    if len(segments) - 1 > TOPIC_SEGMENTS_MAX or len(judgement.topic.encode()) > TOPIC_BYTES_MAX:
        raise RuleBrokenError(f"a topic has at most {TOPIC_SEGMENTS_MAX} parts and {TOPIC_BYTES_MAX} bytes")
    if any(entry.topic == judgement.topic for entry in entries):
        raise RuleBrokenError("an entry is under that topic already")
    entries = _not_declined(entries, judgement.topic, ground)
    if not entries:
        return None
    return written(
        candidate, judgement, ground, operation="move", reads=entries, closes=entries,
        opens=tuple(opened(replace(entry, topic=judgement.topic)) for entry in entries),
        # What a judge thinks up is shown before it is done: whoever looks under the old topic finds nothing there.
        risk="medium", says=(judgement.topic,),
        sure=judgement.sure and isinstance(candidate, Themed) and judgement.topic == candidate.topic,
    )  # fmt: skip


def _not_declined(entries: tuple[Entry, ...], wanted: str, ground: Ground) -> tuple[Entry, ...]:
    """Return the entries for which nobody has declined this tier or topic; none where most of them were declined."""
    left = tuple(e for e in entries if (e.entry_id, e.content, wanted) not in ground.material.declined)
    return left if 2 * len(left) > len(entries) else ()
