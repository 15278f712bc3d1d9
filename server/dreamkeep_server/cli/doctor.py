"""`doctor`: whether this installation can be relied on, a sentence for each thing looked at."""

import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, cast

import click

from dreamkeep_server.cli.opening import PROBLEMS_FOUND, json_option, leave_with
from dreamkeep_server.cli.text import plural, to_json
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_store.errors import NotFoundError, StoreError
from dreamkeep_store.models import Problem

if TYPE_CHECKING:
    from dreamkeep_server.settings import Settings
    from dreamkeep_store.store import Stores

FREE_BYTES_MIN = 512 * 1024 * 1024
WAL_BYTES_MAX = 256 * 1024 * 1024
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    what: str
    verdict: Literal["ok", "warning", "problem"]
    sentence: str


@click.command
@click.option("--quick", is_flag=True, help="Do not read the whole database.")
@json_option
def doctor(*, quick: bool, as_json: bool) -> None:
    """Check the installation, and say what is wrong with it.

    Python, SQLite, the folder, the database, the worker, recall, the memory. Ends with 4 when it found a
    problem; a warning is none.
    """
    import anyio

    checks = anyio.run(_checks, quick)
    if as_json:
        click.echo(to_json(checks))
    else:
        styles = {"ok": "green", "warning": "yellow", "problem": "red"}
        for check in checks:
            verdict = click.style(f"{check.verdict:<8}", fg=styles[check.verdict])
            click.echo(f"{verdict} {check.what:<9} {check.sentence}")
    leave_with(PROBLEMS_FOUND if any(check.verdict == "problem" for check in checks) else None)


async def _checks(quick: bool) -> list[Check]:
    from dreamkeep_server.settings import load_settings
    from dreamkeep_store.store import open_stores

    checks = [*_of_installation()]
    try:
        settings = load_settings()
    except StoreError as error:
        return [*checks, Check(what="settings", verdict="problem", sentence=str(error))]
    checks += [_of_settings(settings), *_of_folder(settings)]
    if not settings.database.exists():
        sentence = f"There is none in {settings.home} yet; the first thing remembered makes it."
        return [*checks, Check(what="database", verdict="ok", sentence=sentence)]
    try:
        async with open_stores(settings.database) as stores:
            checks += _of_file(settings.database, stores.warnings)
            checks.append(await _of_worker(stores))
            checks.append(await _of_dreams(settings, stores))
            checks += await _of_recall(settings, stores)
            if not quick:
                checks.append(_of_memory(await stores.verify()))
    except StoreError as error:
        checks.append(Check(what="database", verdict="problem", sentence=str(error)))
    return checks


def _of_installation() -> Iterator[Check]:
    yield Check(
        what="dreamkeep",
        verdict="ok",
        sentence=f"{version('dreamkeep')} on Python {platform.python_version()}, {platform.platform(terse=True)}.",
    )
    command = shutil.which("dreamkeep")
    here = Path(sys.argv[0]).absolute()
    if command is None:
        sentence = f"`dreamkeep` is not on the PATH; a client's configuration names it in full: {here}."
        yield Check(what="command", verdict="warning", sentence=sentence)
    else:
        sentence = f"{command}; a client that does not find it by name takes this path."
        yield Check(what="command", verdict="ok", sentence=sentence)
    yield _of_sqlite()


def _of_sqlite() -> Check:
    from dreamkeep_store.database import has_wal_reset_bug, preferred_library

    library = cast(ModuleType, preferred_library)
    numbers: tuple[int, int, int] = library.sqlite_version_info
    name = ".".join(map(str, numbers))
    whose = library.__name__.partition(".")[0]
    if has_wal_reset_bug(numbers):
        return Check(
            what="sqlite",
            verdict="warning",
            sentence=f"{name} from {whose} has the WAL-reset bug: two processes that write at once can damage a "
            "database in WAL mode. The rollback journal is used instead, safe and about 15 times slower; "
            "installing sqlcipher3 brings a SQLite without it.",
        )
    return Check(what="sqlite", verdict="ok", sentence=f"{name} from {whose}, without the WAL-reset bug.")


def _of_settings(settings: "Settings") -> Check:
    file = settings.home / "settings.toml"
    where = f"from {file} and the environment" if file.exists() else "from the environment and the defaults"
    sentence = f"policy_max {settings.policy_max}, judge {settings.judge}, {where}."
    if settings.agents_may_include_high_risk:
        return Check(
            what="settings",
            verdict="warning",
            sentence=f"Agents may include changes of high risk; {sentence}",
        )
    return Check(what="settings", verdict="ok", sentence=sentence)


