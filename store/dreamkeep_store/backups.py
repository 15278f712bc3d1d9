"""Database files as a whole: copying one over another, and putting one aside that cannot be copied."""

import os
from contextlib import closing
from pathlib import Path
from types import ModuleType

from dreamkeep_store.database import connect, preferred_library, unavailable

FILE_ENDINGS = ("", "-wal", "-shm")
"""A database, its log and the log's index: without the log, what was written last is gone."""


def copy_database(source: Path, target: Path, library: ModuleType = preferred_library) -> None:
    """Make the database at `target` what the one at `source` is, whole, while others may use both.

    Raises UnavailableError when one of them is damaged, locked or cannot be written.
    """
    try:
        os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
        with (
            closing(connect(library, source, read_only=True)) as reading,
            closing(connect(library, target, read_only=False)) as writing,
        ):
            reading.backup(writing)
    except library.Error as error:
        raise unavailable(source, error) from error


def move_aside(database: Path, kept: Path) -> None:
    """Give a database's files another name, the log and its index with it."""
    kept.unlink(missing_ok=True)
    for ending in FILE_ENDINGS:
        file = database.with_name(database.name + ending)
        if file.exists():
            file.replace(kept.with_name(kept.name + ending))
