"""One SQLite file and its connections: opening, migrating, and transactions that run whole.

Nothing here knows a table. A transaction is one plain function that runs from `BEGIN` to `COMMIT` on
its connection's own thread, so a cancelled caller can never leave one half done.
"""

import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import aiosqlite
import anyio

from dreamkeep_store.errors import InvalidError, StoreError, UnavailableError

try:
    import sqlcipher3.dbapi2 as preferred_library  # pyright: ignore[reportMissingTypeStubs]
except ImportError:  # no wheel for this platform: the standard library's SQLite, behind the gate below
    preferred_library = sqlite3

T = TypeVar("T")
Row = Mapping[str, Any]
Parameters = Mapping[str, Any]

BUSY_TIMEOUT_SECONDS = 10.0
READERS_MAX = 3
CACHE_KIB = 32 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAFE_SINCE = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""First releases of their branches without the WAL-reset bug (https://sqlite.org/wal.html#walresetbug)."""
JSON_TRUSTED_SINCE = (3, 42, 0)
"""Older ones hold json_type() in our own CHECKs to be unsafe once the schema is not trusted (seen with 3.40.1)."""
SECURE_DELETE_SINCE = (3, 42, 0)
"""First release whose FTS5 can delete a text without a trace."""


def to_micros(time_: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (time_ - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC time that `to_micros` came from."""
    return EPOCH + timedelta(microseconds=micros)


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite may lose committed pages when two processes write and checkpoint in WAL mode."""
    if version >= SAFE_SINCE[-1]:
        return False
    return not any(version[:2] == safe[:2] and version >= safe for safe in SAFE_SINCE)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """An open transaction: how row functions speak to the database.

    `now` is taken once, at its beginning; `actor` is who asked for it.
    """

    connection: Any
    now: int
    actor: str
    audit_head: bytes | None = None
    """The hash of the newest audit row, once this transaction has looked."""

    def execute(self, sql: str, parameters: Parameters | None = None) -> int:
        """Run one statement; gives the number of rows that it changed."""
        return self.connection.execute(sql, parameters or {}).rowcount

    def execute_many(self, sql: str, parameters: Iterable[Parameters]) -> None:
        """Run one statement for each set of parameters."""
        self.connection.executemany(sql, parameters)

    def insert(self, sql: str, parameters: Parameters) -> int:
        """Run one INSERT; gives the new row's id."""
        return self.connection.execute(sql, parameters).lastrowid

    def rows(self, sql: str, parameters: Parameters | None = None) -> Sequence[Row]:
        """All rows of a query."""
        return self.connection.execute(sql, parameters or {}).fetchall()

    def row(self, sql: str, parameters: Parameters | None = None) -> Row | None:
        """The first row of a query, if there is one."""
        return self.connection.execute(sql, parameters or {}).fetchone()

    def value(self, sql: str, parameters: Parameters | None = None) -> Any:
        """The first column of the first row; None when there is no row."""
        row = self.connection.execute(sql, parameters or {}).fetchone()
        return None if row is None else row[0]


class Database:
    """A SQLite file: one connection that writes, up to `READERS_MAX` that read and wait for nobody."""

    def __init__(self, path: Path, library: ModuleType) -> None:
        """Use `open_database`, which also prepares the file."""
        self.path = path
        self.warnings: tuple[str, ...] = ()
        self._library = library
        self._writer: aiosqlite.Connection | None = None
        self._connecting = anyio.Lock()
        self._idle_readers: list[aiosqlite.Connection] = []
        self._readers = anyio.Semaphore(READERS_MAX)

    async def write(self, work: Callable[[Transaction], T], *, actor: str) -> T:
        """Run `work` in a `BEGIN IMMEDIATE` transaction, whole.

        Raises UnavailableError when the write lock was not to be had in `BUSY_TIMEOUT_SECONDS`, the disk
        is full or the file is damaged; nothing is written then, nor when `work` raises.
        """
        return await self._run(await self._writing(), "BEGIN IMMEDIATE", work, actor)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one unchanging state of the file, while others write."""
        async with self._readers:
            reader = self._idle_readers.pop() if self._idle_readers else await self._connect(read_only=True)
            try:
                return await self._run(reader, "BEGIN", work, "reader")
            finally:
                self._idle_readers.append(reader)

    async def read_fresh(self, work: Callable[[Transaction], T]) -> T:
        """As `read`, on a connection of its own.

        FTS5 checks its index against what the connection remembers of it, and finds damage that is not
        there once another connection has written.
        """
        reader = await self._connect(read_only=True)
        try:
            return await self._run(reader, "BEGIN", work, "reader")
        finally:
            with anyio.CancelScope(shield=True):
                await reader.close()

    async def outside(self, work: Callable[[Any], T]) -> T:
        """Run `work` on the writing connection outside of any transaction, as PRAGMA and VACUUM need it."""
        writer = await self._writing()
        connection: Any = writer._conn  # pyright: ignore[reportPrivateUsage]  # see _on_thread
        return await self._on_thread(writer, lambda: work(connection))

    async def close(self) -> None:
        """Close every connection; what runs is finished first."""
        with anyio.CancelScope(shield=True):
            for connection in (*self._idle_readers, *([self._writer] if self._writer else [])):
                await connection.close()
        self._idle_readers.clear()
        self._writer = None

    async def _writing(self) -> aiosqlite.Connection:
        """The one connection that writes, made by whoever needs it first."""
        async with self._connecting:
            if self._writer is None:
                self._writer = await self._connect(read_only=False)
            return self._writer

    async def _connect(self, *, read_only: bool) -> aiosqlite.Connection:
        def connector() -> Any:
            return connect(self._library, self.path, read_only=read_only)

        connection = aiosqlite.Connection(connector, 64)
        # A second Ctrl-C while connections close would leave its thread, and so the process, running for good.
        connection._thread.daemon = True  # pyright: ignore[reportPrivateUsage]
        try:
            # Cancelled half way, the connection would belong to nobody and never be closed.
            with anyio.CancelScope(shield=True):
                await connection
        except (self._library.Error, OSError) as error:
            raise unavailable(self.path, error) from error
        return connection

    async def _run(
        self, connection: aiosqlite.Connection, begin: str, work: Callable[[Transaction], T], actor: str
    ) -> T:
        raw: Any = connection._conn  # pyright: ignore[reportPrivateUsage]  # see _on_thread

        def transaction() -> T:
            try:
                raw.execute(begin)
                if begin == "BEGIN IMMEDIATE":
                    self._check_journal(raw)
                result = work(Transaction(connection=raw, now=time.time_ns() // 1_000, actor=actor))
                raw.execute("COMMIT")
            except BaseException:
                if raw.in_transaction:
                    # A full disk may have rolled it back already; the first error is the one to tell.
                    with suppress(self._library.Error):
                        raw.execute("ROLLBACK")
                raise
            return result

        return await self._on_thread(connection, transaction)

    def _check_journal(self, raw: Any) -> None:
        """UnavailableError when another program's safe SQLite has put the file into WAL mode since it was opened."""
        version: tuple[int, int, int] = self._library.sqlite_version_info
        if has_wal_reset_bug(version) and raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            raise unsafe_wal(self.path, version)

    async def _on_thread(self, connection: aiosqlite.Connection, work: Callable[[], T]) -> T:
        """The one place that uses aiosqlite's `_execute`: one hop to the connection's thread and back.

        A caller that is cancelled stops waiting, while the thread still ends what it began.
        """
        try:
            return await connection._execute(work)  # pyright: ignore
        except StoreError:
            raise
        except self._library.IntegrityError:
            raise  # a broken rule is a bug of ours, never the file's
        except UnicodeEncodeError as error:
            raise InvalidError(
                f"The call has text that is not valid Unicode at position {error.start} (half of a surrogate pair); "
                "leave it out."
            ) from None
        except OverflowError:
            raise InvalidError("The call has a number that is too large for anything here.") from None
        except self._library.Error as error:
            raise unavailable(self.path, error) from error


def connect(library: ModuleType, path: Path, *, read_only: bool) -> Any:
    """A connection with the settings that every one of ours has."""
    uri = path.absolute().as_uri() + ("?mode=ro" if read_only else "?mode=rwc")
    connection: Any = library.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = library.Row
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if library.sqlite_version_info >= JSON_TRUSTED_SINCE:
        connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def unavailable(path: Path, error: BaseException) -> UnavailableError:
    """The sentence for what SQLite says when it cannot serve."""
    said = str(error)
    if "locked" in said or "busy" in said:
        advice = (
            f"another process has held its write lock for {BUSY_TIMEOUT_SECONDS:.0f} seconds; try again, "
            "and see `dreamkeep doctor` if it stays so"
        )
    elif "full" in said:
        advice = "the disk is full; nothing was written. Free some space and try again"
    elif "invalid fts5 file format" in said:
        advice = (
            "a newer SQLite has erased from its full-text index, which this one cannot read since; install sqlcipher3"
        )
    elif "malformed" in said or "not a database" in said:
        advice = f"it is damaged ({said}); `dreamkeep verify` says where, `dreamkeep restore` brings a backup back"
    elif "unable to open" in said or isinstance(error, OSError):
        advice = f"it cannot be opened ({said}); check that the folder exists and is yours, or set DREAMKEEP_HOME"
    else:
        advice = f"SQLite says: {said}. `dreamkeep doctor` checks the installation"
    return UnavailableError(f"The database {path} cannot be used now: {advice}.")


def unsafe_wal(path: Path, version: tuple[int, int, int]) -> UnavailableError:
    """The sentence for a file in WAL mode that this SQLite must not write."""
    return UnavailableError(
        f"The database {path} is open elsewhere in WAL mode, which SQLite {'.'.join(map(str, version))} cannot write "
        "safely (the WAL-reset bug, fixed in 3.51.3). Close the other programs that use it, or install sqlcipher3."
    )


def migrations() -> list[tuple[int, str]]:
    """Every migration's number and SQL, in order."""
    folder = resources.files("dreamkeep_store") / "migrations"
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((int(file.name[:4]), file.read_text("utf-8")) for file in found)


def migrate(connection: Any, path: Path) -> None:
    """Bring the schema to the newest number; several processes may do so at once.

    The number is read inside the transaction that changes it: read before, eight processes that open
    a new file together would all try to create its tables.
    """
    steps = migrations()
    newest = steps[-1][0]
    if connection.execute("PRAGMA user_version").fetchone()[0] == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        current = connection.execute("PRAGMA user_version").fetchone()[0]
        if current > newest:
            raise UnavailableError(
                f"The database {path} has schema {current}, and this dreamkeep knows only up to {newest}: "
                "a newer dreamkeep wrote it. Upgrade this one; nothing was changed."
            )
        for number, sql in steps:
            if number > current:
                for statement in statements(sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(script: str) -> Iterable[str]:
    """The single statements of an SQL script (`executescript` would commit between them)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""


def set_journal(connection: Any, version: tuple[int, int, int], path: Path) -> str | None:
    """Choose the journal that is safe with this SQLite; gives a warning for `doctor`, if there is one.

    The mode belongs to the file. A library with the WAL-reset bug must not write in WAL mode, and may
    only leave it when it is alone; a safe one returns to WAL when it is alone.
    """
    name = ".".join(map(str, version))
    wanted = "delete" if has_wal_reset_bug(version) else "wal"
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == wanted:
        mode = wanted
    else:
        try:
            mode = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        except Exception as error:  # the library is not known here; anything but a lock is raised
            if "locked" not in str(error):
                raise
            mode = "wal" if wanted == "delete" else "delete"
    if wanted == "delete" and mode == "wal":
        raise unsafe_wal(path, version)
    if wanted == "delete":
        return (
            f"SQLite {name} has the WAL-reset bug, so the slower rollback journal is used; "
            "installing sqlcipher3 (SQLite 3.51.3 or newer) makes writing about 15 times faster."
        )
    if mode != "wal":
        return "The file is in rollback-journal mode while another program uses it; it returns to WAL when alone."
    return None


def prepare(path: Path, library: ModuleType) -> tuple[str, ...]:
    """Create the folder (0700) and the file (0600) where they are missing, migrate; gives warnings."""
    version: tuple[int, int, int] = library.sqlite_version_info
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = connect(library, path, read_only=False)
    except (library.Error, OSError) as error:
        raise unavailable(path, error) from error
    try:
        warning = set_journal(connection, version, path)
        migrate(connection, path)
        if version >= SECURE_DELETE_SINCE:
            set_secure_delete(connection)
    except library.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()
    return () if warning is None else (warning,)


def set_secure_delete(connection: Any) -> None:
    """Have the full-text index forget a deleted text for good."""
    is_set = connection.execute("SELECT v FROM content_fts_config WHERE k = 'secure-delete'").fetchone()
    if is_set is None or is_set[0] != 1:
        connection.execute("INSERT INTO content_fts (content_fts, rank) VALUES ('secure-delete', 1)")


@asynccontextmanager
async def open_database(path: Path, library: ModuleType = preferred_library) -> AsyncGenerator[Database]:
    """The database at `path`, created and migrated as needed; UnavailableError when it cannot be used."""
    database = Database(path, library)
    database.warnings = await anyio.to_thread.run_sync(prepare, path, library)
    try:
        yield database
    finally:
        await database.close()