def _of_folder(settings: "Settings") -> Iterator[Check]:
    folder = settings.home
    present = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(present).free
    enough = free >= FREE_BYTES_MIN
    yield Check(
        what="disk",
        verdict="ok" if enough else "warning",
        sentence=f"{free // MEBIBYTE:,} MiB free at {folder}" + ("." if enough else ", which may soon be too little."),
    )
    if sys.platform == "win32":
        return
    for place, most in ((folder, 0o700), (settings.database, 0o600)):
        if not place.exists():
            continue
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & ~most:
            sentence = f"{place} has mode {mode:04o}, so others can look in; `chmod {most:o} {place}` closes it."
            yield Check(what="access", verdict="warning", sentence=sentence)
        else:
            yield Check(what="access", verdict="ok", sentence=f"{place} is yours alone ({mode:04o}).")


def _of_file(database: Path, warnings: tuple[str, ...]) -> Iterator[Check]:
    """The journal mode stands in the header, https://sqlite.org/fileformat.html: 2 at offset 18 is WAL."""
    with database.open("rb") as file:
        header = file.read(20)
    mode = "WAL" if header[18:20] == b"\x02\x02" else "rollback journal"
    log = database.with_name(database.name + "-wal")
    log_bytes = log.stat().st_size if log.exists() else 0
    yield Check(
        what="database",
        verdict="ok" if log_bytes <= WAL_BYTES_MAX else "warning",
        sentence=f"{database}: {database.stat().st_size / MEBIBYTE:,.1f} MiB, {mode}"
        + (f", log of {log_bytes / MEBIBYTE:,.1f} MiB." if log_bytes else "."),
    )
    for warning in warnings:
        yield Check(what="database", verdict="warning", sentence=warning)


async def _of_worker(stores: "Stores") -> Check:
    """What dreams say of the worker: it leaves no other trace."""
    now = datetime.now(UTC)
    running: list[str] = []
    for name in await stores.list_stores():
        try:
            dream = await stores.get_dream(None, store=name)
        except NotFoundError:
            continue
        if dream.status == "running" and dream.lease_until is not None and dream.lease_until > now:
            running.append(f"{dream.dream_id} of {name} ({dream.stage})")
    if running:
        return Check(what="worker", verdict="ok", sentence=f"One is dreaming: {', '.join(running)}.")
    if await stores.dream_waits():
        return Check(
            what="worker",
            verdict="warning",
            sentence="A dream waits and nobody works on it; `dreamkeep worker` does, and so does the next server.",
        )
    return Check(what="worker", verdict="ok", sentence="None is needed: no dream waits.")


async def _of_dreams(settings: "Settings", stores: "Stores") -> Check:
    """Whether dreams start by themselves, and what keeps them from it."""
    from dreamkeep_server.occasions import halted
    from dreamkeep_server.unasked import hindrance

    if not settings.dream_when_due:
        sentence = f"None starts by itself; dream_when_due = true in {settings.home / 'settings.toml'} changes that."
        return Check(what="dreams", verdict="ok", sentence=sentence)
    if hindered := hindrance(settings):
        return Check(what="dreams", verdict="warning", sentence=f"None starts by itself: {hindered}")
    now = datetime.now(UTC)
    standings = [await stores.standing(name) for name in await stores.list_stores()]
    stopped = [told for standing in standings if (told := halted(standing, now))]
    if stopped:
        return Check(what="dreams", verdict="warning", sentence=as_commands(" ".join(stopped)))
    sentence = f"They start by themselves when they are due, and go as far as {settings.policy_max}."
    return Check(what="dreams", verdict="ok", sentence=sentence)


async def _of_recall(settings: "Settings", stores: "Stores") -> list[Check]:
    """Whether recall goes by meaning, and how far; it loads the embedder to see whether it can be."""
    from dreamkeep_server.embedding.embedder import EmbedderError

    meaning = settings.meaning()
    try:
        embedder = await meaning.embedder()
    except EmbedderError as error:
        return [Check(what="recall", verdict="warning", sentence=f"It goes by words only: {error}")]
    standing = await meaning.standing(stores)
    recipes = await stores.recipes()
    failed = [one for one in recipes if embedder is not None and one.recipe == embedder.recipe and one.failed]
    checks = [Check(what="recall", verdict="warning" if failed else "ok", sentence=f"It goes by {standing}.")]
    others = [one for one in recipes if embedder is None or one.recipe != embedder.recipe]
    if others:
        kept = ", ".join(f"{one.setting} ({one.embedded:,})" for one in others)
        sentence = f"Vectors of other embedders are kept: {kept}; `dreamkeep reindex` drops them."
        checks.append(Check(what="recall", verdict="ok", sentence=sentence))
    return checks


def _of_memory(problems: list[Problem]) -> Check:
    if problems:
        first = problems[0]
        return Check(
            what="memory",
            verdict="problem",
            sentence=f"{plural(len(problems), 'problem')}: {first.where}: {first.what}. `dreamkeep verify` lists them.",
        )
    return Check(what="memory", verdict="ok", sentence="Every text, version and audit row is what it was written as.")
