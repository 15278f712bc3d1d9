"""Streamable HTTP: a real server in a process of its own, tokens bound to stores and rights."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from dreamkeep_store.models import StoreName
from dreamkeep_store.store import open_stores

Call = Callable[..., Awaitable[Any]]
SERVE = """
import anyio
from dreamkeep_server.server import serve_http
from dreamkeep_server.settings import load_settings
anyio.run(serve_http, load_settings(), 0)
"""
START_SECONDS = 60
ACME = StoreName("project/acme")
OTHER = StoreName("project/other")
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@asynccontextmanager
async def serving(home: Path, until: str = "/mcp\n") -> AsyncGenerator[str]:
    """A server's process, once it has said `until`; gives its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DREAMKEEP_")}
    process = await anyio.open_process(
        [sys.executable, "-c", SERVE],
        env={**environment, "DREAMKEEP_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert process.stderr is not None
    try:
        said = ""
        with anyio.fail_after(START_SECONDS):
            while until not in said:
                said += (await process.stderr.receive()).decode()
        yield said.partition("serves ")[2].split()[0]
    finally:
        process.terminate()
        with anyio.fail_after(START_SECONDS):
            await process.wait()
        await process.aclose()


@pytest.fixture
async def tokens(tmp_path: Path) -> dict[str, str]:
    async with open_stores(tmp_path / "dreamkeep.db") as stores:
        return {
            "acme": await stores.create_token("acme", (ACME,), "write"),
            "reader": await stores.create_token("reader", (ACME,), "read"),
            "several": await stores.create_token("several", (ACME, OTHER), "write"),
            "all": await stores.create_token("all", (), "write"),
        }


@asynccontextmanager
async def connected(address: str, token: str, era: str) -> AsyncGenerator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(address, http_client=http), mode=era) as client,
    ):
        yield client


async def test_a_token_hears_of_the_dreams_of_its_own_stores_only(
    tmp_path: Path, tokens: dict[str, str], calling: Callable[[Client], Call]
):
    async with serving(tmp_path) as address:
        async with connected(address, tokens["all"], "auto") as client:
            call = calling(client)
            dreams: dict[str, str] = {}
            for store in (ACME, OTHER):
                await call("remember", content="Tea.", store=store)
                dreams[store] = f"dream://{(await call('start_dream', store=store))['dream_id']}"
            async with client.listen(resource_subscriptions=list(dreams.values())) as heard:
                assert heard.honored.resource_subscriptions == list(dreams.values())
        async with (
            connected(address, tokens["acme"], "auto") as client,
            client.listen(resource_subscriptions=list(dreams.values())) as heard,
        ):
            assert heard.honored.resource_subscriptions == [dreams[ACME]]


async def test_every_request_sees_only_the_stores_of_its_token_and_a_reading_one_writes_nothing(
    tmp_path: Path, tokens: dict[str, str], calling: Callable[[Client], Call]
):
    async with serving(tmp_path) as address:
        for era in ("auto", "legacy"):
            async with connected(address, tokens["all"], era) as client:
                call = calling(client)
                mine = await call("remember", content=f"Ada is at home ({era}).")
                assert mine["store"] == "user"
                theirs = await call("remember", content=f"The secret of other ({era}).", store=OTHER)
            async with connected(address, tokens["acme"], era) as client:
                call = calling(client)
                kept = await call("remember", content=f"Acme's office is in Oslo ({era}).")
                assert kept["store"] == ACME
                found = await call("recall", query="secret home office")
                assert kept["entry_id"] in {row["id"] for row in found["entries"]}
                assert all(row["content"].startswith("Acme's office") for row in found["entries"])
                assert "There is no store" in await call("recall", query="secret", store=OTHER)
                for tool in ("tag_tier", "forget", "record_outcome"):
                    more = {"tag_tier": {"tier": "standard"}, "record_outcome": {"outcome": "useful"}}.get(tool, {})
                    assert theirs["entry_id"] in await call(tool, entry_ids=[theirs["entry_id"]], **more)
                assert isinstance(await call("recall", entry_ids=[theirs["entry_id"]]), str)
                assert isinstance(await call("remember", content="Mine now.", store=OTHER), str)
                assert (await call("memory_status"))["stores"] == [ACME]
            async with connected(address, tokens["reader"], era) as client:
                call = calling(client)
                assert len((await call("recall", query="office"))["entries"]) > 0
                refusal = await call("remember", content="Acme moved.")
                assert "may only read" in refusal
                assert "dreamkeep token create" in refusal
                assert "may only read" in await call("forget", entry_ids=[kept["entry_id"]])
            async with connected(address, tokens["several"], era) as client:
                refusal = await calling(client)("remember", content="Where does this go?")
                assert f"{ACME}, {OTHER}" in refusal
                refusal = await calling(client)("record_session", transcript_path="/etc/hosts", store=ACME)
                assert "share files" in refusal


async def test_what_is_not_a_proper_request_never_reaches_a_tool(tmp_path: Path, tokens: dict[str, str]):
    async with serving(tmp_path) as address, httpx2.AsyncClient(timeout=30) as http:
        good = {**HEADERS, "Authorization": f"Bearer {tokens['acme']}"}

        async def status(headers: dict[str, str], content: bytes = json.dumps(PING).encode()) -> int:
            return (await http.post(address, headers=headers, content=content)).status_code

        assert await status(HEADERS) == 401
        assert await status({**HEADERS, "Authorization": "Bearer dk_wrong"}) == 401
        assert await status({**good, "Host": "evil.example"}) == 421
        assert await status({**good, "Origin": "https://evil.example"}) == 403
        assert await status(good, b"x" * (4 * 1024 * 1024 + 1)) == 413
        async with open_stores(tmp_path / "dreamkeep.db") as stores:
            for token in await stores.list_tokens():
                await stores.revoke_token(token.token_id)
        assert await status(good) == 401


async def test_a_server_without_tokens_says_how_to_make_one_and_a_taken_port_is_refused(tmp_path: Path):
    from dreamkeep_server.server import serve_http
    from dreamkeep_server.settings import Settings
    from dreamkeep_store.errors import UnavailableError

    async with serving(tmp_path, until="dreamkeep token create") as address:
        port = int(address.split(":")[2].split("/")[0])
        with pytest.raises(UnavailableError, match=f"Port {port}"):
            await serve_http(Settings(home=tmp_path), port)
