"""Migrations produce schema.sql; a newer schema is refused; many processes may open a new file at once."""

import subprocess
import sys
from pathlib import Path

import pytest

import dreamkeep_store
from dreamkeep_store.database import migrations
from dreamkeep_store.errors import UnavailableError
from dreamkeep_store.store import Stores, open_stores

from .dreaming import connect, remember, texts

GOLDEN = Path(dreamkeep_store.__file__).parent / "schema.sql"
OPEN_AND_REMEMBER = """
import sys, anyio
from pathlib import Path
from dreamkeep_store.models import NewEntry, StoreName
from dreamkeep_store.store import open_stores

async def main():
    async with open_stores(Path(sys.argv[1])) as stores:
        await stores.remember(StoreName("user"), NewEntry(content="From " + sys.argv[2]), actor="agent")

sys.stdin.readline()
anyio.run(main)
"""


def schema_of(path: Path) -> str:
    """The file's schema as statements, in the order of their making."""
    connection = connect(path)
    rows = connection.execute(
        r"""
        SELECT sql FROM sqlite_schema
        WHERE sql IS NOT NULL AND name NOT LIKE 'content\_fts\_%' ESCAPE '\' ORDER BY rowid
        """
    ).fetchall()
    connection.close()
    return "".join(f"{sql};\n" for (sql,) in rows)


async def test_the_migrations_produce_todays_schema(stores: Stores, path: Path) -> None:
    await remember(stores, "Tea.")
    assert schema_of(path) == GOLDEN.read_text()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


async def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    async with open_stores(path) as stores:
        await remember(stores, "Tea.")
    connection = connect(path)
    connection.execute("PRAGMA user_version = 999")
    with pytest.raises(UnavailableError, match="has schema 999"):
        async with open_stores(path):
            pass
    connection.execute(f"PRAGMA user_version = {len(migrations())}")
    connection.close()
    async with open_stores(path) as stores:
        assert await texts(stores) == ["Tea."]


@pytest.mark.promise("concurrent-windows")
async def test_eight_processes_that_open_a_new_file_at_once_all_succeed(path: Path) -> None:
    open_in_eight_processes(path)
    async with open_stores(path) as stores:
        assert await texts(stores) == [f"From {number}" for number in range(8)]
        assert await stores.verify() == []
        assert stores.warnings == ()


def open_in_eight_processes(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN_AND_REMEMBER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
