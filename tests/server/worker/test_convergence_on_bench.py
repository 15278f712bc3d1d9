"""Ten dreams in a row over real conversations; skipped where the evaluation data is absent."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dreamkeep_server.dream.words import same_words
from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import Change, Closed, Dream, Message, NewDream, NewEntry, Search, StoreName
from dreamkeep_store.store import Stores, open_stores

DATA = Path(os.environ.get("BENCH_DATA", str(Path(__file__).parents[3] / "../shared/bench/data")))
LOCOMO = DATA / "locomo/locomo10.json"
ROUNDS = 10
USER = StoreName("user")

pytestmark = pytest.mark.skipif(not LOCOMO.exists(), reason=f"no evaluation data under {DATA}; set BENCH_DATA")


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "dreamkeep.db") as opened:
        yield opened
        assert list(await opened.verify()) == []


async def test_ten_dreams_over_a_real_conversation_let_nothing_go_that_nothing_says(stores: Stores):
    said: set[str] = set()
    for number, (facts, talk) in enumerate(conversation()):
        await stores.remember_all(USER, facts, actor="agent")
        await stores.record_session(USER, talk, trust="user", redactions=0, actor="user")
        said |= {same_words(fact.content) for fact in facts}
        before = await live(stores)
        first = await dream(stores)
        applied = await switched(stores, first)
        after = await live(stores)
        assert len(after) <= len(before), number
        assert said - after.keys() <= {same_words(one.content) for change in applied for one in change.before}, number
        said &= after.keys()
        assert await is_answered(stores, [before[words] for words in before.keys() - after.keys()])
        second = await dream(stores)
        assert [kind for kind in second.counts if kind.endswith("/included")] == [], number
        if second.output_version is not None and second.dream_id != first.dream_id:
            await stores.discard(second.dream_id, actor="user")


def conversation() -> Iterator[tuple[list[NewEntry], list[Message]]]:
    """What was learnt in each session of one conversation, half of it remembered twice, and what was said."""
    (one, *_) = json.loads(LOCOMO.read_text(encoding="utf-8"))
    start = datetime.now(UTC) - timedelta(days=ROUNDS * 3 + 1)
    for number in range(1, ROUNDS + 1):
        at = start + timedelta(days=3 * number)
        told: dict[str, list[Any]] = one["observation"][f"session_{number}_observation"]
        facts = [fact for speaker in sorted(told) for fact, _ in told[speaker]]
        again = [fact.upper() for fact in facts[::2]]
        entries = [
            NewEntry(content=text, asserted_at=at + timedelta(minutes=n)) for n, text in enumerate((*facts, *again))
        ]
        speaker = one["conversation"]["speaker_a"]
        talk = [
            Message(number=n, role="user" if turn["speaker"] == speaker else "assistant", text=turn["text"], at=at)
            for n, turn in enumerate(one["conversation"][f"session_{number}"], start=1)
        ]
        yield entries, talk


async def dream(stores: Stores) -> Dream:
    new = NewDream(store=USER, sessions="new", requested_by="user")
    dream_id = (await stores.start_dream(new)).dream.dream_id
    await run_worker(stores, idle_seconds=0)
    ended = await stores.get_dream(dream_id)
    assert ended.status == "completed"
    return ended


async def switched(stores: Stores, dream: Dream) -> list[Change]:
    """Switch to what a dream proposes; gives what that did."""
    if dream.output_version is None:
        return []
    await stores.switch(USER, dream.output_version, actor="user")
    found: list[Change] = []
    while True:
        page = await stores.list_changes(dream.dream_id, limit=100, offset=len(found))
        found += page.changes
        if len(found) >= page.total:
            return [change for change in found if change.applied]


async def live(stores: Stores) -> dict[str, Any]:
    """The ids of what is live, by their words."""
    found: dict[str, Any] = {}
    count = 0
    while True:
        page = await stores.search(Search(query="", stores=(USER,), limit=100, offset=count))
        count += len(page)
        found |= {same_words(match.entry.content): match.entry.entry_id for match in page}
        if len(page) < 100:
            return found


async def is_answered(stores: Stores, gone: list[Any]) -> bool:
    """Whether the id of everything that went still says that a dream closed it."""
    return all(
        isinstance(one, Closed) and one.how == "dream" for one in (await stores.get_entries(gone) if gone else [])
    )
