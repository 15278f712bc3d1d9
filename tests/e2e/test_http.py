"""The installed server over HTTP, with tokens that its command line made."""

import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from mcp import MCPError

from .installed import SECONDS_MAX, Installed, connected

ACME = "project/acme"
OTHER = "project/other"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@asynccontextmanager
async def serving(installed: Installed) -> AsyncGenerator[str]:
    """The address of an HTTP server on a free port."""
    process = await anyio.open_process(
        [installed.command, "serve", "--http", "--port", "0"],
        cwd=installed.folder,
        env=installed.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert process.stderr is not None
    try:
        said = ""
        with anyio.fail_after(SECONDS_MAX):
            while "\n" not in said:
                said += (await process.stderr.receive()).decode()
        yield said.splitlines()[0].split()[-1]
    finally:
        process.terminate()
        with anyio.fail_after(SECONDS_MAX, shield=True):
            await process.wait()
        await process.aclose()


async def status(address: str, token: str) -> int:
    """The HTTP status that a request with this token gets."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS_MAX) as http:
        return (await http.post(address, json=PING)).status_code


async def test_a_token_opens_its_stores_with_its_rights_and_nothing_else(installed: Installed):
    async def create(*words: str) -> str:
        return (await installed.run("token", "create", *words)).strip()

    with anyio.fail_after(2 * SECONDS_MAX):
        acme = await create("acme", "--store", ACME)
        reader = await create("reader", "--store", ACME, "--rights", "read")
        other = await create("other", "--store", OTHER)
        async with serving(installed) as address:
            assert address.startswith("http://127.0.0.1:")
            for era in ("auto", "legacy"):
                async with connected(address, other, era) as call:
                    theirs = await call("remember", content=f"The secret office of other is in Bergen ({era}).")
                    assert theirs["store"] == OTHER
                async with connected(address, acme, era) as call:
                    mine = await call("remember", content=f"The office of acme is in Oslo ({era}).")
                    found = await call("recall", query=f"secret office {era}")
                    assert found["entries"][0]["id"] == mine["entry_id"]
                    assert all("acme" in one["content"] for one in found["entries"])
                    assert theirs["entry_id"] in await call.refused("recall", entry_ids=[theirs["entry_id"]])
                    assert theirs["entry_id"] in await call.refused("forget", entry_ids=[theirs["entry_id"]])
                    assert "There is no store" in await call.refused("recall", query="office", store=OTHER)
                    assert (await call("memory_status"))["stores"] == [ACME]
                async with connected(address, reader, era) as call:
                    assert (await call("recall", query=f"office {era}"))["entries"][0]["id"] == mine["entry_id"]
                    assert "may only read" in await call.refused("remember", content="The office moved.")
                    assert "may only read" in await call.refused("rollback")
            tokens = json.loads(await installed.run("token", "list", "--json"))
            (revoked,) = [one["token_id"] for one in tokens if one["name"] == "reader"]
            await installed.run("token", "revoke", revoked)
            for wrong in ("dk_wrong", acme[:-1], reader):
                assert await status(address, wrong) == 401
                with pytest.RaisesGroup(MCPError, flatten_subgroups=True):
                    async with connected(address, wrong):
                        pass
    assert installed.processes() == {}
