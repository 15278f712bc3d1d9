"""`backup`, `restore`, `verify`: the database as a whole."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dreamkeep_server.cli.opening import PROBLEMS_FOUND, Opened, ask, json_option, with_stores
from dreamkeep_server.cli.text import plural, shown, to_json
from dreamkeep_store.errors import InvalidError, UnavailableError
from dreamkeep_store.models import StoreName

if TYPE_CHECKING:
    from dreamkeep_server.settings import Settings


@click.command
@click.argument("target", type=click.Path(path_type=Path))
@with_stores
async def backup(opened: Opened, *, target: Path) -> None:
    """Write a copy of the database, while it is in use."""
    await opened.stores.backup(target)
    click.echo(f"{target} holds everything up to now; `dreamkeep restore {target}` brings it back.")


@click.command
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask before replacing what is there.")
def restore(*, source: Path, yes: bool) -> None:
    """Bring the database back from a backup.

    SOURCE is a file that `backup` wrote. It is verified first. What is there now is kept beside it, and
    asks on a terminal before it is replaced; --yes answers for a script.
    """
    import anyio

    from dreamkeep_server.settings import load_settings

    settings = load_settings()
    if not source.is_file():
        raise InvalidError(f"{source} is not a file.")
    if settings.database.exists() and source.samefile(settings.database):
        raise InvalidError(f"{source} is the database itself; name a file that `dreamkeep backup` wrote.")
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    anyio.run(_restore, settings, source, yes)


async def _restore(settings: "Settings", source: Path, yes: bool) -> None:
    import anyio.to_thread

    from dreamkeep_store.backups import copy_database
    from dreamkeep_store.store import open_stores

    target = settings.database
    # In the home folder, so that the copy is as private as the database and on the same disk.
    with tempfile.TemporaryDirectory(dir=settings.home, prefix="restore-") as folder:
        copy = Path(folder) / "copy.db"
        await anyio.to_thread.run_sync(copy_database, source, copy)
        async with open_stores(copy) as stores:
            problems = await stores.verify()
            names = await stores.list_stores()
        if problems:
            raise UnavailableError(
                f"{source} has {plural(len(problems), 'problem')} ({problems[0].where}: {problems[0].what}); "
                "nothing was restored."
            )
        if target.exists():
            if not yes:
                ask(
                    f"Replace {target} by {source} ({plural(len(names), 'store')})?",
                    otherwise=f"{target} is there already; --yes replaces it. Nothing was restored.",
                )
            kept = target.with_name(f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.db")
            await _keep(target, kept)
            click.echo(f"What was there is kept as {kept}.", err=True)
        await anyio.to_thread.run_sync(copy_database, copy, target)
    click.echo(f"Restored {plural(len(names), 'store')} from {source}.")


async def _keep(target: Path, kept: Path) -> None:
    """Keep a copy of the database, or, when it is too damaged to copy, the files themselves."""
    from dreamkeep_store.backups import move_aside
    from dreamkeep_store.store import open_stores

    try:
        async with open_stores(target) as stores:
            await stores.backup(kept)
    except UnavailableError:
        move_aside(target, kept)


@click.command
@click.option("--store", metavar="NAME", help="Only this store.")
@json_option
@with_stores
async def verify(opened: Opened, *, store: str | None, as_json: bool) -> int | None:
    """Derive every digest and audit hash again, and compare.

    Ends with 4 when something differs."""
    problems = await opened.stores.verify(None if store is None else StoreName(store))
    if as_json:
        click.echo(to_json(problems))
    elif not problems:
        click.echo("Every text, version and audit row is what it was written as.")
    for problem in [] if as_json else problems:
        click.echo(f"{problem.where}: {shown(problem.what)}")
    return PROBLEMS_FOUND if problems else None
