"""`topics`: which themes a memory is organised by, and how much is under each."""

import click

from dreamkeep_server.cli.opening import Opened, VersionNumber, chosen_store, json_option, store_option, with_stores
from dreamkeep_server.cli.text import plural, shown, to_json


@click.command
@store_option
@click.option("--version", type=VersionNumber(), default=None, help="A version's number; the live memory if left out.")
@json_option
@with_stores
async def topics(opened: Opened, *, store: str | None, version: int | None, as_json: bool) -> None:
    """List the topics, each with the entries under it and below it."""
    from dreamkeep_server.topics import tree

    name = await chosen_store(opened, store)
    counts = await opened.stores.count_topics(name, version)
    paths, without = tree(counts), counts.get("", 0)
    if as_json:
        click.echo(to_json({"store": name, "version": version, "topics": paths, "without": without}))
        return
    width = len(f"{max(paths.values(), default=0):,}")
    for path, entries in paths.items():
        click.echo(f"{entries:>{width},}  {shown(path)}")
    if without or not paths:
        click.echo(f"{plural(without, 'entry', 'entries')} without a topic in {shown(name)}", err=True)
