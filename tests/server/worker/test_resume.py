"""Killed anywhere and taken up again, a dream comes to what it would have come to, and pays for nothing twice."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from dreamkeep_store.database import preferred_library
from dreamkeep_store.models import DreamId, JudgeName, Message, NewDream, NewEntry, StoreName
from dreamkeep_store.store import open_stores

from ..judges.messages_api import Answer, Asked, Endpoint, endpoint, said  # noqa: TID252 - beside the judges' tests
from ..judges.sensible import sensible  # noqa: TID252 - as above
from .answering import answer
from .growing import Growing

LIBRARY: ModuleType = preferred_library
USER = StoreName("user")
FORKING = Path(__file__).with_name("forking.py")
KILLS = int(os.environ.get("DREAMKEEP_KILLS", "4"))
"""How many points of each judge's dream are tried; all of them where there are fewer."""
NEVER = -1


class Killing:
    """The process that forks workers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, path: Path, url: str, point: int = NEVER) -> tuple[int, bool]:
        """Run a worker over the database; gives how many points it passed, and whether it died of one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"database": str(path), "url": url, "point": point}) + "\n")
        self._process.stdin.flush()
        answered = json.loads(self._process.stdout.readline())
        return answered["points"], answered["died"]


@pytest.fixture(scope="module")
def killing() -> Generator[Killing]:
    command = [sys.executable, str(FORKING)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killing(process)


@pytest.mark.promise("kill-safe")
@pytest.mark.parametrize("judge", ["rules", "claude", "agent"])
async def test_a_dream_killed_anywhere_comes_to_the_same_and_pays_for_nothing_twice(
    judge: JudgeName, killing: Killing, tmp_path: Path
):
    pending = tmp_path / "pending" / "dreamkeep.db"
    dream_id = await prepare(pending, judge)
    calm = copy(pending, tmp_path / "calm")
    with endpoint(in_small_pieces) as opened:
        points, _ = await to_the_end(killing, calm, opened, dream_id)
        calls = prompts(opened)
    assert len(calls) == len(set(calls))
    assert bool(calls) == (judge == "claude")
    expected = await outcome(calm, dream_id)
    random = Random(judge)
    for point in sorted(random.sample(range(points), min(KILLS, points))):
        killed = copy(pending, tmp_path / f"killed{point}")
        with endpoint(in_small_pieces) as opened:
            _, died = await to_the_end(killing, killed, opened, dream_id, point)
        assert died, point
        kept = await journaled(killed, dream_id)
        with endpoint(in_small_pieces) as opened:
            await to_the_end(killing, killed, opened, dream_id)
            again = prompts(opened)
        assert await outcome(killed, dream_id) == expected, point
        # Those that were under way when the worker died are lost with it, at most as many as go together.
        assert set(again) <= set(calls), point
        assert len(again) == (0 if kept is None else len(calls) - kept), point


async def prepare(path: Path, judge: JudgeName) -> DreamId:
    """A memory of three rounds, and a dream over it that waits."""
    growing = Growing(Random(judge))
    async with open_stores(path) as stores:
        for number in range(3):
            await stores.remember_all(USER, growing.entries(number), actor="agent")
            for talk in growing.talks(number):
                await stores.record_session(USER, talk, trust="user", redactions=0, actor="user")
        alike = [f"The runner alpha{n} listens behind the proxy{tail}." for n in range(6) for tail in ("", " now")]
        long_ago = datetime.now(UTC) - timedelta(days=60)
        await stores.remember_all(USER, [NewEntry(content=text, asserted_at=long_ago) for text in alike], actor="agent")
        more = [Message(number=1, role="user", text="I prefer rooms with a window.")]
        await stores.record_session(USER, more, trust="user", redactions=0, actor="user")
        new = NewDream(
            store=USER,
            sessions="new",
            judge=judge,
            policy="auto_low",
            model="claude-sonnet-5" if judge == "claude" else None,
            budget_usd=20.0 if judge == "claude" else None,
            requested_by="user",
        )
        return (await stores.start_dream(new)).dream.dream_id


def in_small_pieces(asked: Asked) -> Answer:
    """A model that is cut off where it is asked about more than two things."""
    return sensible(asked) if len(asked.candidates) <= 2 else said("cut", stop="max_tokens")


def copy(pending: Path, folder: Path) -> Path:
    shutil.copytree(pending.parent, folder)
    return folder / pending.name


def prompts(opened: Endpoint) -> list[str]:
    return sorted(json.dumps(asked.body) for asked in opened.asked)


async def to_the_end(
    killing: Killing, path: Path, opened: Endpoint, dream_id: DreamId, point: int = NEVER
) -> tuple[int, bool]:
    """Run a dream until it ended, or its worker died; gives the points that were passed, and whether it died."""
    passed = 0
    while True:
        points, died = killing.run(path, opened.url, point - passed if point != NEVER else NEVER)
        passed += points
        if died:
            lease_over(path)
            return passed, True
        async with open_stores(path) as stores:
            now = await stores.get_dream(dream_id)
            if now.ended_at is not None:
                return passed, False
            await answer(stores, now)


def lease_over(path: Path) -> None:
    """The dead worker's lease ran out: no test waits for that."""
    with LIBRARY.connect(str(path)) as behind:
        behind.execute("UPDATE dream SET lease_until = created_at WHERE lease_until IS NOT NULL")
    behind.close()


async def journaled(path: Path, dream_id: DreamId) -> int | None:
    """How many replies a dream has in its journal; None once it ended, and needs none."""
    async with open_stores(path) as stores:
        if (await stores.get_dream(dream_id)).ended_at is not None:
            return None
        return len(await stores.read_steps(dream_id, "call "))


async def outcome(path: Path, dream_id: DreamId) -> dict[str, Any]:
    """All that a dream came to."""
    async with open_stores(path) as stores:
        dream = await stores.get_dream(dream_id)
        changes = (await stores.list_changes(dream_id, limit=100)).changes
        versions = await stores.list_versions(USER)
        assert await stores.verify() == []
        return {
            "status": (dream.status, dream.error_message, dream.refusals, dream.usage, dream.counts),
            "checked": (dream.recall_checked, dream.recall_kept),
            "changes": changes,
            "digests": [(v.number, v.kind, v.state, await stores.digest(USER, v.number)) for v in versions],
        }
