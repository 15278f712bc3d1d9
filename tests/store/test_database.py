"""The file: its modes, its journal, a lock held elsewhere, a full disk, a cancelled caller, damage."""

import asyncio
import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from dreamkeep_store.database import Database, has_wal_reset_bug, open_database
from dreamkeep_store.errors import ConflictError, InvalidError, UnavailableError
from dreamkeep_store.models import Entry, NewEntry
from dreamkeep_store.store import Stores, open_stores

from .dreaming import USER, archive, connect, dream_and_switch, remember, shown, texts

needs_old_library = pytest.mark.skipif(
    not has_wal_reset_bug(sqlite3.sqlite_version_info), reason="the standard library's SQLite is a safe one here"
)

WINDOW = """
import importlib, sys, anyio
from pathlib import Path
from dreamkeep_store.errors import StoreError
from dreamkeep_store.models import NewEntry, StoreName
from dreamkeep_store.store import open_stores

async def main():
    async with open_stores(Path(sys.argv[1]), importlib.import_module(sys.argv[2])) as stores:
        for line in sys.stdin:
            try:
                await stores.remember(StoreName("user"), NewEntry(content=line.strip()), actor="agent")
                print("kept", flush=True)
            except StoreError as error:
                print(error, flush=True)

anyio.run(main)
"""


def journal_of(path: Path) -> str:
    connection = connect(path)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    return mode


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_folder_and_every_file_are_the_owners_alone(stores: Stores, path: Path) -> None:
    await remember(stores, "Tea.")
    assert mode_of(path.parent) == 0o700
    files = {file.name: mode_of(file) for file in path.parent.iterdir()}
    assert set(files) == {path.name, path.name + "-wal", path.name + "-shm"}
    assert set(files.values()) == {0o600}


async def test_the_file_is_in_wal_mode_and_nothing_is_to_be_warned_of(stores: Stores, path: Path) -> None:
    assert stores.warnings == ()
    assert stores.path == path
    assert journal_of(path) == "wal"


