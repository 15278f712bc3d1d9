"""A judgement that keeps every rule, written as a change: its risk, its fingerprint, the ids that it gives.

Which rules there are is said in `verify` and `additions`; whether the change is included beside others, in `plan`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_server.dream.judgement import Judgement
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_store.models import (
    CONTENT_BYTES_MAX,
    DraftChange,
    Entry,
    EntryId,
    NewRevision,
    Operation,
    Quote,
    Risk,
    Trust,
)

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_CHARACTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A judgement that keeps every rule, as the change that it asks for."""

    candidate: Candidate
    judgement: Judgement
    change: DraftChange
    """Its decision is `included` when nothing but another change can stand in the way."""
    reads: tuple[Entry, ...]


class RuleBrokenError(Exception):
    """A rule that a judgement breaks, as a sentence; becomes a refusal."""


def checked_text(content: str) -> str:
    """Return the text of a new revision; raises RuleBrokenError for one that no entry may have."""
    if not content.strip():
        raise RuleBrokenError("its text is empty")
    if "\x00" in content:
        raise RuleBrokenError("its text holds a NUL character")
    if len(content.encode("utf-8", "surrogatepass")) > CONTENT_BYTES_MAX:
        raise RuleBrokenError(f"its text is over {CONTENT_BYTES_MAX} bytes")
    return content


def check_nothing_invented(content: str, sources: Sequence[str]) -> None:
    """Raise RuleBrokenError when a text says a number, name, path or the like that no source says."""
    invented = words.unheld(words.specifics(content), *sources)
    if invented:
        raise RuleBrokenError(f"its text says {' '.join(min(invented))!r}, which no source says")


def own_words(trust: Trust) -> Trust:
    """Return what a judge's own words get: never a user's trust."""
    return least_trust((trust, "agent"))


def opened(entry: Entry, session_of: Entry | None = None) -> NewRevision:
    """Return the state of an entry as a revision to open, with the session of the entry whose text it is."""
    return NewRevision(
        entry_id=entry.entry_id,
        content=entry.content,
        tier=entry.tier,
        tags=entry.tags,
        topic=entry.topic,
        trust=entry.trust,
        asserted_at=entry.asserted_at,
        session_id=(session_of or entry).session_id,
    )


def written(
    candidate: Candidate,
    judgement: Judgement,
    ground: Ground,
    *,
    operation: Operation,
    reads: tuple[Entry, ...],
    closes: tuple[Entry, ...],
    risk: Risk,
    sure: bool,
    opens: tuple[NewRevision, ...] = (),
    new_from: int | None = None,
    quotes: tuple[Quote, ...] = (),
    says: tuple[str, ...] = (),
) -> Draft | None:
    """Return the change, unless somebody rejected it before; the revisions from `new_from` get new ids."""
    kept = {revision.entry_id for revision in opens}
    fingerprint = _fingerprint(
        operation,
        reads,
        says if says else tuple(revision.content for revision in opens),
        # Which of them gives way is the point of these two; of a merge, only which words go on.
        tuple(entry.entry_id for entry in closes if operation != "merge" and entry.entry_id not in kept),
    )
    if fingerprint in ground.material.rejected:
        return None
    if new_from is not None:
        opens = (*opens[:new_from], *_with_ids(opens[new_from:], fingerprint, ground))
    texts = {entry.content for entry in reads} | {revision.content for revision in opens}
    texts |= {quote.text for quote in quotes}
    flags = sorted({flag for text in texts if (flag := looks_like_instruction(text)) is not None})
    risky = (
        bool(flags)
        or any(entry.tier == "persistent" or entry.trust in {"tool", "external"} for entry in reads)
        or any(revision.tier == "persistent" for revision in opens)
    )
    if risky:
        risk = "high"
    evidence = tuple(getattr(candidate, "evidence", ()))
    return Draft(
        candidate=candidate,
        judgement=judgement,
        reads=reads,
        change=DraftChange(
            operation=operation,
            risk=risk,
            decision="included" if sure and risk != "high" else "suggested",
            reason=judgement.reason.strip() or "The judge gave no reason.",
            fingerprint=fingerprint,
            reads=tuple(sorted(entry.revision_id for entry in reads)),
            closes=tuple(sorted(entry.revision_id for entry in closes)),
            opens=opens,
            quotes=quotes,
            evidence=(*evidence, *(f"looks like an instruction: {flag}" for flag in flags)),
        ),
    )


def _fingerprint(
    operation: Operation, reads: tuple[Entry, ...], says: tuple[str, ...], gives_way: tuple[EntryId, ...]
) -> bytes:
    """Return a SHA-256 over what is proposed about which texts, and nothing that a later dream changes."""
    digest = hashlib.sha256()
    parts = [operation]
    for entry in sorted(reads, key=lambda entry: entry.entry_id):
        parts += ["reads", entry.entry_id, entry.content]
    parts += ["gives way", *sorted(gives_way), "says", *sorted(says)]
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def _with_ids(opens: tuple[NewRevision, ...], fingerprint: bytes, ground: Ground) -> tuple[NewRevision, ...]:
    """Return the revisions under new ids, the same ones whenever this dream is run."""
    named: list[NewRevision] = []
    taken = set(ground.entries)
    for place, revision in enumerate(opens):
        attempt = 0
        while True:
            entry_id = _new_id(ground.material.dream_id, fingerprint, place, attempt)
            if entry_id not in taken:
                break
            attempt += 1
        taken.add(entry_id)
        named.append(replace(revision, entry_id=entry_id))
    return tuple(named)


def _new_id(dream_id: str, fingerprint: bytes, place: int, attempt: int) -> EntryId:
    text = dream_id.encode() + b"\x00" + fingerprint
    if place or attempt:
        text += place.to_bytes(4, "big") + attempt.to_bytes(4, "big")
    number = int.from_bytes(hashlib.sha256(text).digest()[:5], "big")
    return EntryId("e_" + "".join(_BASE32[number >> 5 * at & 31] for at in reversed(range(_ID_CHARACTERS))))
