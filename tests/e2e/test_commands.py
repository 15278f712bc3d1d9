"""The command line of the wheel, on the memory that a client of the same wheel wrote."""

import json
from pathlib import Path

import anyio

from .installed import SECONDS_MAX, Installed

PORT = "The API of acme listens on port 5434."
FREEZE = "Deploys of acme are frozen on Fridays."


async def test_the_command_line_sees_what_a_client_remembered_and_the_client_sees_what_it_did(installed: Installed):
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window() as call:
            kept = await call("remember", content=PORT, tags=["ports"], topic="/acme/api")
            await call("remember", content=FREEZE, tier="persistent")
            await call("start_dream")
            assert (await call("get_dream", wait_seconds=50))["status"] == "completed"

            (found,) = json.loads(await installed.run("recall", "which port", "--json"))
            assert (found["entry_id"], found["content"], found["tags"]) == (kept["entry_id"], PORT, ["ports"])
            versions = json.loads(await installed.run("versions", "--json"))
            assert [one["kind"] for one in versions] == ["checkpoint", "initial"]
            assert [one["number"] for one in (await call("list_versions"))["versions"]] == [2, 1]
            assert json.loads(await installed.run("verify", "--json")) == []

            await installed.run("remember", "Ana reviews the billing code.")
            found = await call("recall", query="who reviews billing", detail="detailed")
            assert found["entries"][0]["content"] == "Ana reviews the billing code."
            assert found["entries"][0]["trust"] == "user"


async def test_what_is_exported_and_imported_again_is_the_same(installed: Installed, tmp_path: Path):
    with anyio.fail_after(2 * SECONDS_MAX):
        async with installed.window() as call:
            await call("remember", content=PORT, tags=["ports", "api"], topic="/acme/api")
            await call("remember", content=FREEZE, tier="persistent", asserted_at="2026-03-01T09:30:00Z")
            await call("remember", content="Zoë says: “naïve” — 日本語 🙂\nsecond line", tier="ephemeral")
        exported = await installed.run("export")
        copy = Installed(scripts=installed.scripts, home=tmp_path / "copy", folder=installed.folder)
        told = json.loads(await copy.run("import", "-", "--store", "project/copy", "--json", stdin=exported.encode()))
        assert told["new"] == 3
        copied = await copy.run("export", "--store", "project/copy")
        assert sorted(copied.splitlines()) == sorted(exported.splitlines())
        again = json.loads(await copy.run("import", "-", "--store", "project/copy", "--json", stdin=exported.encode()))
        assert (again["new"], again["confirmed"]) == (0, 3)
        assert json.loads(await copy.run("verify", "--json")) == []
