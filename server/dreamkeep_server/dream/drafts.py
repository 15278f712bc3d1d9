"""A judgement that keeps every rule, written as a change: its risk, its fingerprint, the ids that it gives.

Which rules there are is said in `verify` and `additions`; whether the change is included beside others, in `plan`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import (
    Candidate,
    ExactDuplicates,
    Instructing,
    SameWords,
    SlotValues,
    entries_of,
)
from dreamkeep_server.dream.fingerprints import fingerprint
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.injection import looks_like_instruction, may_instruct
from dreamkeep_server.dream.judgement import Judgement
from dreamkeep_server.dream.redaction import redact
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_server.dream.vocabulary import STOP_WORDS
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

NO_REASON = "The judge gave no reason."
WITHHELD_REASON = "The judge's reason reads like an instruction and was left out."
REFUSAL_CHARACTERS_MAX = 400
KEPT_SHARE = 2 / 3
"""Of the telling words of a text that another one stands for; two wordings of one fact share about as many."""
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


def keeps_most(content: str, source: str, *, share: float = KEPT_SHARE) -> bool:
    """Say whether a text has so many of the words of another that tell something, whatever their endings."""
    told = _telling(source)
    return len(told & _telling(content)) >= share * len(told)


def _telling(text: str) -> frozenset[str]:
    return frozenset(words.stem(word) for word in words.tokens(text) if word not in STOP_WORDS)


def refusal_of(broken: str) -> str:
    """Return the sentence about a broken rule as it may be stored: what a judge wrote may stand in it."""
    line = " ".join(redact(broken).text.split())
    return line if len(line) <= REFUSAL_CHARACTERS_MAX else line[: REFUSAL_CHARACTERS_MAX - 1] + "…"


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
    heard: tuple[str, ...] = (),
    says: tuple[str, ...] = (),
) -> Draft | None:
    """Return the change, unless somebody rejected it before; the revisions from `new_from` get new ids.

    It is of high risk where any text that the judge went by came from outside or reads like an instruction: those of
    its candidate, and what was `heard` around the quotes.
    """
    key = fingerprint(operation, reads, says)
    if key in ground.material.rejected:
        return None
    if new_from is not None:
        opens = (*opens[:new_from], *_with_ids(opens[new_from:], key, ground))
    weighed = (*reads, *_weighed(candidate))
    told = redact(judgement.reason).text.strip()
    # Of these the rules alone say what they look like, in words that look like it as well.
    reason_flag = None if isinstance(candidate, Instructing) else _flag_of(told)
    flags = _flags(weighed, opens, quotes, heard) | {flag for flag in (reason_flag,) if flag is not None}
    risky = (
        bool(flags)
        or any(entry.trust in {"tool", "external"} for entry in weighed)
        or any(state.tier == "persistent" for state in (*reads, *opens))
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
            reason=(told or NO_REASON) if reason_flag is None else WITHHELD_REASON,
            fingerprint=key,
            reads=tuple(sorted(entry.revision_id for entry in reads)),
            closes=tuple(sorted(entry.revision_id for entry in closes)),
            opens=opens,
            quotes=quotes,
            evidence=(
                *evidence,
                *_recorded_by(quotes, ground),
                *(f"looks like an instruction: {flag}" for flag in sorted(flags)),
            ),
        ),
    )


def _recorded_by(quotes: Sequence[Quote], ground: Ground) -> tuple[str, ...]:
    """Return which agents recorded what is quoted, where these are several."""
    recorders = {ground.transcripts[quote.session_id].session.recorded_by for quote in quotes}
    named = sorted(name for name in recorders if name is not None)
    return (f"recorded by {len(named)} agents: {', '.join(named)}",) if len(named) > 1 else ()


def _weighed(candidate: Candidate) -> tuple[Entry, ...]:
    """Return the entries whose texts a judge weighed; none where their form alone decides."""
    match candidate:
        case ExactDuplicates() | SameWords() | SlotValues(certain=True):
            return ()
        case _:
            return entries_of(candidate)


def _flags(
    weighed: Sequence[Entry], opens: Sequence[NewRevision], quotes: Sequence[Quote], heard: Sequence[str]
) -> set[str]:
    """Return what the texts that a change rests on, and those that it writes, look like."""
    texts = {entry.content for entry in weighed} | {new.content for new in opens} | {quote.text for quote in quotes}
    found = {looks_like_instruction(text) for text in texts}
    found |= {_flag_of(text) for text in (*heard, *(label for new in opens for label in _labels(new)))}
    return {flag for flag in found if flag is not None}


@lru_cache(maxsize=4_096)
def _flag_of(text: str) -> str | None:
    """Return what a text looks like that mostly is like many others, as reasons and tags are."""
    return looks_like_instruction(text) if may_instruct(text) else None


def _labels(revision: NewRevision) -> Iterator[str]:
    """Yield the topic and the tags of a revision, as the words that whoever recalls it reads."""
    for label in (revision.topic or "", *revision.tags):
        yield " ".join(re.findall(r"[^/_.-]+", label))


def _with_ids(opens: tuple[NewRevision, ...], key: bytes, ground: Ground) -> tuple[NewRevision, ...]:
    """Return the revisions under new ids, the same ones whenever this dream is run."""
    named: list[NewRevision] = []
    taken = set(ground.entries)
    for place, revision in enumerate(opens):
        attempt = 0
        while True:
            entry_id = _new_id(ground.material.dream_id, key, place, attempt)
            if entry_id not in taken:
                break
            attempt += 1
        taken.add(entry_id)
        named.append(replace(revision, entry_id=entry_id))
    return tuple(named)


def _new_id(dream_id: str, key: bytes, place: int, attempt: int) -> EntryId:
    text = dream_id.encode() + b"\x00" + key
    if place or attempt:
        text += place.to_bytes(4, "big") + attempt.to_bytes(4, "big")
    number = int.from_bytes(hashlib.sha256(text).digest()[:5], "big")
    return EntryId("e_" + "".join(_BASE32[number >> 5 * at & 31] for at in reversed(range(_ID_CHARACTERS))))
