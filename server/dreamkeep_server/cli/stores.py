"""`stores` and `status`: which memories there are, and how they stand."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from dreamkeep_server.cli.opening import ACTOR, Listing, Opened, ask, json_option, store_option, with_stores
from dreamkeep_server.cli.text import minute, plain, plural, shown, to_json
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_server.topics import largest, tree
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.models import Standing, StoreName

if TYPE_CHECKING:
    from dreamkeep_server.settings import Settings

TOPICS_SHOWN_MAX = 8


@click.group(cls=Listing)
def stores() -> None:
    """List, rename and merge stores (list, if left out)."""


@stores.command("list")
@json_option
@with_stores
async def list_(opened: Opened, *, as_json: bool) -> None:
    """List the stores with their entries and sessions."""
    found = [await opened.stores.standing(name) for name in await opened.stores.list_stores()]
    if as_json:
        click.echo(to_json(found))
        return
    if not found:
        click.echo("There is no store yet; one comes into being when something is remembered in it.", err=True)
    for standing in found:
        entries = plural(sum(standing.by_tier.values()), "entry", "entries")
        click.echo(
            f"{shown(standing.store)}  version {standing.head}, {entries}, {plural(standing.sessions, 'session')}"
        )


@stores.command
@click.argument("old")
@click.argument("new")
@with_stores
async def rename(opened: Opened, *, old: str, new: str) -> None:
    """Give a store another name (a moved folder, a new laptop)."""
    await opened.stores.rename_store(StoreName(old), StoreName(new), actor=ACTOR)
    click.echo(f"{shown(old)} is {shown(new)} now.")


@stores.command
@click.argument("source")
@click.argument("into")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_stores
async def merge(opened: Opened, *, source: str, into: str, yes: bool) -> None:
    """Move every entry and session of SOURCE into INTO; SOURCE keeps its history, and is empty."""
    if not yes:
        ask(
            f"Move everything of {shown(source)} into {shown(into)}?",
            otherwise=f"Merging {shown(source)} into {shown(into)} has no undo; confirm it with --yes.",
        )
    moved = await opened.stores.merge_stores(StoreName(source), StoreName(into), actor=ACTOR)
    click.echo(f"{plural(moved, 'entry', 'entries')} of {shown(source)} moved into {shown(into)}.")


@click.command
@store_option
@json_option
@with_stores
async def status(opened: Opened, *, store: str | None, as_json: bool) -> None:
    """Say how the memory stands, and what waits for somebody."""
    names = await opened.stores.list_stores()
    if store is not None:
        names = [StoreName(store)]
    found = [await opened.stores.standing(name) for name in names]
    topics = {standing.store: await opened.stores.count_topics(standing.store) for standing in found}
    if as_json:
        told = [
            {**plain(one), "topics": tree(topics[one.store]), "remarks": _remarks(one, opened.settings)}
            for one in found
        ]
        click.echo(to_json(told))
        return
    if not found:
        raise NotFoundError(f"There is no memory in {opened.settings.home} yet. `dreamkeep demo` shows what it is for.")
    click.echo("\n\n".join("\n".join(_told(one, topics[one.store], opened.settings)) for one in found))


def _told(standing: Standing, topics: dict[str, int], settings: "Settings") -> list[str]:
    tiers = ", ".join(f"{number:,} {tier}" for tier, number in standing.by_tier.items() if number)
    lines = [
        f"{shown(standing.store)}: version {standing.head}, {plural(standing.versions, 'version')} in all",
        f"  entries    {sum(standing.by_tier.values()):,}" + (f" ({tiers})" if tiers else ""),
        *_topics(topics),
        f"  written    {plural(standing.written_since_head, 'time')} since version {standing.head}",
        f"  sessions   {standing.sessions:,}, {standing.new_sessions:,} not dreamt about yet",
    ]
    if standing.dream_id is not None:
        lines.append(f"  dream      {standing.dream_id} {standing.dream_status}; last {minute(standing.dreamed_at)}")
    if standing.proposal is not None:
        lines.append(
            f"  proposal   version {standing.proposal} since {minute(standing.proposal_at)}: "
            "`dreamkeep review`, `dreamkeep switch`"
        )
    return lines + [f"  {remark}" for remark in _remarks(standing, settings)]


def _topics(counts: dict[str, int]) -> list[str]:
    paths, more = largest(counts, TOPICS_SHOWN_MAX)
    if not paths:
        return []
    told = ", ".join(f"{shown(path)} {entries:,}" for path, entries in paths.items())
    return [f"  topics     {told}" + (f", and {more:,} more: `dreamkeep topics`" if more else "")]


def _remarks(standing: Standing, settings: "Settings") -> list[str]:
    from dreamkeep_server.unasked import remark

    told = remark(standing, settings, datetime.now(UTC))
    return [as_commands(told)] if told else []
