"""What every verb begins with: settings, the open database, the store that is meant."""

import functools
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import StoreName

if TYPE_CHECKING:
    from dreamkeep_server.meaning.meaning import Meaning
    from dreamkeep_server.settings import Settings
    from dreamkeep_store.store import Stores

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

REFUSED = 1
"""The command was refused, or failed."""
DREAM_FAILED = 3
"""The command did what it was asked, and the dream failed."""
PROBLEMS_FOUND = 4
"""The command did what it was asked, and something is wrong with the memory."""

ACTOR = "user"
"""Who did what the command line does."""

DEFAULT_STORE = StoreName("user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The settings and the database of one call."""

    settings: "Settings"
    stores: "Stores"

    def meaning(self) -> "Meaning":
        """What compares queries with texts; it loads nothing yet."""
        return self.settings.meaning()


def with_stores(
    verb: Callable[Concatenate[Opened, P], Coroutine[Any, Any, int | None]],
) -> Callable[P, None]:
    """The verb as click calls it: with the database open around it; what it returns is the exit code."""

    @functools.wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        import anyio

        from dreamkeep_server.settings import load_settings
        from dreamkeep_store.store import open_stores

        async def run() -> int | None:
            settings = load_settings()
            async with open_stores(settings.database) as stores:
                return await verb(Opened(settings=settings, stores=stores), *args, **kwargs)

        leave_with(anyio.run(run))

    return call


def leave_with(code: int | None) -> None:
    """End the command with this exit code, unless it is none."""
    if code:
        click.get_current_context().exit(code)


async def chosen_store(opened: Opened, store: str | None) -> StoreName:
    """The store that the call means: named, else set, else the folder's project if it has one, else `user`."""
    named = store or opened.settings.store
    if named:
        return StoreName(named)
    from dreamkeep_server.project import store_of_folder

    project = store_of_folder(Path.cwd())
    return project if project in await opened.stores.list_stores() else DEFAULT_STORE


def store_option(verb: F) -> F:
    """`--store NAME`."""
    return click.option("--store", metavar="NAME", help="The store that is meant.")(verb)


def json_option(verb: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for a script.")(verb)


class Listing(click.Group):
    """Commands of which `list` is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front of words that name no command."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class VersionNumber(click.ParamType[int | None]):
    """A version's number, or `head` for the live memory."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """None for `head`."""
        if value is None or isinstance(value, int):
            return value
        if value == "head":
            return None
        digits = str(value).removeprefix("v")
        if not digits.isascii() or not digits.isdigit():
            self.fail(f"{value!r} is neither a version's number nor 'head'.", param, ctx)
        return int(digits)


class Time(click.ParamType[datetime]):
    """An ISO 8601 time; one without a zone is in the reader's own."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An aware time in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write 2026-03-01 or 2026-03-01T09:30:00Z.", param, ctx)


def is_terminal() -> bool:
    """Whether a person sits there: both what is asked and what is answered go through a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, otherwise: str) -> None:
    """Go on when a person at a terminal says yes.

    Raises InvalidError without a terminal, because an agent has a shell too; `otherwise` says what to do.
    """
    if not is_terminal():
        raise InvalidError(otherwise)
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
