"""`versions`, `diff`, `switch`, `rollback`: a store's history, and moving in it."""

from typing import cast, get_args

import click

from dreamkeep_server.cli.opening import (
    ACTOR,
    Opened,
    VersionNumber,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import minute, one_line, plural, shown, to_json
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.models import PAGE_MAX, Difference, DreamId, RollbackMode, StoreName, Switched, Version

DIFFERENCES_SHOWN_MAX = 200


@click.command
@store_option
@click.option("--limit", type=click.IntRange(1, PAGE_MAX), default=20, show_default=True)
@json_option
@with_stores
async def versions(opened: Opened, *, store: str | None, limit: int, as_json: bool) -> None:
    """List a store's versions, newest first."""
    found = await opened.stores.list_versions(await chosen_store(opened, store), limit=limit)
    if as_json:
        click.echo(to_json(found))
        return
    for version in found:
        mark = "*" if version.head else " "
        entries = "" if version.entries is None else plural(version.entries, "entry", "entries")
        digest = (version.digest or "")[:12]
        note = f"  {one_line(version.note, 60)}" if version.note else ""
        click.echo(
            f"{mark} v{version.number:<4} {version.kind:<10} {version.state:<9} {minute(version.created_at)}  "
            f"{entries:>14}  {digest}{note}".rstrip()
        )


@click.command
@click.argument("base", required=False, type=VersionNumber())
@click.argument("target", required=False, type=VersionNumber())
@store_option
@click.option("--limit", type=click.IntRange(min=1), default=DIFFERENCES_SHOWN_MAX, show_default=True)
@json_option
@with_stores
@click.pass_context
async def diff(
    context: click.Context,
    opened: Opened,
    *,
    base: int | None,
    target: int | None,
    store: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show what differs between two versions, and why.

    From BASE (head, if left out) to TARGET (the open proposal, if left out). A version is a number, or
    "head" for the live memory.
    """
    name = await chosen_store(opened, store)
    if context.get_parameter_source("target") is click.core.ParameterSource.DEFAULT:
        target = await _proposal(opened, name)
    if not as_json and base is None and target is not None:
        version = await opened.stores.get_version(name, target)
        if version.state == "proposed" and version.dream_id is not None:
            await _draw_proposal(opened, version, version.dream_id, limit)
            return
    found: list[Difference] = []
    total = 1
    while len(found) < min(total, limit):
        page = await opened.stores.diff(name, base, target, limit=min(PAGE_MAX, limit - len(found)), offset=len(found))
        found.extend(page.differences)
        total = page.total
        if not page.differences:
            break
    if as_json:
        click.echo(to_json({"store": name, "base": base, "target": target, "total": total, "differences": found}))
        return
    _draw(name, base, target, found, total)


async def _proposal(opened: Opened, store: StoreName) -> int:
    standing = await opened.stores.standing(store)
    if standing.proposal is None:
        raise NotFoundError(
            f"Store {store} has no open proposal. `dreamkeep dream` makes one; `dreamkeep versions` lists the "
            "versions there are, and `dreamkeep diff 1 head` compares two."
        )
    return standing.proposal


async def _draw_proposal(opened: Opened, version: Version, dream_id: DreamId, limit: int) -> None:
    """The changes that a proposal includes: they say more than the entries that differ."""
    from dreamkeep_server.cli.drawing import changes_drawn, to_stdout
    from dreamkeep_server.cli.reviews import changes_named

    changes = await changes_named(opened.stores, dream_id, ())
    included = [change for change in changes if change.decision == "included"]
    suggested = sum(change.decision == "suggested" for change in changes)
    console = to_stdout()
    console.print(
        f"{version.store}: head to version {version.number}, proposed by dream {dream_id}: "
        f"{plural(len(included), 'change')}\n"
    )
    console.print(changes_drawn(included[:limit]))
    if len(included) > limit:
        console.print(f"\n{len(included) - limit} more; --limit shows them.")
    if suggested:
        console.print(f"\n{plural(suggested, 'suggestion')} not in it: `dreamkeep review list suggested`.")


def _draw(store: StoreName, base: int | None, target: int | None, found: list[Difference], total: int) -> None:
    from dreamkeep_server.cli.drawing import differences_drawn, to_stdout

    console = to_stdout()
    console.print(
        f"{store}: {_called(base)} to {_called(target)}: "
        + (f"{plural(total, 'entry', 'entries')} {'differs' if total == 1 else 'differ'}\n" if total else "the same")
    )
    if found:
        console.print(differences_drawn(found))
    if total > len(found):
        console.print(f"\n{total - len(found)} more; --limit shows them.")


def _called(version: int | None) -> str:
    return "head" if version is None else f"version {version}"


@click.command
@click.argument("version", required=False, type=click.IntRange(min=1))
@store_option
@click.option("--expected-head", type=click.IntRange(min=1), help="Refuse when the head is another version by now.")
@json_option
@with_stores
async def switch(
    opened: Opened, *, version: int | None, store: str | None, expected_head: int | None, as_json: bool
) -> None:
    """Make a proposed version the live memory.

    VERSION is the open proposal, if left out. What was remembered since it was made stays; a change
    whose sources changed meanwhile is skipped.
    """
    name = await chosen_store(opened, store)
    number = await _proposal(opened, name) if version is None else version
    switched = await opened.stores.switch(name, number, expected_head=expected_head, actor=ACTOR)
    click.echo(to_json(switched) if as_json else "\n".join(switch_told(switched)))
    await opened.stores.digest_versions(name)


def switch_told(switched: Switched) -> list[str]:
    """What a switch did, in a few lines."""
    lines = [
        f"{switched.store} is at version {switched.head} (was {switched.previous}): "
        f"{plural(switched.applied, 'change')} applied, {len(switched.skipped)} skipped."
    ]
    lines += [f"  {skipped.change} skipped: {shown(skipped.reason)}" for skipped in switched.skipped]
    if switched.checkpoint is not None:
        lines.append(f"  version {switched.checkpoint} keeps the memory as it was just before")
    if switched.suggested:
        lines.append(f"  {plural(switched.suggested, 'suggestion')} left: `dreamkeep review list suggested`")
    lines.append("Take it back with `dreamkeep rollback`.")
    return lines


@click.command
@click.argument("version", required=False, type=click.IntRange(min=1))
@store_option
@click.option(
    "--mode",
    type=click.Choice(get_args(RollbackMode)),
    default="revert",
    show_default=True,
    help="revert undoes switches and keeps later writes; restore returns to exactly VERSION.",
)
@json_option
@with_stores
async def rollback(opened: Opened, *, version: int | None, store: str | None, mode: str, as_json: bool) -> None:
    """Go back to before the newest switch, or to VERSION.

    History stays, so this too can be undone."""
    name = await chosen_store(opened, store)
    switched = await opened.stores.rollback(name, version, mode=cast(RollbackMode, mode), actor=ACTOR)
    click.echo(to_json(switched) if as_json else "\n".join(rollback_told(switched)))
    await opened.stores.digest_versions(name)


def rollback_told(switched: Switched) -> list[str]:
    """What a rollback did, in a few lines."""
    undone = ", ".join(f"v{number}" for number in switched.undone)
    lines = [
        f"{switched.store} is at version {switched.head} (was {switched.previous})"
        + (f"; undone: {undone}" if undone else "")
        + (f"; {plural(switched.kept, 'entry', 'entries')} written since then kept" if switched.kept else "")
        + "."
    ]
    lines += [f"  {skipped.change} left as it is: {shown(skipped.reason)}" for skipped in switched.skipped]
    if switched.checkpoint is not None:
        lines.append(f"  version {switched.checkpoint} keeps the memory as it was just before")
    lines.append(f"Take this back with `dreamkeep rollback {switched.previous}`.")
    return lines
