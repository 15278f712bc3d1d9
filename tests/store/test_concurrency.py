"""Several real processes on one file: nothing is lost, seq has no gaps, and a killed writer leaves it whole."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from dreamkeep_store.models import NewEntry
from dreamkeep_store.store import Stores, open_stores

from .dreaming import NEW_DREAM, USER, archive, connect, merge, propose, remember, shown, texts

pytestmark = pytest.mark.promise("concurrent-windows")
WRITES = 40
WRITE = """
import sys, anyio
from pathlib import Path
from dreamkeep_store.models import NewEntry, Search, StoreName
from dreamkeep_store.store import open_stores

async def main():
    store, name, writes = StoreName("user"), sys.argv[2], int(sys.argv[3])
    async with open_stores(Path(sys.argv[1])) as stores:
        number = 0
        while writes < 0 or number < writes:
            kept = await stores.remember(store, NewEntry(content=f"{name} {number}."), actor="agent")
            if number % 5 == 4:
                await stores.retag([kept.entry_id], tier="persistent", actor="agent")
                await stores.search(Search(query=name, stores=(store,)))
            print(kept.entry_id, flush=True)
            number += 1

anyio.run(main)
"""


def begin(path: Path, name: str, writes: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITE, str(path), name, str(writes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seqs_of(path: Path) -> Sequence[int]:
    connection = connect(path)
    rows = connection.execute(
        "SELECT seq FROM audit WHERE action IN ('remember', 'retag', 'forget', 'confirm') ORDER BY audit_id"
    ).fetchall()
    connection.close()
    return [seq for (seq,) in rows]


async def test_four_processes_lose_nothing_and_seq_has_no_gaps(path: Path) -> None:
    processes = [begin(path, f"window{number}", WRITES) for number in range(4)]
    ids: set[str] = set()
    for process in processes:
        printed, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        ids |= set(printed.split())
    async with open_stores(path) as stores:
        kept = await shown(stores)
        assert set(kept) == ids
        assert sorted(entry.content for entry in kept.values()) == sorted(
            f"window{number} {write}." for number in range(4) for write in range(WRITES)
        )
        assert (await stores.standing(USER)).seq == 4 * (WRITES + WRITES // 5)
        assert await stores.verify() == []
    seqs = seqs_of(path)
    assert list(seqs) == list(range(1, len(seqs) + 1))


@pytest.mark.promise("kill-safe")
async def test_a_writer_killed_at_any_moment_loses_nothing_that_it_was_told_is_kept(path: Path) -> None:
    told: set[str] = set()
    for round_number in range(6):
        process = begin(path, f"doomed{round_number}", -1)
        assert process.stdout is not None
        for _ in range(3 + 4 * round_number):
            told.add(process.stdout.readline().strip())
        process.kill()
        told |= {line.strip() for line in process.stdout if len(line.strip()) == 10}
        process.wait(timeout=30)
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
        async with open_stores(path) as stores:
            assert await stores.verify() == []
            assert told <= set(await shown(stores))
            await remember(stores, f"Alive after round {round_number}.")


async def test_two_windows_of_one_process_see_each_others_writes(path: Path) -> None:
    async with open_stores(path) as one, open_stores(path) as other:
        await remember(one, "From one.")
        await remember(other, "From the other.")
        assert await texts(one) == await texts(other) == ["From one.", "From the other."]
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(remember, one if number % 2 else other, f"At once {number}.")
        assert len(await texts(one)) == 22
        assert await one.verify() == []


async def test_writers_in_another_window_win_over_a_proposal(path: Path) -> None:
    async with open_stores(path) as one, open_stores(path) as other:
        first, second, third = await remember(one, "One.", "Two.", "Three.")
        proposal = await propose(one, merge([first, second], "Both."), archive(third))
        edit = NewEntry(content="Two, edited.", replaces=(second.entry_id,))
        await other.remember(USER, edit, actor="agent")
        switched = await one.switch(USER, proposal.version, actor="user")
        assert [skipped.change for skipped in switched.skipped] == ["c1"]
        assert await texts(other) == ["One.", "Two, edited."]
        assert await other.verify() == []


async def test_two_windows_that_start_a_dream_at_once_start_one(stores: Stores) -> None:
    await remember(stores, "One.")
    started: list[tuple[str, bool]] = []

    async def ask() -> None:
        async with open_stores(stores.path) as window:
            answer = await window.start_dream(NEW_DREAM)
            started.append((answer.dream.dream_id, answer.earlier))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ask)
    assert len({dream_id for dream_id, _ in started}) == 1
    assert sorted(earlier for _, earlier in started) == [False, True, True, True]
