"""The whole story, through the installed server and the real client."""

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.types import TextResourceContents

from .installed import SECONDS_MAX, Installed

READING = {"recall", "get_dream", "list_versions", "diff_versions", "memory_status"}
REPEATING = READING | {
    "remember",
    "tag_tier",
    "forget",
    "record_session",
    "start_dream",
    "cancel_dream",
    "review_dream",
}
DESTROYING = {"forget", "cancel_dream", "review_dream", "switch_version", "rollback"}
TOOLS = REPEATING | DESTROYING | {"record_outcome", "judge_dream"}

OLD_PORT = "The API of acme listens on port 5433."
NEW_PORT = "The API of acme now listens on port 5434."
SHORT = "Ana prefers short answers."
SHORT_AGAIN = "ana prefers short answers"
PASSING = "The login page is being debugged right now."
FREEZE = "Deploys of acme are frozen on Fridays."
MEANWHILE = "Bea took over the billing code."
NOTES = [OLD_PORT, NEW_PORT, SHORT, SHORT_AGAIN, PASSING, FREEZE]
LONG_AGO = (datetime.now(UTC) - timedelta(days=40)).isoformat()
SAID = [
    {"role": "user", "content": "Please install the packages."},
    {"role": "assistant", "content": "I ran npm install."},
    {"role": "user", "content": "No, use pnpm. From now on I prefer tabs over spaces."},
]


async def test_dreamkeep_is_the_one_from_the_wheel(installed: Installed):
    where = "import dreamkeep_server as s; print(s.__file__)"
    done = await anyio.run_process([str(installed.scripts / "python"), "-c", where], cwd=installed.folder)
    assert Path(done.stdout.decode().strip()).is_relative_to(installed.scripts.parent)
    assert await installed.run("--version") == f"dreamkeep, version {version('dreamkeep')}\n"


async def test_an_agent_remembers_dreams_reviews_switches_and_rolls_back(installed: Installed, era: str):
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window(era) as call:
            tools = (await call.client.list_tools()).tools
            assert {tool.name for tool in tools} == TOOLS
            assert len(tools) == 16
            for tool in tools:
                hints = tool.annotations
                assert tool.title
                assert hints is not None
                assert hints.read_only_hint is (tool.name in READING)
                assert hints.idempotent_hint is (tool.name in REPEATING)
                assert hints.destructive_hint is (tool.name in DESTROYING)
                assert hints.open_world_hint is False

            ids = {
                note: (
                    await call(
                        "remember",
                        content=note,
                        tier="ephemeral" if note == PASSING else "standard",
                        **({"asserted_at": LONG_AGO} if note in (OLD_PORT, PASSING) else {}),
                    )
                )["entry_id"]
                for note in NOTES
            }
            assert len(set(ids.values())) == len(NOTES)

            async def recalled(query: str = "") -> set[str]:
                return {one["content"] for one in (await call("recall", query=query))["entries"]}

            assert {OLD_PORT, NEW_PORT} <= await recalled("which port does the API listen on")
            tagged = await call("tag_tier", entry_ids=[ids[FREEZE]], tier="persistent", add_tags=["deploys"])
            assert (tagged["entries"][0]["tier"], tagged["entries"][0]["tags"]) == ("persistent", ["deploys"])
            assert (await call("record_session", messages=SAID))["messages"] == len(SAID)

            started = await call("start_dream", judge="rules")
            assert started["status"] == "pending"
            dream = await call("get_dream", wait_seconds=50)
            assert dream["dream_id"] == started["dream_id"]
            assert dream["status"] == "completed"
            proposed = dream["output_version"]

            review = await call("review_dream")
            added = next(line for line in review["changes"] if " add " in line)
            assert "suggested" in added
            change = added.split()[0]
            (whole,) = (await call("review_dream", only=[change]))["full"]
            assert whole["sources"][0]["text"] in SAID[2]["content"]
            assert (await call("review_dream", accept=[change]))["decided"] == [f"{change} included"]

            differences = (await call("diff_versions"))["differences"]
            assert {one["before"] for one in differences if "before" in one} >= {OLD_PORT, PASSING}
            assert all(one["reason"] for one in differences)
            assert await recalled() == set(NOTES)
            assert await recalled("Bea billing") == set()

            await call("remember", content=MEANWHILE)
            switched = await call("switch_version", version=proposed)
            assert switched["head"] == proposed
            assert "skipped" not in switched
            after = await recalled()
            assert {NEW_PORT, FREEZE, MEANWHILE} <= after
            assert not {OLD_PORT, PASSING} & after
            assert len({SHORT, SHORT_AGAIN} & after) == 1
            learned = {one for one in after if one not in (*NOTES, MEANWHILE)}
            assert len(learned) == 1
            (closed,) = (await call("recall", entry_ids=[ids[OLD_PORT]]))["closed"]
            assert closed["how"] == "dream"
            assert closed["became"] == [ids[NEW_PORT]]

            back = await call("rollback")
            assert back["undone"] == [proposed]
            assert await recalled() == {*NOTES, MEANWHILE}
            status = await call("memory_status")
            (standing,) = [one for one in status["standing"] if one["store"] == status["default_store"]]
            assert standing["head"] == back["head"]
            assert standing["entries"] == {"persistent": 1, "standard": 5, "ephemeral": 1}
            assert "ok" in status["health"][0]
    assert "is what it was written as" in await installed.run("verify")


async def test_versions_and_dreams_can_be_read_as_resources_and_the_prompts_are_there(installed: Installed):
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window() as call:
            kept = await call("remember", content=OLD_PORT, store="project/acme")
            started = await call("start_dream", store="project/acme", judge="rules")

            async def read(uri: str) -> Any:
                (text,) = (await call.client.read_resource(uri)).contents
                assert isinstance(text, TextResourceContents)
                return json.loads(text.text)

            versions = (await call("list_versions", store="project/acme"))["versions"]
            newest = max(row["number"] for row in versions)
            contents = await read(f"memory://project/acme/versions/{newest}")
            assert [one["id"] for one in contents["entries"]] == [kept["entry_id"]]
            assert (await read(f"dream://{started['dream_id']}"))["base"] == newest
            with pytest.raises(MCPError, match="d_zzzzzzzz"):
                await read("dream://d_zzzzzzzz")
            prompts = (await call.client.list_prompts()).prompts
            assert [prompt.name for prompt in prompts] == ["dream", "review_dream"]
            asked = await call.client.get_prompt("dream", {"instructions": "Mind the ports."})
            assert "Mind the ports." in str(asked.messages[0].content)
