"""`import` and `export`: entries as JSON Lines, one object an entry with the arguments of `remember`."""

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from dreamkeep_server.cli.embedding import embed_later
from dreamkeep_server.cli.line import Line, read_line, write_line
from dreamkeep_server.cli.opening import (
    ACTOR,
    Opened,
    VersionNumber,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import plural, to_json
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TRUSTS, StoreName, Trust

if TYPE_CHECKING:
    from rich.progress import Progress

BATCH_ENTRIES = 250
"""One transaction each: large enough to pay for the disk's sync, small enough to hold no one up."""
LINE_BYTES_MAX = 1024 * 1024
"""Several times what the longest entry takes as JSON, so that a file of another kind is noticed early."""
MISTAKES_SHOWN_MAX = 20


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@store_option
@click.option(
    "--trust",
    type=click.Choice(TRUSTS),
    default="agent",
    show_default=True,
    help="The most that a line's own trust counts for; user, for a file that you exported or wrote yourself.",
)
@json_option
@with_stores
async def import_lines(opened: Opened, *, file: Path, store: str | None, trust: Trust, as_json: bool) -> None:
    """Remember every entry of a JSON Lines file.

    Each line has the arguments of the tool `remember`; FILE may be - for standard input.

    \b
    {"content": "Tea, never coffee.", "tier": "persistent", "tags": ["food"],
     "topic": "/user/preferences", "asserted_at": "2026-03-01"}

    Entries go in 250 at a time. A bad line stops its 250 as a whole, with the number of every bad
    line in it; what went in before stays, and importing again only confirms it.
    """
    own = await chosen_store(opened, store)
    counts = {"new": 0, "confirmed": 0, "replaced": 0, "redacted": 0}
    with ExitStack() as stack:
        stream = stack.enter_context(_opened(file))
        progress = stack.enter_context(_progress())
        task = progress.add_task("importing", total=_size(file))
        for batch, bytes_read in _batches(stream, trust, counts):
            await _import_batch(opened, own, batch, counts)
            progress.update(task, completed=bytes_read)
    if counts["new"] or counts["replaced"]:
        await embed_later(opened)
    if as_json:
        click.echo(to_json(counts))
        return
    total = counts["new"] + counts["confirmed"] + counts["replaced"]
    click.echo(
        f"{plural(total, 'entry', 'entries')} imported: {counts['new']:,} new, {counts['confirmed']:,} there already, "
        f"{counts['replaced']:,} in place of older ones; {plural(counts['redacted'], 'secret')} left out."
    )


def _opened(file: Path) -> BinaryIO:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise InvalidError(f"{file} cannot be read: {error.strerror}.") from error


def _size(file: Path) -> int | None:
    return None if str(file) == "-" else file.stat().st_size


def _progress() -> "Progress":
    """A bar on a terminal, nothing in a pipe."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from dreamkeep_server.cli.drawing import to_stderr

    console = to_stderr()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _batches(stream: BinaryIO, trust: Trust, counts: dict[str, int]) -> Generator[tuple[list[Line], int]]:
    """Batches of good lines with the bytes read so far; the first batch with a bad line raises InvalidError."""
    batch: list[Line] = []
    bad: list[str] = []
    first, bytes_read = 1, 0
    number = 0
    for number, raw in enumerate(_read(stream), 1):
        bytes_read += len(raw)
        if raw.strip():
            try:
                line, redactions = read_line(number, raw, trust)
            except InvalidError as error:
                bad.append(f"line {number}: {error}")
            else:
                batch.append(line)
                counts["redacted"] += redactions
        if number - first + 1 == BATCH_ENTRIES:
            _refuse(bad, first, number)
            yield batch, bytes_read
            batch, first = [], number + 1
    _refuse(bad, first, number)
    if batch:
        yield batch, bytes_read


def _read(stream: BinaryIO) -> Generator[bytes]:
    """The lines, never more than one and its bound in memory."""
    number = 0
    while raw := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX:
            raise InvalidError(f"line {number} is longer than {LINE_BYTES_MAX:,} bytes; is this JSON Lines?")
        yield raw


def _refuse(bad: list[str], first: int, last: int) -> None:
    if not bad:
        return
    shown = bad[:MISTAKES_SHOWN_MAX]
    more = f"\nand {len(bad) - len(shown)} more" if len(bad) > len(shown) else ""
    raise InvalidError(
        "\n".join(shown)
        + f"{more}\nNothing of lines {first:,} to {last:,} was imported"
        + (f"; lines 1 to {first - 1:,} were, and importing them again is harmless." if first > 1 else ".")
    )


async def _import_batch(opened: Opened, own: StoreName, batch: list[Line], counts: dict[str, int]) -> None:
    """Remember a batch: each run of lines for one store in one transaction."""
    begin = 0
    while begin < len(batch):
        named = batch[begin].store
        end = begin
        while end < len(batch) and batch[end].store == named:
            end += 1
        store = StoreName(named) if named else own
        try:
            done = await opened.stores.remember_all(store, [line.entry for line in batch[begin:end]], actor=ACTOR)
        except InvalidError as error:
            raise InvalidError(
                f"lines {batch[begin].number:,} to {batch[end - 1].number:,}: {error} Nothing of them was imported."
            ) from error
        for remembered in done:
            counts[remembered.outcome] += 1
        begin = end


@click.command("export")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@store_option
@click.option("--version", type=VersionNumber(), metavar="N", help="As it was in version N (head, if left out).")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@with_stores
async def export_lines(
    opened: Opened, *, file: Path | None, store: str | None, version: int | None, force: bool
) -> None:
    """Write every entry of a store as JSON Lines.

    To FILE or standard output; `import` reads it."""
    name = await chosen_store(opened, store)
    if file is None or str(file) == "-":
        await _export(opened, name, version, sys.stdout.buffer)
        return
    with _written(file, force=force) as stream:
        entries = await _export(opened, name, version, stream)
    click.echo(f"{plural(entries, 'entry', 'entries')} of {name} written to {file}.", err=True)


@contextmanager
def _written(file: Path, *, force: bool) -> Generator[BinaryIO]:
    """A file that is there only once it is whole, for its owner's eyes only."""
    if file.exists() and not force:
        raise InvalidError(f"{file} is there already; --force overwrites it.")
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as stream:
            part.chmod(0o600)
            yield stream
        part.replace(file)
    except OSError as error:
        raise InvalidError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


async def _export(opened: Opened, store: StoreName, version: int | None, stream: BinaryIO) -> int:
    entries = 0
    async for entry in opened.stores.export_entries(store, version):
        stream.write(write_line(entry))
        entries += 1
    stream.flush()
    return entries
