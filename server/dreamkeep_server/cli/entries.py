"""`remember`, `recall`, `erase`: entries, one at a time, by a person."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from dreamkeep_server.cli.embedding import embed_now
from dreamkeep_server.cli.opening import (
    ACTOR,
    DEFAULT_STORE,
    Opened,
    Time,
    VersionNumber,
    ask,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import day, one_line, plain, plural, shown, to_json
from dreamkeep_store.models import TIERS, Closed, EntryId, NewEntry, Recalled, Search, StoreName, Tier

if TYPE_CHECKING:
    from dreamkeep_server.recall import Ranked


@click.command
@click.argument("content")
@store_option
@click.option("--tier", type=click.Choice(TIERS), help="How lasting it is (standard, if new).")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--topic", help="A path such as /user/preferences.")
@click.option("--asserted-at", type=Time(), help="When it was said; not in the future.")
@click.option("--replaces", multiple=True, metavar="ENTRY", help="An entry that this takes the place of.")
@json_option
@with_stores
async def remember(
    opened: Opened,
    *,
    content: str,
    store: str | None,
    tier: Tier | None,
    tags: tuple[str, ...],
    topic: str | None,
    asserted_at: datetime | None,
    replaces: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a fact down; it is trusted as your own words."""
    from dreamkeep_server.dream.redaction import redact

    redacted = redact(content)
    remembered = await opened.stores.remember(
        await chosen_store(opened, store),
        NewEntry(
            content=redacted.text,
            tier=tier,
            tags=tags or None,
            topic=topic,
            trust="user",
            asserted_at=asserted_at,
            replaces=tuple(EntryId(entry) for entry in replaces),
        ),
        actor=ACTOR,
    )
    if as_json:
        click.echo(to_json(remembered))
        return
    outcomes = {"new": "Remembered as", "confirmed": "Was there already; confirmed", "replaced": "Replaced:"}
    click.echo(f"{outcomes[remembered.outcome]} {remembered.entry_id} ({remembered.tier}).")
    if redacted.count:
        click.echo(f"{plural(redacted.count, 'secret')} in it was left out.", err=True)
    await embed_now(opened)


@click.command
@click.argument("query", default="")
@click.option("--store", "stores", multiple=True, metavar="NAME", help="A store to look in; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option("--tier", "tiers", multiple=True, type=click.Choice(TIERS), help="Only this tier; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; may be repeated.")
@click.option("--topic", help="Only this topic and below.")
@click.option("--since", type=Time(), help="Only what was said since then.")
@click.option("--until", type=Time(), help="Only what was said before then.")
@click.option("--version", type=VersionNumber(), metavar="N", help="As it was in version N (head, if left out).")
@click.option("--explain", "explained", is_flag=True, help="Say why each entry ranks where it does.")
@json_option
@with_stores
async def recall(
    opened: Opened,
    *,
    query: str,
    stores: tuple[str, ...],
    limit: int,
    tiers: tuple[Tier, ...],
    tags: tuple[str, ...],
    topic: str | None,
    since: datetime | None,
    until: datetime | None,
    version: int | None,
    explained: bool,
    as_json: bool,
) -> None:
    """Look facts up; without a query, the newest.

    Without --store it looks where an agent in this folder would: in the project's store and in "user".
    """
    from dreamkeep_server.recall import Recall

    now = datetime.now(UTC)
    search = Search(
        query=query,
        stores=await _stores_read(opened, stores, version),
        version=version,
        tiers=tiers,
        tags=tags,
        topic=topic,
        since=since,
        until=until,
        limit=limit,
    )
    ranking = await Recall(opened.meaning()).find(opened.stores, search, now)
    found = ranking.entries
    if ranking.without_meaning is not None:
        click.echo(ranking.without_meaning, err=True)
    if query and version is None and found:
        await opened.stores.record_recalls(_recalled(query, found, now))
    if as_json:
        click.echo(to_json([{**plain(one.entry), **_ranking(one)} for one in found]))
    elif not found:
        click.echo(f"Nothing found in {', '.join(search.stores) or 'an empty memory'}.", err=True)
    else:
        _draw(found, explained=explained, several=len(search.stores) > 1)


async def _stores_read(opened: Opened, named: tuple[str, ...], version: int | None) -> tuple[StoreName, ...]:
    if named:
        return tuple(StoreName(name) for name in dict.fromkeys(named))
    own = await chosen_store(opened, None)
    if version is not None:
        return (own,)
    there = await opened.stores.list_stores()
    return tuple(name for name in dict.fromkeys((own, DEFAULT_STORE)) if name in there)


def _recalled(query: str, found: Sequence["Ranked"], now: datetime) -> list[Recalled]:
    by_store: dict[StoreName, list[EntryId]] = {}
    for one in found:
        by_store.setdefault(one.entry.store, []).append(one.entry.entry_id)
    return [Recalled(store=store, query=query, entry_ids=tuple(ids), at=now) for store, ids in by_store.items()]


def _ranking(one: "Ranked") -> dict[str, object]:
    return {"score": round(one.score, 4), "stale": one.stale, "newer": one.newer, "why": one.why}


def _draw(found: Sequence["Ranked"], *, explained: bool, several: bool) -> None:
    from rich.text import Text

    from dreamkeep_server.cli.drawing import to_stdout

    console = to_stdout()
    for one in found:
        entry = one.entry
        line = Text(f"{entry.entry_id}  ", style="dim")
        line.append(shown(entry.content), style="default")
        parts = [entry.tier, day(entry.asserted_at), *([shown(entry.topic)] if entry.topic else [])]
        parts += [entry.store] if several else []
        line.append(f"  [{' · '.join(parts)}]", style="dim")
        if one.stale:
            line.append("  stale", style="yellow")
        if one.newer is not None:
            line.append(f"  {one.newer} may replace it", style="yellow")
        console.print(line)
        if explained:
            console.print(Text(f"            {one.score:.3f}: {one_line(one.why)}", style="cyan"))


@click.command
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@json_option
@with_stores
async def erase(opened: Opened, *, entries: tuple[str, ...], as_json: bool) -> None:
    """Take entries out of every version, for good.

    For privacy: unlike forgetting, nothing brings them back, and what was made from them goes too. Asks
    on a terminal, and refuses without one. The address of a secret is no reason not to change the secret.
    """
    ids = tuple(EntryId(entry) for entry in entries)
    for found in await opened.stores.get_entries(ids):
        text = f"closed entry, {found.how}" if isinstance(found, Closed) else one_line(found.content, 200)
        click.echo(f"{found.entry_id}  {text}", err=True)
    ask(
        f"Erase {plural(len(ids), 'entry', 'entries')} from every version, and what was made from it, for good?",
        otherwise="Erasing is for a person: it asks on a terminal, and there is none here. Nothing was erased. "
        "`forget` closes an entry and can be undone.",
    )
    erased = await opened.stores.erase(ids, actor=ACTOR)
    if as_json:
        click.echo(to_json(erased))
        return
    click.echo(
        f"Erased {plural(len(erased.entries), 'entry', 'entries')}, {len(erased.derived)} made from them; "
        f"{len(erased.returned)} came back. {plural(len(erased.versions), 'version')} "
        f"{'has' if len(erased.versions) == 1 else 'have'} another digest now. A session that says it in other words "
        "still does."
    )
    if not erased.log_emptied:
        click.echo(
            "Another program is reading the database, so its write-ahead log still holds the text; it goes when the "
            "last one closes.",
            err=True,
        )
