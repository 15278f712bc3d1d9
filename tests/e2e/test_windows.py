"""Several windows of a client on one memory, each with a server of its own."""

import json

import anyio
import pytest

from .installed import SECONDS_MAX, Installed, Window

WINDOWS = 4
REMEMBERS = 50


@pytest.mark.promise("concurrent-windows")
async def test_four_windows_remember_at_once_and_nothing_is_lost(installed: Installed):
    ids: set[str] = set()
    opened: list[Window] = []
    all_open = anyio.Event()

    async def remember(window: int) -> None:
        async with installed.window() as call:
            opened.append(call)
            if len(opened) == WINDOWS:
                all_open.set()
            await all_open.wait()
            for number in range(REMEMBERS):
                content = f"Window {window} learned fact {number}."
                kept = await call("remember", content=content)
                ids.add(kept["entry_id"])
                if number % 10 == 0:
                    whole = await call("recall", entry_ids=[kept["entry_id"]])
                    assert whole["entries"][0]["content"] == content

    with anyio.fail_after(2 * SECONDS_MAX):
        async with anyio.create_task_group() as tasks:
            for window in range(WINDOWS):
                tasks.start_soon(remember, window)
    assert len(ids) == WINDOWS * REMEMBERS
    kept = [json.loads(line)["content"] for line in (await installed.run("export")).splitlines()]
    assert len(kept) == WINDOWS * REMEMBERS
    assert set(kept) == {
        f"Window {one} learned fact {number}." for one in range(WINDOWS) for number in range(REMEMBERS)
    }
    assert "is what it was written as" in await installed.run("verify")
