"""An agent dreams: batches outlive the window that they were offered in, and no process waits for them."""

import anyio

from .installed import SECONDS_MAX, Installed


async def test_an_agent_judges_in_another_window_what_it_was_asked_in_one(installed: Installed):
    with anyio.fail_after(3 * SECONDS_MAX):
        async with installed.window() as call:
            await call("remember", content="Deploys are frozen on Fridays.", asserted_at="2026-01-05")
            await call("remember", content="Deploys are not frozen on Fridays.", asserted_at="2026-03-05")
            said = [{"role": "user", "content": "From now on Mia sends the invoices.", "at": "2026-03-07T10:00:00Z"}]
            await call("record_session", messages=said)
            started = await call("start_dream", judge="agent")
            while (told := await call("get_dream", wait_seconds=50))["stage"] != "waiting for the judge":
                assert told["status"] in {"pending", "running"}
        await installed.left_alone()
        async with installed.window("legacy") as call:
            assert f'judge_dream(dream_id="{started["dream_id"]}")' in (await call("get_dream"))["next"]
            batch = (await call("judge_dream"))["batch"]
            (session,) = (one for one in batch["stored"] if "messages" in one)
            (asked,) = (one for one in batch["stored"] if "entries" in one)
            assert session["began"] == "Saturday 2026-03-07"
            older, newer = sorted(asked["entries"], key=lambda entry: entry["asserted"])
            judgements = [
                {
                    "candidate": asked["candidate"],
                    "operation": "supersede",
                    "entries": [newer["id"], older["id"]],
                    "reason": "The freeze was lifted.",
                    "sure": True,
                },
                {
                    "candidate": session["candidate"],
                    "operation": "add",
                    "kind": "workflow",
                    "content": "Mia sends the invoices.",
                    "quotes": [{"session_id": session["session_id"], "message": 1, "text": "Mia sends the invoices."}],
                    "reason": "Who does it changed.",
                    "sure": True,
                },
            ]
            assert (await call("judge_dream", batch_id=batch["batch_id"], judgements=judgements))["done"]
            done = await call("get_dream", wait_seconds=50)
            assert done["status"] == "completed"
            assert done["counts"] == {"add/medium/included": 1, "supersede/medium/included": 1}
            await call("switch_version", version=done["output_version"])
            found = await call("recall", query="frozen on Fridays")
            assert [entry["content"] for entry in found["entries"]] == ["Deploys are not frozen on Fridays."]
