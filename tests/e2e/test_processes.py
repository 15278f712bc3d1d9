"""Processes that end: the client's, the server's and the worker's, when told to and when killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError

from .installed import LOOK_AGAIN_SECONDS, SECONDS_MAX, Installed

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
MACHINES = 650
"""As many repeats keep a dream busy for seconds."""
CALLS_AT_ONCE = 4
ACKNOWLEDGED_BEFORE_THE_KILL = 25

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")


async def remember_machines(installed: Installed) -> None:
    """Fill the store `user` with two entries that say the same and one that does not, for each machine."""
    wordings = (
        "Machine {} of the lab has disk 0.",
        "Machine {} of the LAB has disk 0",
        "Machine {} of the lab has disk 1.",
    )
    notes = [wording.format(machine) for machine in range(MACHINES) for wording in wordings]
    lines = "\n".join(json.dumps({"content": note}) for note in notes)
    await installed.run("import", "-", "--store", "user", stdin=lines.encode())
    await installed.left_alone()  # the worker that embeds them is not the one that will dream


async def the_worker(installed: Installed) -> int:
    """The worker's process id, once there is one."""
    with anyio.fail_after(SECONDS_MAX):
        while True:
            for pid, line in installed.processes().items():
                if "dreamkeep_server.worker" in line:
                    return pid
            await anyio.sleep(LOOK_AGAIN_SECONDS)  # a detached process tells nobody


async def test_the_server_ends_when_its_input_closes(installed: Installed):
    process = await anyio.open_process(
        [installed.command, "serve"], cwd=installed.folder, env=installed.environment, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with anyio.fail_after(SECONDS_MAX):
        await process.stdin.send(json.dumps(HELLO).encode() + b"\n")
        assert b"dreamkeep" in await process.stdout.receive()
        await process.stdin.aclose()
        assert await process.wait() == 0
    await process.aclose()
    assert installed.processes() == {}


@linux_only
async def test_a_dream_goes_on_when_its_client_closes_and_then_nothing_is_left_running(installed: Installed):
    await remember_machines(installed)
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window() as call:
            started = await call("start_dream", store="user", judge="rules")
            worker = await the_worker(installed)
            os.kill(worker, signal.SIGSTOP)  # so that the dream cannot have ended before its client
        assert list(installed.processes()) == [worker]
        os.kill(worker, signal.SIGCONT)
        async with installed.window() as call:
            dream = await call("get_dream", dream_id=started["dream_id"], wait_seconds=50)
            assert dream["status"] == "completed"
            assert dream["counts"]["merge/low/included"] == MACHINES
        await installed.left_alone()


@linux_only
@pytest.mark.promise("kill-safe")
async def test_a_dream_whose_worker_is_killed_is_finished_by_the_next_server(installed: Installed):
    await remember_machines(installed)
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window() as call:
            started = await call("start_dream", store="user", judge="rules")
            worker = await the_worker(installed)
            while (await call("get_dream"))["status"] == "pending":  # noqa: ASYNC110  # another process claims it
                await anyio.sleep(LOOK_AGAIN_SECONDS)
            os.kill(worker, signal.SIGKILL)
        async with installed.window() as call:
            dream: dict[str, Any] = {"status": "running"}
            while dream["status"] in ("pending", "running"):
                dream = await call("get_dream", dream_id=started["dream_id"], wait_seconds=50)
            assert dream["status"] == "completed"
            assert dream["counts"]["merge/low/included"] == MACHINES
            assert await the_worker(installed) != worker
    assert "is what it was written as" in await installed.run("verify")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.promise("kill-safe")
async def test_a_server_killed_in_mid_write_loses_nothing_that_it_acknowledged(installed: Installed, tmp_path: Path):
    acknowledged: set[str] = set()
    pid_file = tmp_path / "pid"
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window(pid_file=pid_file) as call:

            async def remember_until_killed(writer: int) -> None:
                number = 0
                while True:
                    number += 1
                    content = f"Writer {writer} keeps note {number}."
                    try:
                        await call("remember", content=content, store="user")
                    except MCPError:
                        return
                    acknowledged.add(content)
                    if len(acknowledged) == ACKNOWLEDGED_BEFORE_THE_KILL:
                        os.kill(int(pid_file.read_text()), signal.SIGKILL)

            async with anyio.create_task_group() as tasks:
                for writer in range(CALLS_AT_ONCE):
                    tasks.start_soon(remember_until_killed, writer)
        assert len(acknowledged) >= ACKNOWLEDGED_BEFORE_THE_KILL
        assert "is what it was written as" in await installed.run("verify")
        lines = (await installed.run("export", "--store", "user")).splitlines()
        kept = {json.loads(line)["content"] for line in lines}
        assert acknowledged <= kept
        assert len(kept - acknowledged) <= CALLS_AT_ONCE
        async with installed.window() as call:
            assert (await call("remember", content="Life goes on.", store="user"))["outcome"] == "new"
