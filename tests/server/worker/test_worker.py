"""The worker: a dream survives its death at any point, its client's end, cancelling and a second worker."""

import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from dreamkeep_server.dream.pipeline import PLAN_STEP, plan_json
from dreamkeep_server.worker import ensure_worker, run_worker
from dreamkeep_store.database import preferred_library
from dreamkeep_store.models import (
    DraftChange,
    Dream,
    DreamId,
    Message,
    NewDream,
    NewEntry,
    Policy,
    Recalled,
    Search,
    StoreName,
)
from dreamkeep_store.store import Stores, open_stores

LIBRARY: ModuleType = preferred_library
USER = StoreName("user")
KILLED_WORKER = Path(__file__).with_name("killed_worker.py")
LONG_AGO = datetime.now(UTC) - timedelta(days=40)

NOTES = [
    NewEntry(content="The API listens on port 5433.", asserted_at=LONG_AGO),
    NewEntry(content="The API now listens on port 5434."),
    NewEntry(content="Ana prefers short answers."),
    NewEntry(content="ana prefers short answers"),
    NewEntry(content="Debugging the login page right now.", tier="ephemeral", asserted_at=LONG_AGO),
    NewEntry(content="Deploys are frozen on Fridays."),
]


@asynccontextmanager
async def remembered(path: Path) -> AsyncGenerator[Stores]:
    """Stores with notes, a session and a recall; verified at the end."""
    async with open_stores(path) as stores:
        await stores.remember_all(USER, NOTES, actor="agent")
        said = [Message(number=1, role="user", text="No, use pnpm. From now on I prefer tabs over spaces.")]
        await stores.record_session(USER, said, trust="user", redactions=0, actor="user")
        found = await stores.search(Search(query="which answers does Ana prefer", stores=(USER,)))
        ids = tuple(match.entry.entry_id for match in found)
        await stores.record_recalls([Recalled(store=USER, query="Ana answers", entry_ids=ids, at=datetime.now(UTC))])
        yield stores
        assert await stores.verify() == []


async def start(stores: Stores, policy: Policy = "review") -> Dream:
    """Queue a dream by the rules judge over the head and the new sessions."""
    started = await stores.start_dream(NewDream(store=USER, sessions="new", policy=policy, requested_by="agent"))
    return started.dream


async def outcome(path: Path, dream_id: DreamId) -> tuple[object, ...]:
    """What a dream came to: its status, its counts, and the digests of all versions that can be read."""
    async with open_stores(path) as stores:
        dream = await stores.get_dream(dream_id)
        versions = await stores.list_versions(USER)
        digests = [(v.number, v.kind, v.state, await stores.digest(USER, v.number)) for v in versions]
        assert await stores.verify() == []
        return dream.status, dream.counts, dream.recall_checked, dream.recall_kept, digests


KILLS = [
    ("claim_dream", "after"),
    ("material", "after"),
    ("write_step", "before"),
    ("write_step", "after"),
    ("propose", "before"),
    ("propose", "after"),
    ("recorded_recalls", "after"),
    ("hold_back", "after"),
    ("switch", "before"),
    ("switch", "after"),
    ("complete_dream", "before"),
    ("complete_dream", "after"),
]


@pytest.mark.promise("kill-safe")
@pytest.mark.parametrize(("method", "when"), KILLS)
async def test_a_dream_killed_anywhere_and_resumed_ends_the_same(tmp_path: Path, method: str, when: str) -> None:
    pending = tmp_path / "pending" / "dreamkeep.db"
    async with remembered(pending) as stores:
        dream = await start(stores, "auto_low")
    calm, killed = tmp_path / "calm" / "dreamkeep.db", tmp_path / "killed" / "dreamkeep.db"
    for copy in (calm, killed):
        shutil.copytree(pending.parent, copy.parent)
    async with open_stores(calm) as stores:
        await run_worker(stores, idle_seconds=0.0)
    died = await anyio.run_process([sys.executable, str(KILLED_WORKER), str(killed), method, when], check=False)
    assert died.returncode == -signal.SIGKILL
    async with open_stores(killed) as stores:
        await run_worker(stores, idle_seconds=3.0, lease_seconds=0.5)
    assert await outcome(killed, dream.dream_id) == await outcome(calm, dream.dream_id)


