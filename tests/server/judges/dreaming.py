"""A memory with something to judge, and dreams over it that end in this process."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio

from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import Dream, DreamId, JudgeName, Message, NewDream, NewEntry, StoreName
from dreamkeep_store.store import Stores, open_stores

from .messages_api import Answer, Asked, judged

USER = StoreName("user")
KILLED_JUDGE = Path(__file__).with_name("killed_judge.py")
LONG_AGO = datetime.now(UTC) - timedelta(days=40)
NOTES = [
    NewEntry(content="Deploys are frozen on Fridays.", asserted_at=LONG_AGO),
    NewEntry(content="Deploys are not frozen on Fridays."),
    NewEntry(content="Ana prefers short answers."),
    NewEntry(content="ana prefers short answers"),
    NewEntry(content="The staging database listens on port 5433 behind the proxy.", asserted_at=LONG_AGO),
    NewEntry(content="The staging database listens on port 5433 behind the proxy now."),
]
SAID = ("I prefer tabs over spaces.", "We decided to use pnpm for the web app.", "I prefer tabs over spaces.")
QUESTIONS = 6
"""What a model is asked about them: two that are alike, two that contradict, a repeat, and three sessions."""

BY_RULES = [
    ("add", "suggested"),
    ("conflict", "suggested"),
    ("insight", "suggested"),
    ("merge", "included"),
    ("merge", "suggested"),
]
"""What the rules make of the same notes."""


@asynccontextmanager
async def remembered(path: Path) -> AsyncGenerator[Stores]:
    """Stores with notes and sessions; verified at the end."""
    async with open_stores(path) as stores:
        await fill(stores, USER)
        yield stores
        assert list(await stores.verify()) == []


async def fill(stores: Stores, store: StoreName) -> None:
    await stores.remember_all(store, NOTES, actor="agent")
    for text in SAID:
        said = [Message(number=1, role="user", text=text), Message(number=2, role="assistant", text="Noted.")]
        await stores.record_session(store, said, trust="user", redactions=0, actor="user")


async def start(stores: Stores, judge: JudgeName = "claude", **options: Any) -> Dream:
    asked: dict[str, Any] = {
        "instructions": "",
        "model": "claude-sonnet-5" if judge == "claude" else None,
        "budget_tokens": None,
        "budget_usd": 1.0 if judge == "claude" else None,
        **options,
    }
    new = NewDream(store=USER, base=None, sessions="new", judge=judge, policy="review", requested_by="agent", **asked)
    return (await stores.start_dream(new)).dream


async def dream(stores: Stores, judge: JudgeName = "claude", **options: Any) -> Dream:
    """A dream as its worker left it."""
    started = await start(stores, judge, **options)
    await run_worker(stores, idle_seconds=0)
    return await stores.get_dream(started.dream_id)


async def settled(stores: Stores, store: StoreName) -> Dream:
    """The store's latest dream once it ended or waits for its judge.

    A server starts a worker of its own for it, and whichever is first has the dream.
    """
    with anyio.fail_after(60):
        while True:
            await run_worker(stores, idle_seconds=0)
            latest = await stores.get_dream(None, store=store)
            if latest.ended_at is not None or latest.waits_until is not None:
                return latest
            await anyio.sleep(0.05)


async def operations(stores: Stores, dream_id: DreamId) -> list[tuple[str, str]]:
    page = await stores.list_changes(dream_id)
    return sorted((change.operation, change.decision) for change in page.changes)


def rightly(asked: Asked) -> Answer:
    """What a good judge says about these notes."""
    return judged(*(_right(one) for one in asked.candidates))


def _right(one: dict[str, Any]) -> dict[str, Any]:
    number, entries = one["candidate"], sorted(one.get("entries", []), key=lambda entry: entry["asserted"])
    said = {"candidate": number, "reason": "It is plain from the texts.", "sure": True}
    if "5433" in json.dumps(one):
        longer = max((entry["text"] for entry in entries), key=len)
        return {**said, "operation": "merge", "entries": [e["id"] for e in entries], "content": longer}
    if "frozen" in json.dumps(one):
        return {**said, "operation": "supersede", "entries": [entry["id"] for entry in reversed(entries)]}
    if "sessions" in one:
        quotes = [
            {"session_id": s["session_id"], "message": s["message"], "text": s["statement"]} for s in one["sessions"]
        ]
        return {**said, "operation": "insight", "content": "I prefer tabs over spaces.", "quotes": quotes}
    if "pnpm" not in json.dumps(one["messages"]):
        return {**said, "operation": "keep"}
    quote = {"session_id": one["session_id"], "message": 1, "text": SAID[1]}
    return {**said, "operation": "add", "kind": "decision", "content": "The web app uses pnpm.", "quotes": [quote]}


async def lease_over(path: Path) -> None:
    async with open_stores(path) as stores:
        with anyio.fail_after(30):
            while not await stores.dream_waits():  # noqa: ASYNC110  # the lease runs out by the clock
                await anyio.sleep(0.05)
