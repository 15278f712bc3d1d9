"""Ten dreams in a row over a memory that grows: nothing that holds is lost, nothing grows or changes without cause."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from dreamkeep_server.worker import run_worker
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import Change, Closed, Dream, Entry, EntryId, JudgeName, NewDream, Search, StoreName
from dreamkeep_store.store import Stores, open_stores

from ..judges.messages_api import endpoint  # noqa: TID252 - it stands beside the judges' tests
from ..judges.sensible import sensible  # noqa: TID252 - as above
from .answering import answer
from .growing import ROUNDS, Growing

USER = StoreName("user")
Decides = Literal["everything", "included", "at random"]
Said = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What a change proposes: its operation, what it reads, what it writes."""


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "dreamkeep.db") as opened:
        yield opened
        assert list(await opened.verify()) == []


@pytest.mark.promise("converges")
@pytest.mark.parametrize("seed", range(int(os.environ.get("DREAMKEEP_SEEDS", "1"))))
@pytest.mark.parametrize("decides", ["everything", "included", "at random"])
@pytest.mark.parametrize("judge", ["rules", "claude", "agent"])
async def test_ten_dreams_in_a_row_lose_nothing_that_holds_and_do_not_grow_without_cause(
    judge: JudgeName, decides: Decides, seed: int, stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    random = Random(f"{judge} {decides} {seed}")
    growing = Growing(random)
    decided: set[Said] = set()
    with endpoint(sensible) as opened:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", opened.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody's")
        for number in range(ROUNDS):
            await stores.remember_all(USER, growing.entries(number), actor="agent")
            for talk in growing.talks(number):
                await stores.record_session(USER, talk, trust="user", redactions=0, actor="user")
            before = await live(stores)
            first = await dream(stores, judge)
            grown = await decide(stores, first, decides, random, decided)
            after = await live(stores)
            assert growing.lost([entry.content for entry in after]) == [], number
            assert len(after) <= len(before) + grown, number
            await everything_let_go_is_found(stores, first, before, after)
            again = await dream(stores, judge)
            if included(again) and decides != "included":
                # Somebody accepted what had been left: a text that was cut may have a twin now, which joins it.
                await decide(stores, again, "included", random, decided)
                again = await dream(stores, judge)
            assert included(again) == [], number
            assert {said(change) for change in await changes(stores, again)} & decided == set(), number
            if again.output_version is not None and again.dream_id != first.dream_id:
                await stores.discard(again.dream_id, actor="user")
    questions = [json.dumps(one | {"candidate": 0}) for asked in opened.asked for one in asked.candidates]
    assert len(questions) == len(set(questions))  # what was answered once is not paid for again


def included(dream: Dream) -> list[str]:
    return [kind for kind in dream.counts if kind.endswith("/included")]


async def dream(stores: Stores, judge: JudgeName) -> Dream:
    """A dream over the head and the new sessions, to its end."""
    new = NewDream(
        store=USER,
        sessions="new",
        judge=judge,
        model="claude-sonnet-5" if judge == "claude" else None,
        budget_usd=20.0 if judge == "claude" else None,
        requested_by="user",
    )
    dream_id = (await stores.start_dream(new)).dream.dream_id
    while (now := await stores.get_dream(dream_id)).ended_at is None:
        await run_worker(stores, idle_seconds=0)
        await answer(stores, now)
    assert now.status == "completed", now.error_message
    return now


async def live(stores: Stores, version: int | None = None) -> list[Entry]:
    entries: list[Entry] = []
    while True:
        wanted = Search(query="", stores=(USER,), version=version, limit=100, offset=len(entries))
        page = await stores.search(wanted)
        entries += [match.entry for match in page]
        if len(page) < 100:
            return entries


async def changes(stores: Stores, dream: Dream) -> list[Change]:
    found: list[Change] = []
    while dream.output_version is not None:
        page = await stores.list_changes(dream.dream_id, limit=100, offset=len(found))
        found += page.changes
        if len(found) >= page.total:
            break
    return found


def said(change: Change) -> Said:
    reads = tuple(sorted(entry.content for entry in change.before))
    return change.operation, reads, tuple(sorted(new.content for new in change.after))


async def decide(stores: Stores, dream: Dream, decides: Decides, random: Random, decided: set[Said]) -> int:
    """Decide on the proposal and switch to it; gives by how many entries the memory may have grown."""
    if dream.output_version is None:
        return 0
    for change in await changes(stores, dream):
        if change.decision == "suggested":
            verdict = {"everything": "accept", "included": "leave"}.get(decides)
            verdict = verdict or random.choice(("accept", "reject", "leave"))
            try:
                if verdict == "accept":
                    await stores.decide(dream.dream_id, accept=[change.number], actor="user")
                elif verdict == "reject":
                    await stores.decide(dream.dream_id, reject=[change.number], actor="user")
            except ConflictError:
                pass  # it overlaps with another one, which has been accepted: it is left
    await stores.switch(USER, dream.output_version, actor="user")
    applied = [change for change in await changes(stores, dream) if change.applied]
    decided |= {
        said(change) for change in await changes(stores, dream) if change.applied or change.decision == "rejected"
    }
    return sum(max(0, len(change.after) - len(change.before)) for change in applied)


async def everything_let_go_is_found(stores: Stores, dream: Dream, before: list[Entry], after: list[Entry]) -> None:
    """What the switch closed is in the version that was read, and its id says why it went."""
    there = {entry.entry_id for entry in after}
    gone = [entry for entry in before if entry.entry_id not in there]
    kept = {(entry.entry_id, entry.content) for entry in await live(stores, dream.base)}
    assert {(entry.entry_id, entry.content) for entry in before} == kept
    ids: list[EntryId] = [entry.entry_id for entry in gone]
    closed = await stores.get_entries(ids) if ids else []
    assert [one for one in closed if not isinstance(one, Closed) or one.how != "dream"] == []