async def test_a_resumed_dream_takes_its_plan_from_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "dreamkeep.db"
    async with remembered(path) as stores:
        dream = await start(stores)
    for method, when in (("write_step", "after"), ("propose", "after")):
        with anyio.fail_after(20):
            while not await waits(path):  # noqa: ASYNC110  # the lease runs out by the clock
                await anyio.sleep(0.1)  # the lease runs out by the clock
        command = [sys.executable, str(KILLED_WORKER), str(path), method, when]
        assert (await anyio.run_process(command, check=False)).returncode == -signal.SIGKILL
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT step, attempt FROM dream_step WHERE dream_id = ? AND step != 'decided' ORDER BY step",
            (dream.dream_id,),
        ).fetchall()
        assert rows == [("plan", 1), ("usage", 1)]
        assert connection.execute("SELECT attempt FROM dream").fetchall() == [(2,)]
    connection.close()


async def waits(path: Path) -> bool:
    """Whether a worker would find a dream in the database."""
    async with open_stores(path) as stores:
        return await stores.dream_waits()


async def test_a_started_worker_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    path = tmp_path / "dreamkeep.db"
    async with remembered(path) as stores:
        dream = await start(stores)
    script = (
        "import anyio, pathlib, sys\n"
        "from dreamkeep_server.worker import ensure_worker\n"
        "from dreamkeep_store.store import open_stores\n"
        "async def main():\n"
        "    async with open_stores(pathlib.Path(sys.argv[1])) as stores:\n"
        "        await ensure_worker(stores)\n"
        "anyio.run(main)\n"
    )
    with anyio.fail_after(60):
        await anyio.run_process([sys.executable, "-c", script, str(path)])
    async with open_stores(path) as stores:
        with anyio.fail_after(60):
            while (await stores.get_dream(dream.dream_id)).ended_at is None:  # noqa: ASYNC110  # another process
                await anyio.sleep(0.1)  # another process ends it
        assert (await stores.get_dream(dream.dream_id)).status == "completed"