@pytest.mark.parametrize(
    ("version", "has_bug"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_the_releases_with_the_wal_reset_bug_are_known(version: tuple[int, int, int], has_bug: bool) -> None:
    assert has_wal_reset_bug(version) is has_bug


@needs_old_library
async def test_a_library_with_the_wal_reset_bug_uses_the_rollback_journal_and_says_so(path: Path) -> None:
    async with open_stores(path, sqlite3) as stores:
        (warning,) = stores.warnings
        assert "WAL-reset bug" in warning
        assert "sqlcipher3" in warning
        (entry,) = await remember(stores, "Tea.")
        with pytest.raises(UnavailableError, match="cannot erase"):
            await stores.erase([entry.entry_id], actor="user")
        await propose_and_roll_back(stores, entry)
        assert await stores.verify() == []
    assert journal_of(path) == "delete"
    async with open_stores(path) as stores:
        assert stores.warnings == ()
        assert await texts(stores) == ["Tea."]
    assert journal_of(path) == "wal"
    async with open_stores(path, sqlite3) as stores:
        await remember(stores, "Coffee.")
        assert await stores.verify() == []
    assert journal_of(path) == "delete"


async def propose_and_roll_back(stores: Stores, entry: Entry) -> None:
    await dream_and_switch(stores, archive(entry))
    assert await texts(stores) == []
    await stores.rollback(USER, actor="user")
    assert await texts(stores) == ["Tea."]


@needs_old_library
async def test_an_old_library_says_that_it_cannot_read_an_index_that_was_erased_from(path: Path) -> None:
    async with open_stores(path) as stores:
        (entry, _) = await remember(stores, "Tea.", "Coffee.")
        await stores.erase([entry.entry_id], actor="user")
    with pytest.raises(UnavailableError, match="a newer SQLite has erased"):
        async with open_stores(path, sqlite3) as stores:
            await remember(stores, "Milk.")
    async with open_stores(path) as stores:
        assert await texts(stores) == ["Coffee."]
        assert await stores.verify() == []


@contextmanager
def another_window(path: Path, library: str) -> Generator[Callable[[str], str]]:
    """A process that has the file open; gives a way to have it remember a text, and what it answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(path), library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(text: str) -> str:
        stdin.write(text + "\n")
        stdin.flush()
        return stdout.readline().strip()

    assert ask("Ready?") == "kept"
    yield ask
    process.communicate(timeout=30)
    assert process.returncode == 0


@needs_old_library
async def test_a_library_with_the_bug_refuses_a_wal_file_that_is_open_elsewhere(path: Path) -> None:
    with another_window(path, "sqlcipher3.dbapi2") as ask:
        with pytest.raises(UnavailableError, match="open elsewhere in WAL mode"):
            async with open_stores(path, sqlite3):
                pass
        assert ask("Coffee.") == "kept"
    assert journal_of(path) == "wal"


@needs_old_library
async def test_a_library_with_the_bug_stops_writing_when_a_safe_one_returns_the_file_to_wal(path: Path) -> None:
    with another_window(path, "sqlite3") as ask:
        assert journal_of(path) == "delete"
        async with open_stores(path) as safe:
            await remember(safe, "Coffee.")
            assert journal_of(path) == "wal"
            assert "open elsewhere in WAL mode" in ask("Milk.")
            assert await texts(safe) == ["Coffee.", "Ready?"]
            assert await safe.verify() == []


async def test_a_write_lock_held_too_long_is_told_in_a_sentence(path: Path) -> None:
    async with open_database(path) as database:
        await database.outside(lambda connection: connection.execute("PRAGMA busy_timeout = 50"))
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another process has held its write lock") as refused:
            await database.write(lambda tx: tx.value("SELECT 1"), actor="test")
        assert str(path) in str(refused.value)
        assert await database.read(lambda tx: tx.value("SELECT COUNT(*) FROM store")) == 0
        other.execute("ROLLBACK")
        other.close()
        assert await database.write(lambda tx: tx.value("SELECT 1"), actor="test") == 1


async def test_a_full_disk_writes_nothing_by_halves_and_the_store_works_afterwards(
    stores: Stores, database: Database
) -> None:
    await remember(stores, "Tea.")
    pages = await database.outside(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await database.outside(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 8}").fetchall())
    before = await stores.standing(USER)
    for number in range(20):
        batch = [NewEntry(content=f"{number} {part} " + "word " * 400) for part in range(10)]
        with pytest.raises(UnavailableError, match="disk is full"):
            await stores.remember_all(USER, batch, actor="agent")
    assert await stores.standing(USER) == before
    assert await stores.verify() == []
    await database.outside(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall())
    await remember(stores, "Coffee.")
    assert await texts(stores) == ["Coffee.", "Tea."]


@pytest.fixture
def database(stores: Stores) -> Database:
    return stores._database  # pyright: ignore[reportPrivateUsage]  # PRAGMA has no other door


@pytest.mark.promise("kill-safe")
async def test_a_cancelled_write_is_whole_or_absent_and_no_transaction_stays_open(stores: Stores) -> None:
    chance = random.Random(1)
    await remember(stores, "First.")
    for number in range(120):
        entries = [NewEntry(content=f"{number} {part}.") for part in range(5)]
        write = asyncio.ensure_future(stores.remember_all(USER, entries, actor="agent"))
        for _ in range(chance.randrange(4)):
            await anyio.lowlevel.checkpoint()
        read = asyncio.ensure_future(shown(stores))
        await anyio.lowlevel.checkpoint()
        write.cancel()
        read.cancel()
        await asyncio.gather(write, read, return_exceptions=True)
    await remember(stores, "Last.")
    kept = [entry.content for entry in (await shown(stores)).values()]
    whole = [text for text in kept if text not in ("First.", "Last.")]
    for number in range(120):
        assert sum(text.startswith(f"{number} ") for text in whole) in (0, 5)
    assert (await stores.standing(USER)).seq == len(kept)


async def test_two_first_writes_at_once_share_one_connection(path: Path) -> None:
    async with open_stores(path) as stores, anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(remember, stores, f"Fact {number}.")
    async with open_stores(path) as stores:
        assert len(await texts(stores)) == 5


async def test_a_work_that_raises_writes_nothing(stores: Stores, database: Database) -> None:
    await remember(stores, "Tea.")

    def work(tx: Any) -> None:
        tx.execute("UPDATE store SET seq = 99")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(work, actor="test")
    assert (await stores.standing(USER)).seq == 1


async def test_a_reader_cannot_write(stores: Stores, database: Database) -> None:
    await remember(stores, "Tea.")
    with pytest.raises(UnavailableError, match="readonly"):
        await database.read(lambda tx: tx.execute("UPDATE store SET seq = 99"))


async def open_and_read(path: Path) -> None:
    async with open_stores(path) as stores:
        await stores.verify()
        await texts(stores)


async def test_what_is_no_database_is_told_in_a_sentence(path: Path) -> None:
    path.parent.mkdir()
    overwrite(path, b"This is a text file, and quite a long one too. " * 100)
    with pytest.raises(UnavailableError, match="it is damaged"):
        await open_and_read(path)
    for wrong in (path.parent, path / "below" / "a.db"):
        with pytest.raises(UnavailableError, match="cannot be opened"):
            await open_and_read(wrong)


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def change_a_letter(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"Zanzibar fact 123.", b"Xanzibar fact 123."))


def damage_every_page_but_the_first(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4_096, len(content), 4_096):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)


async def test_damage_is_found_and_told_in_a_sentence(path: Path) -> None:
    async with open_stores(path) as stores:
        await remember(stores, *[f"Zanzibar fact {number}." for number in range(300)])
    change_a_letter(path)
    async with open_stores(path) as stores:
        problems = await stores.verify()
        assert any(problem.what == "its text is not what was written" for problem in problems)
    damage_every_page_but_the_first(path)
    with pytest.raises(UnavailableError, match="damaged"):
        await open_and_read(path)


async def test_a_backup_is_a_whole_database_for_its_owner_alone(stores: Stores, tmp_path: Path) -> None:
    await remember(stores, "Tea.")
    target = tmp_path / "backup.db"
    await stores.backup(target)
    assert mode_of(target) == 0o600
    with pytest.raises(ConflictError, match="is there already"):
        await stores.backup(target)
    with pytest.raises(InvalidError, match="cannot be written"):
        await stores.backup(tmp_path / "nowhere" / "backup.db")
    async with open_stores(target) as copy:
        assert await texts(copy) == ["Tea."]
        assert await copy.verify() == []


async def test_a_full_text_index_that_lost_a_text_is_found_and_built_anew(path: Path) -> None:
    async with open_stores(path) as stores:
        await remember(stores, "Tea.", "Coffee.")
    connection = connect(path)
    connection.execute("INSERT INTO content_fts (content_fts, rowid, text) VALUES ('delete', 1, 'Tea.')")
    connection.close()
    async with open_stores(path) as stores:
        problems = await stores.verify()
        assert any("reindex" in problem.what for problem in problems)
        await stores.reindex()
        assert await stores.verify() == []
