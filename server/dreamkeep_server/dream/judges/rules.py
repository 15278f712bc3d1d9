"""The judge that needs no model: sure only where the form of the texts leaves no doubt, else it suggests."""

from typing import assert_never

from dreamkeep_server import staleness
from dreamkeep_server.dream import likeness, words
from dreamkeep_server.dream.candidate import (
    Candidate,
    Disputed,
    ExactDuplicates,
    Expired,
    Instructing,
    Learnt,
    NearDuplicates,
    Opposed,
    Outgrown,
    Recurring,
    Repeated,
    SameWords,
    Several,
    SlotValues,
    Stale,
    Stated,
    Themed,
    WholeSession,
)
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
from dreamkeep_server.dream.statements import kind_in_common
from dreamkeep_server.dream.survivors import ranked, survivor
from dreamkeep_store.models import TIERS, TRUSTS, Entry, Material


def judge(candidate: Candidate, material: Material) -> Judgement:  # noqa: PLR0912 - one arm for each kind
    """Return what the rules say about a candidate of this material."""
    match candidate:
        case ExactDuplicates():
            return _merge(candidate.entries, "the same text, letter for letter")
        case SameWords():
            return _merge(candidate.entries, "the same words, but for case, spaces, quotes and punctuation")
        case NearDuplicates():
            return _near(candidate)
        case SlotValues():
            return _slot(candidate)
        case Opposed():
            return Conflict(
                entries=tuple(entry.entry_id for entry in candidate.entries),
                reason=f"They may contradict each other: {candidate.evidence[0]}.",
            )
        case Expired():
            return Archive(
                entries=(candidate.entry.entry_id,),
                reason=staleness.explain(candidate.entry, material.now),
                sure=True,
            )
        case Stale():
            return Archive(
                entries=(candidate.entry.entry_id,),
                reason=staleness.explain(candidate.entry, material.now),
                sure=False,
            )
        case Instructing(entries=entries, why=why):
            return Archive(
                entries=tuple(entry.entry_id for entry in entries),
                reason=f"It looks like an instruction ({why}); a person says whether it stays.",
                sure=False,
            )
        case Disputed(entry=entry):
            return Archive(
                entries=(entry.entry_id,),
                reason="It was found wrong or outdated more often than useful.",
                sure=False,
            )
        case Stated(statement=statement):
            return Add(
                content=_on_one_line(statement.content),
                quotes=(statement.quote,),
                tags=(statement.kind,),
                reason=f"A session stated this {statement.kind}.",
                sure=False,
            )
        case Repeated(statements=statements):
            return Insight(
                content=_on_one_line(statements[-1].content),
                quotes=tuple(statement.quote for statement in statements),
                tags=(kind_in_common(statements[-1]),),
                reason=f"The same was stated in {len(statements)} sessions.",
                sure=False,
            )
        case Recurring() | Learnt() | Several() | Themed() | Outgrown():
            return _suggested(candidate)
        case WholeSession():
            return Keep(reason="What rules find in a session are candidates of their own.")
        case _:
            assert_never(candidate)


def _suggested(candidate: Recurring | Learnt | Several | Themed | Outgrown) -> Judgement:
    """Suggest what was found, as it was found."""
    match candidate:
        case Recurring(kind=kind, content=content, quotes=quotes, transcripts=transcripts):
            return Insight(
                content=content,
                quotes=quotes,
                tags=(kind,),
                reason=f"{len(transcripts)} sessions have this in common.",
                sure=False,
            )
        case Learnt(content=content, quotes=quotes):
            reason = "A session went wrong here, and this worked."
            return Add(content=content, quotes=quotes, tags=("mistake",), reason=reason, sure=False)
        case Several(entry=entry, parts=parts):
            reason = f"It holds {len(parts)} facts, and one fact an entry can be found and replaced by itself."
            return Split(entry=entry.entry_id, contents=parts, reason=reason, sure=False)
        case Themed(entries=entries, topic=topic):
            reason = f"{len(entries)} entries without a topic belong under {topic}."
            if len(entries) == 1:
                reason = f"It has no topic, and belongs under {topic}."
            return MoveTopic(entries=tuple(e.entry_id for e in entries), topic=topic, reason=reason, sure=False)
        case Outgrown(entry=entry, tier=tier):
            reason = f"It is used as a {tier} entry would be: {candidate.evidence[0]}."
            return SuggestTier(entries=(entry.entry_id,), tier=tier, reason=reason)


def _on_one_line(content: str) -> str:
    """Return the words as they were said, without the line breaks of the message."""
    return " ".join(content.split())


def _merge(entries: tuple[Entry, ...], how: str) -> Merge:
    return Merge(
        entries=tuple(entry.entry_id for entry in entries),
        content=survivor(entries).content,
        reason=f"{len(entries)} entries say {how}.",
        sure=True,
    )


def _near(candidate: NearDuplicates) -> Judgement:
    """Suggest to merge as many as one of the texts can stand for, without a word of its own making."""
    choices = [
        (kept, tuple(entry for entry in candidate.entries if _stands_for(kept.content, entry.content)))
        for kept in ranked(candidate.entries)
    ]
    kept, covered = min(choices, key=lambda choice: (-len(choice[1]), _left_unsaid(*choice)))
    if len(covered) < 2:
        return _both(candidate.entries)
    return Merge(
        entries=tuple(entry.entry_id for entry in covered),
        content=kept.content,
        reason=f"{len(covered)} entries seem to say the same, and the text kept carries all specifics.",
        sure=False,
    )


def _left_unsaid(kept: Entry, others: tuple[Entry, ...]) -> int:
    """Return how many words of the others the kept text does not say, in any form."""
    said = likeness.words_of(kept.content).stems
    return len({stem for other in others for stem in likeness.words_of(other.content).stems} - said)


def _both(entries: tuple[Entry, ...]) -> Judgement:
    """Suggest to keep the texts of two entries in one, where each tells what the other is silent on."""
    texts = [entry.content.strip() for entry in ranked(entries)]
    whole = "\n".join(texts)
    if len(entries) > 2 or not words.complement(*texts) or not all(_stands_for(whole, text) for text in texts):
        return Keep(reason="No one of them carries what the others say.")
    return Merge(
        entries=tuple(entry.entry_id for entry in entries),
        content=whole,
        reason="Both seem to say one thing, each with something that the other does not tell: both texts are kept.",
        sure=False,
    )


def _stands_for(content: str, other: str) -> bool:
    return not words.missing(content, (other,)) and words.difference(content, other) is None


def _slot(candidate: SlotValues) -> Judgement:
    newer, older = survivor(candidate.newer), survivor(candidate.older)
    ids = tuple(entry.entry_id for entry in candidate.older)
    if newer.asserted_at < older.asserted_at or (newer.asserted_at == older.asserted_at and not candidate.announced):
        return Conflict(entries=(newer.entry_id, *ids), reason=f"Two values of one thing: {candidate.evidence[0]}.")
    lasting_enough = TIERS.index(newer.tier) <= TIERS.index(older.tier)
    trusted_enough = TRUSTS.index(newer.trust) <= TRUSTS.index(older.trust)
    return Supersede(
        newer=newer.entry_id,
        older=ids,
        reason=f"The newer statement holds: {candidate.evidence[0]}.",
        sure=candidate.certain and lasting_enough and trusted_enough,
    )