async def test_a_worker_is_started_only_for_a_dream_that_waits(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        await ensure_worker(stores)
        assert not (tmp_path / "worker.log").exists()


async def test_a_canceled_dream_is_given_up_by_its_worker(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        await stores.cancel_dream(dream.dream_id, actor="agent")
        await run_worker(stores, idle_seconds=0.0)
        assert (await stores.get_dream(dream.dream_id)).status == "canceled"
        assert [version.kind for version in await stores.list_versions(USER)] == ["checkpoint", "initial"]


async def test_two_workers_share_the_dreams_of_several_stores(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        first = await start(stores)
        other = StoreName("project/acme")
        await stores.remember_all(other, NOTES, actor="agent")
        second = await stores.start_dream(NewDream(store=other, sessions="new", requested_by="agent"))
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(partial(run_worker, stores, idle_seconds=1.0))
        for dream_id in (first.dream_id, second.dream.dream_id):
            dream = await stores.get_dream(dream_id)
            assert (dream.status, dream.attempt) == ("completed", 1)


@pytest.mark.promise("input-unchanged")
async def test_a_dream_leaves_the_version_it_read_as_it_was(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        before = await stores.digest(USER, dream.base)
        await run_worker(stores, idle_seconds=0.0)
        done = await stores.get_dream(dream.dream_id)
        assert done.output_version is not None
        await stores.switch(USER, done.output_version, actor="user")
        assert (await stores.get_version(USER, dream.base)).digest == before
        assert await stores.digest(USER, done.output_version) != before


async def test_auto_low_switches_with_the_low_changes_and_leaves_the_rest_suggested(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores, "auto_low")
        await run_worker(stores, idle_seconds=0.0)
        done = await stores.get_dream(dream.dream_id)
        assert (await stores.get_version(USER, None)).number == done.output_version
        changes = (await stores.list_changes(dream.dream_id, limit=100)).changes
        assert {change.risk for change in changes if change.applied} == {"low"}
        assert {change.decision for change in changes if change.risk != "low"} == {"suggested"}


async def test_a_dream_that_would_replace_more_than_a_quarter_is_not_switched_to_by_policy(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "dreamkeep.db") as stores:
        await stores.remember_all(USER, [NOTES[0], NOTES[1], NOTES[2]], actor="agent")
        dream = await start(stores, "auto_medium")
        await run_worker(stores, idle_seconds=0.0)
        done = await stores.get_dream(dream.dream_id)
        assert done.output_version is not None
        assert (await stores.get_version(USER, done.output_version)).state == "proposed"
        assert (await stores.get_version(USER, None)).kind == "initial"
        assert await stores.verify() == []


@pytest.mark.promise("converges")
async def test_a_second_dream_right_after_the_first_includes_nothing(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        first = await start(stores, "auto_medium")
        await run_worker(stores, idle_seconds=0.0)
        done = await stores.get_dream(first.dream_id)
        assert done.output_version is not None
        if (await stores.get_version(USER, done.output_version)).state == "proposed":
            await stores.switch(USER, done.output_version, actor="user")
        second = await start(stores)
        await run_worker(stores, idle_seconds=0.0)
        again = await stores.get_dream(second.dream_id)
        assert again.status == "completed"
        assert not [kind for kind in again.counts if kind.endswith("/included")]


async def test_a_dream_over_the_same_input_gives_the_earlier_one(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        first = await start(stores)
        await run_worker(stores, idle_seconds=0.0)
        assert (await start(stores)).dream_id == first.dream_id


@contextmanager
def behind_the_store(path: Path) -> Generator[Any]:
    """A connection of the test's own, of the same library: two libraries in one process break each other's locks."""
    connection: Any = LIBRARY.connect(str(path), isolation_level=None)
    yield connection
    connection.close()


async def failed(stores: Stores, dream: Dream) -> tuple[str | None, str]:
    """The code and the message of a dream that the real worker ended; nothing was proposed."""
    await run_worker(stores, idle_seconds=0.0)
    ended = await stores.get_dream(dream.dream_id)
    assert (ended.status, ended.output_version) == ("failed", None)
    assert (await stores.standing(ended.store)).proposal is None
    return ended.error_code, ended.error_message or ""


async def test_a_dream_whose_store_was_merged_away_says_where_its_entries_are(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        await stores.merge_stores(USER, StoreName("project/acme"), actor="user")
        code, message = await failed(stores, dream)
        assert code == "input_memory_store_unavailable"
        assert "merged into project/acme" in message


async def test_a_dream_whose_session_went_to_another_store_says_so(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "dreamkeep.db") as stores:
        said = [Message(number=1, role="user", text="I prefer tabs over spaces.")]
        session = await stores.record_session(USER, said, trust="user", redactions=0, actor="user")
        dream = await start(stores)
        await stores.merge_stores(USER, StoreName("project/acme"), actor="user")
        code, message = await failed(stores, dream)
        assert code == "input_session_unavailable"
        assert session.session_id in message
        assert await stores.verify() == []


async def test_a_dream_over_a_damaged_text_is_not_dreamt(tmp_path: Path) -> None:
    path = tmp_path / "dreamkeep.db"
    async with remembered(path) as stores:
        dream = await start(stores)
        with behind_the_store(path) as behind:
            behind.execute("UPDATE content SET text = text || '!' WHERE content_id = 1")
        code, message = await failed(stores, dream)
        assert code == "input_memory_store_unavailable"
        assert "`dreamkeep verify`" in message
        with behind_the_store(path) as behind:
            behind.execute("UPDATE content SET text = rtrim(text, '!') WHERE content_id = 1")


async def test_a_store_that_is_too_large_fails_its_dream_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dreamkeep.db"
    async with open_stores(path) as stores:
        await stores.remember(USER, NewEntry(content="x" * 102_400), actor="agent")
        with behind_the_store(path) as behind:
            behind.execute(
                """
                INSERT INTO revision (
                    store_id, entry_id, content_id, tier, tags, trust, asserted_at, from_seq, opened_at
                )
                WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number WHERE at < 2622)
                SELECT store_id, printf('e_%08d', at), content_id, tier, tags, trust, asserted_at, from_seq, opened_at
                FROM revision CROSS JOIN number
                """
            )
        dream = await start(stores)
        code, message = await failed(stores, dream)
        assert code == "input_memory_store_too_large"
        assert "at most 500,000 entries and 268,435,456 bytes" in message


async def test_a_dream_that_takes_longer_than_it_may_ends(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        await run_worker(stores, idle_seconds=0.0, dream_seconds=0.0)
        ended = await stores.get_dream(dream.dream_id)
        assert (ended.status, ended.error_code) == ("failed", "timeout")
        assert "start_dream with fewer sessions" in (ended.error_message or "")
        assert (await start(stores)).dream_id != dream.dream_id


async def test_a_plan_that_breaks_a_rule_of_the_store_fails_as_a_whole(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        await journal_a_plan(stores, (await one_change(stores), await one_change(stores)))
        code, message = await failed(stores, dream)
        assert code == "verification_failed"
        assert "c2 rests on what another included change closes" in message


async def test_a_fault_of_ours_fails_the_dream_and_is_raised(tmp_path: Path) -> None:
    async with remembered(tmp_path / "dreamkeep.db") as stores:
        dream = await start(stores)
        taken = await stores.claim_dream("dead", lease_seconds=-1.0)
        assert taken is not None
        await stores.write_step(dream.dream_id, taken.attempt, PLAN_STEP, b"no plan")
        with pytest.raises(ExceptionGroup, match="unhandled errors"):
            await run_worker(stores, idle_seconds=0.0)
        ended = await stores.get_dream(dream.dream_id)
        assert (ended.status, ended.error_code) == ("failed", "internal_error")
        assert "worker.log" in (ended.error_message or "")


async def one_change(stores: Stores) -> DraftChange:
    """An archiving of the first entry."""
    (match,) = await stores.search(Search(query="frozen", stores=(USER,)))
    revision = match.entry.revision_id
    return DraftChange(
        operation="archive",
        risk="low",
        decision="included",
        reason="Old.",
        fingerprint=b"1" * 32,
        reads=(revision,),
        closes=(revision,),
        opens=(),
    )


async def journal_a_plan(stores: Stores, drafts: tuple[DraftChange, ...]) -> None:
    """Leave this plan in the journal, as a worker that died would have."""
    taken = await stores.claim_dream("dead", lease_seconds=-1.0)
    assert taken is not None
    await stores.write_step(taken.dream_id, taken.attempt, PLAN_STEP, plan_json().dump_json((drafts, ())))


async def test_what_a_dream_decides_is_seen_before_it_is_proposed_and_gone_when_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "dreamkeep.db"
    async with open_stores(path) as stores:
        await stores.remember_all(
            USER,
            [NewEntry(content=f"Room {at // 2} is on floor {at // 20}" + "." * (at % 2)) for at in range(3_000)],
            actor="agent",
        )
        dream = await start(stores)
        seen: list[Dream] = []

        async def watch() -> None:
            while not seen or seen[-1].ended_at is None:
                now = await stores.get_dream(dream.dream_id)
                if not seen or now != seen[-1]:
                    seen.append(now)
                await anyio.sleep(0.02)  # the worker writes, and SQLite tells nobody

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            tasks.start_soon(partial(run_worker, stores, idle_seconds=0.0))
        early = [now for now in seen if now.decided and now.output_version is None]
        assert early
        assert all(one.reason and one.text.startswith("Room ") for now in early for one in now.decided)
        assert max(len(now.decided) for now in early) < 50
        assert seen[-1].status == "completed"
        assert seen[-1].decided == ()
        assert await stores.verify() == []
        with behind_the_store(path) as behind:
            assert behind.execute("SELECT COUNT(*) FROM dream_step").fetchone() == (0,)
