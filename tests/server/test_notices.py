"""Watching a dream through MCP: what get_dream shows while it runs, and notices to those who listen."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import ListenNotSupportedError, ResourceUpdated
from mcp.types import TextResourceContents

from dreamkeep_store.models import Decided, Decisions, NewDream, NewEntry, StoreName
from dreamkeep_store.store import open_stores

from .test_stdio import SERVE, environment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dreamkeep_store.models import Dream
    from dreamkeep_store.store import Stores

ACME = StoreName("project/acme")
SECONDS_MAX = 60


def new_dream(store: StoreName = ACME) -> NewDream:
    return NewDream(store=store, requested_by="agent")


@pytest.fixture
async def dream(stores: Stores) -> Dream:
    """A dream that a worker has, and that this test is the worker of."""
    await stores.remember(ACME, NewEntry(content="Tea."), actor="agent")
    await stores.start_dream(new_dream())
    taken = await stores.claim_dream("test", lease_seconds=600)
    assert taken is not None
    return taken


async def reach(stores: Stores, dream: Dream, stage: str, done: int = 0) -> None:
    await stores.beat(dream.dream_id, dream.attempt, lease_seconds=600, stage=stage, done=done, total=9)


async def read(client: Client, address: str) -> dict[str, Any]:
    (contents,) = (await client.read_resource(address)).contents
    assert isinstance(contents, TextResourceContents)
    return json.loads(contents.text)


async def test_get_dream_shows_the_latest_changes_that_were_decided(
    stores: Stores, dream: Dream, call: Callable[..., Awaitable[Any]]
):
    long = "Long words about tea. " * 40
    decided = tuple(
        Decided(number=at, operation="archive", risk="medium", decision="suggested", reason=long, text=long)
        for at in range(1, 41)
    )
    counts = {f"{kind}/medium/suggested": 7 for kind in ("archive", "merge", "supersede", "conflict", "add", "split")}
    news = Decisions(counts=counts, decided=decided)
    await stores.beat(dream.dream_id, 1, lease_seconds=600, stage="judging", done=7, total=9, decisions=news)
    answer = await call("get_dream")
    assert answer["progress"] == {"done": 7, "total": 9}
    assert answer["counts"]["archive/medium/suggested"] == 7
    assert len(answer["decided"]) == 4
    assert answer["decided"][-1].startswith("archive, medium risk, suggested: Long words about tea.")
    assert len(json.dumps(answer)) < 2_000
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert "decided" not in await call("get_dream")


@pytest.mark.parametrize("era", ["auto"])
async def test_who_listens_to_a_dream_hears_of_each_stage_and_of_its_end(
    stores: Stores, dream: Dream, connect: Callable[..., Client]
):
    address = f"dream://{dream.dream_id}"
    with anyio.fail_after(SECONDS_MAX):
        async with connect() as client, client.listen(resource_subscriptions=[address]) as heard:
            assert heard.honored.resource_subscriptions == [address]
            await reach(stores, dream, "judging")
            assert await anext(heard) == ResourceUpdated(uri=address)
            assert (await read(client, address))["stage"] == "judging"
            await stores.fail_dream(dream.dream_id, 1, "internal_error", "It broke.")
            assert await anext(heard) == ResourceUpdated(uri=address)
            assert (await read(client, address))["status"] == "failed"


@pytest.mark.parametrize("era", ["auto"])
async def test_two_who_listen_to_one_dream_hear_each_news_and_one_may_leave(
    stores: Stores, dream: Dream, connect: Callable[..., Client]
):
    address = f"dream://{dream.dream_id}"
    with anyio.fail_after(SECONDS_MAX):
        async with connect() as client, client.listen(resource_subscriptions=[address]) as stays:
            async with client.listen(resource_subscriptions=[address]) as leaves:
                await reach(stores, dream, "judging")
                assert await anext(stays) == await anext(leaves)
            await reach(stores, dream, "planning")
            assert await anext(stays) == ResourceUpdated(uri=address)


@pytest.mark.parametrize("era", ["auto"])
async def test_a_dream_that_is_not_there_is_not_listened_to(
    stores: Stores, dream: Dream, connect: Callable[..., Client]
):
    wanted = ["dream://d_nothere0", f"dream://{dream.dream_id}", "memory://user/versions/1"]
    async with connect() as client:
        async with client.listen(resource_subscriptions=wanted) as heard:
            assert heard.honored.resource_subscriptions == wanted[1:]
        async with client.listen(tools_list_changed=True) as heard:
            assert heard.honored.resource_subscriptions is None


@pytest.mark.parametrize("era", ["legacy"])
async def test_a_client_of_the_handshake_eras_is_told_that_nobody_can_subscribe(
    dream: Dream, connect: Callable[..., Client]
):
    async with connect() as client:
        assert client.server_capabilities.resources is not None
        assert not client.server_capabilities.resources.subscribe
        with pytest.raises(ListenNotSupportedError):
            async with client.listen(resource_subscriptions=[f"dream://{dream.dream_id}"]):
                pass
        with pytest.raises(MCPError, match="Method not found"), pytest.warns(match="Client.listen"):
            await client.subscribe_resource(f"dream://{dream.dream_id}")  # pyright: ignore[reportDeprecated]


async def test_notices_come_over_stdio_from_a_dream_in_its_worker_process(tmp_path: Path):
    home = tmp_path / "home"
    server = StdioServerParameters(command=sys.executable, args=["-c", SERVE], env=environment(home), cwd=tmp_path)
    async with open_stores(home / "dreamkeep.db") as stores:
        facts = [NewEntry(content=f"Room {at // 2} is on floor {at // 20}" + "." * (at % 2)) for at in range(600)]
        await stores.remember_all(StoreName("user"), facts, actor="agent")
        dream = (await stores.start_dream(new_dream(StoreName("user")))).dream
        # Nobody else may have it before the client listens; then the server has a worker take it up.
        await stores.claim_dream("test", lease_seconds=600)
        address = f"dream://{dream.dream_id}"
        with anyio.fail_after(SECONDS_MAX):
            async with Client(server, mode="auto") as client, client.listen(resource_subscriptions=[address]) as heard:
                await stores.beat(dream.dream_id, 1, lease_seconds=-1.0, stage="judging", done=0, total=0)
                status = "running"
                while status == "running":
                    assert await anext(heard) == ResourceUpdated(uri=address)
                    status = (await read(client, address))["status"]
        assert status == "completed"
        assert (await stores.get_dream(dream.dream_id)).attempt == 2
