"""What the store's tests share: remembering texts, writing a dream's changes by hand, reading a version."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from dreamkeep_store.database import preferred_library
from dreamkeep_store.models import (
    Decision,
    DraftChange,
    Dream,
    DreamId,
    Edit,
    Entry,
    EntryId,
    Message,
    NewDream,
    NewEntry,
    NewRevision,
    Operation,
    Quote,
    Risk,
    Search,
    StoreName,
    Tier,
    Trust,
)
from dreamkeep_store.store import Stores

USER = StoreName("user")
LEASE_SECONDS = 60.0
LIBRARY: ModuleType = preferred_library


def connect(path: Path) -> Any:
    """A connection of the test's own, to look behind the store."""
    return LIBRARY.connect(str(path), isolation_level=None)


async def remember(stores: Stores, *texts: str, store: StoreName = USER) -> list[Entry]:
    """Remember these texts; gives the entries in that order."""
    kept = await stores.remember_all(store, [NewEntry(content=text) for text in texts], actor="agent")
    return [await live_entry(stores, one.entry_id) for one in kept]


async def live_entry(stores: Stores, entry_id: EntryId) -> Entry:
    (found,) = await stores.get_entries([entry_id])
    assert isinstance(found, Entry), found
    return found


async def shown(stores: Stores, version: int | None = None, store: StoreName = USER) -> dict[EntryId, Entry]:
    """Every entry that a version, a proposal or the head shows, by id."""
    entries: dict[EntryId, Entry] = {}
    while True:
        page = await stores.search(Search(query="", stores=(store,), version=version, limit=100, offset=len(entries)))
        entries |= {match.entry.entry_id: match.entry for match in page}
        if len(page) < 100:
            return entries


async def texts(stores: Stores, version: int | None = None, store: StoreName = USER) -> list[str]:
    """What it says, sorted."""
    return sorted(entry.content for entry in (await shown(stores, version, store)).values())


def opening(
    like: Entry, content: str, *, entry_id: str | None = None, tier: Tier | None = None, trust: Trust | None = None
) -> NewRevision:
    """A state for `like`, or for a new entry that takes after it."""
    return NewRevision(
        entry_id=EntryId(entry_id or like.entry_id),
        content=content,
        tier=tier or like.tier,
        tags=like.tags,
        topic=like.topic,
        trust=trust or like.trust,
        asserted_at=like.asserted_at,
        session_id=like.session_id,
    )


def draft(
    operation: Operation,
    reads: Sequence[Entry] = (),
    closes: Sequence[Entry] = (),
    opens: Sequence[NewRevision] = (),
    *,
    decision: Decision = "included",
    risk: Risk = "low",
    reason: str = "Because.",
    quotes: Sequence[Quote] = (),
    evidence: Sequence[str] = (),
) -> DraftChange:
    said = repr((operation, [entry.revision_id for entry in reads], [new.content for new in opens]))
    return DraftChange(
        operation=operation,
        risk=risk,
        decision=decision,
        reason=reason,
        fingerprint=hashlib.sha256(said.encode()).digest(),
        reads=tuple(entry.revision_id for entry in reads),
        closes=tuple(entry.revision_id for entry in closes),
        opens=tuple(opens),
        quotes=tuple(quotes),
        evidence=tuple(evidence),
    )


def merge(entries: Sequence[Entry], content: str, *, decision: Decision = "included") -> DraftChange:
    """All of them become the first, which says this from then on."""
    return draft("merge", entries, entries, [opening(entries[0], content)], decision=decision)


def archive(entry: Entry, *, decision: Decision = "included", risk: Risk = "low") -> DraftChange:
    return draft("archive", [entry], [entry], decision=decision, risk=risk)


def supersede(old: Entry, newer: Entry, *, decision: Decision = "included") -> DraftChange:
    """`old` goes because `newer` stands."""
    return draft("supersede", [old, newer], [old], decision=decision, risk="medium")


def rewrite(entry: Entry, content: str, *, decision: Decision = "included") -> DraftChange:
    return draft("supersede", [entry], [entry], [opening(entry, content)], decision=decision)


def split(entry: Entry, first: str, second: str, *, new_id: str = "e_split001") -> DraftChange:
    return draft("split", [entry], [entry], [opening(entry, first), opening(entry, second, entry_id=new_id)])


def add(
    content: str, at: datetime, *, new_id: str = "e_added001", decision: Decision = "included", trust: Trust = "agent"
) -> DraftChange:
    new = NewRevision(
        entry_id=EntryId(new_id),
        content=content,
        tier="standard",
        tags=(),
        topic=None,
        trust=trust,
        asserted_at=at,
        session_id=None,
    )
    return draft("add", opens=[new], decision=decision, risk="medium")


NEW_DREAM = NewDream(store=USER, requested_by="agent")


async def start(stores: Stores, new: NewDream = NEW_DREAM) -> Dream:
    """Start a dream and take it under a lease."""
    started = await stores.start_dream(new)
    assert not started.earlier
    claimed = await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    assert claimed is not None
    assert claimed.dream_id == started.dream.dream_id
    return claimed


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A completed dream and the version that it proposes."""

    dream_id: DreamId
    version: int


async def propose(stores: Stores, *drafts: DraftChange, instructions: str = "", base: int | None = None) -> Proposal:
    """Dream these changes from start to end."""
    dream = await start(stores, replace(NEW_DREAM, instructions=instructions, base=base))
    number = await stores.propose(dream.dream_id, dream.attempt, drafts, ())
    assert number is not None
    await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
    return Proposal(dream_id=dream.dream_id, version=number)


async def dream_and_switch(stores: Stores, *drafts: DraftChange, instructions: str = "") -> Proposal:
    proposal = await propose(stores, *drafts, instructions=instructions)
    await stores.switch(USER, proposal.version, actor="user")
    return proposal


def said(*messages: str, number: int = 1) -> list[Message]:
    """What a user said, message by message."""
    return [Message(number=at, role="user", text=text) for at, text in enumerate(messages, start=number)]


def edited(number: int, content: str) -> Edit:
    """An edit by the user, of no risk of its own."""
    return Edit(number=number, content=content, trust="user", risk="low")
