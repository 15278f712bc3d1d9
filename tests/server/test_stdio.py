"""Standard input and output: the server ends with its client, and leaves nothing running."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

Call = Callable[..., Awaitable[Any]]
SERVE = """
import anyio
from dreamkeep_server.server import serve_stdio
from dreamkeep_server.settings import load_settings
anyio.run(serve_stdio, load_settings())
"""
SECONDS_MAX = 60
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def environment(home: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("DREAMKEEP_")}
    return {**mine, "DREAMKEEP_HOME": str(home)}


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_client_of_either_era_remembers_in_the_project_of_its_folder(
    tmp_path: Path, era: str, calling: Callable[[Client], Call]
):
    project = tmp_path / "acme"
    (project / ".git").mkdir(parents=True)
    (project / ".git" / "config").write_text('[remote "origin"]\n\turl = git@example.com:acme/App.git\n')
    server = StdioServerParameters(
        command=sys.executable, args=["-c", SERVE], env=environment(tmp_path / "home"), cwd=project
    )
    with anyio.fail_after(SECONDS_MAX):
        async with Client(server, mode=era) as client:
            kept = await calling(client)("remember", content="Acme's office is in Oslo.")
            found = await calling(client)("recall", query="office")
    assert kept["store"] == "project/example.com/acme/app"
    assert found["entries"][0]["id"] == kept["entry_id"]


async def test_the_server_ends_when_its_input_closes(tmp_path: Path):
    process = await anyio.open_process(
        [sys.executable, "-c", SERVE], env=environment(tmp_path), stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with anyio.fail_after(SECONDS_MAX):
        await process.stdin.send(json.dumps(HELLO).encode() + b"\n")
        assert b"dreamkeep" in await process.stdout.receive()
        await process.stdin.aclose()
        assert await process.wait() == 0
    await process.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
async def test_the_server_ends_when_it_is_told_to_though_its_input_is_open(tmp_path: Path):
    process = await anyio.open_process(
        [sys.executable, "-c", SERVE], env=environment(tmp_path), stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with anyio.fail_after(SECONDS_MAX):
        await process.stdin.send(json.dumps(HELLO).encode() + b"\n")
        await process.stdout.receive()
        process.terminate()
        assert await process.wait() == 143
    await process.aclose()
