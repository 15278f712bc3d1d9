"""`review`: look at what a dream proposes, and decide on it change by change."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from dreamkeep_server.cli.opening import (
    ACTOR,
    Listing,
    Opened,
    ask,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import one_line, plural, to_json
from dreamkeep_server.tools.sides import reason_told, sides
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import (
    DECISIONS,
    OPERATIONS,
    PAGE_MAX,
    RISKS,
    Change,
    ChangePage,
    Dream,
    DreamId,
    Edit,
)

if TYPE_CHECKING:
    from dreamkeep_store.store import Stores

CHANGE = re.compile(r"c?([1-9][0-9]{0,8})")
SHOWN_MAX = 50

F = TypeVar("F", bound=Callable[..., Any])


class ChangeName(click.ParamType[int | str]):
    """A change such as `c3`, or a kind of changes: an operation, a risk, a decision."""

    name = "change"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The change's number, or the kind's own word."""
        if value in {*OPERATIONS, *RISKS, *DECISIONS}:
            return cast(str, value)
        if found := CHANGE.fullmatch(str(value)):
            return int(found[1])
        return self.fail(
            f"{value!r} names no change; write c1, an operation ({', '.join(OPERATIONS[:3])}, ...), a risk "
            f"({', '.join(RISKS)}) or a decision ({', '.join(DECISIONS)}).",
            param,
            ctx,
        )


def dream_option(verb: F) -> F:
    """`--dream ID`."""
    return click.option("--dream", metavar="ID", help="The dream (the store's latest, if left out).")(verb)


@click.group(cls=Listing)
def review() -> None:
    """Look at what a dream proposes, and decide (list, if left out).

    CHANGE is an id such as c3, or a kind: an operation (merge), a risk (low), a decision (suggested).
    """


@review.command("list")
@click.argument("only", nargs=-1, type=ChangeName(), metavar="[CHANGE...]")
@dream_option
@store_option
@click.option("--limit", type=click.IntRange(1, PAGE_MAX), default=SHOWN_MAX, show_default=True)
@json_option
@with_stores
async def list_(
    opened: Opened,
    *,
    only: tuple[int | str, ...],
    dream: str | None,
    store: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show the changes, riskiest first, with before and after, reasons and sources."""
    found = await _dream(opened, dream, store)
    changes = await changes_named(opened.stores, found.dream_id, only)
    if as_json:
        click.echo(to_json(changes[:limit]))
        return
    from dreamkeep_server.cli.drawing import changes_drawn, to_stdout
    from dreamkeep_server.cli.dreams import settled, told

    console = to_stdout()
    console.print("\n".join(told(found)))
    console.print()
    console.print(changes_drawn(changes[:limit]))
    if len(changes) > limit:
        click.echo(f"\n{len(changes) - limit} more: --limit, or name a kind such as `review list suggested`.")
    if found.output_version is None:
        return
    version = await opened.stores.get_version(found.store, found.output_version)
    if version.state == "proposed":
        click.echo(
            f"\nDecide with `dreamkeep review accept|reject CHANGE...`; take version {version.number} with "
            f"`dreamkeep switch {version.number}`."
        )
        return
    click.echo(f"\n{settled(version)}")
    if version.state == "published" and any(change.decision == "suggested" for change in changes):
        click.echo("Accepting a suggestion opens the next proposal.")


@review.command
@click.argument("changes", nargs=-1, required=True, type=ChangeName(), metavar="CHANGE...")
@dream_option
@store_option
@json_option
@with_stores
async def accept(
    opened: Opened, *, changes: tuple[int | str, ...], dream: str | None, store: str | None, as_json: bool
) -> None:
    """Include changes in the proposed version; high risk asks on a terminal, and refuses without one."""
    found = await _dream(opened, dream, store)
    named = await changes_named(opened.stores, found.dream_id, changes)
    wanted = [change for change in named if change.decision != "included"]
    if not wanted:
        raise InvalidError(f"Nothing to accept: {_kinds(changes)} in dream {found.dream_id} is included already.")
    _ask_about_risk(opened, wanted)
    decided = await opened.stores.decide(found.dream_id, accept=[change.number for change in wanted], actor=ACTOR)
    _tell(decided, as_json=as_json)


@review.command
@click.argument("changes", nargs=-1, required=True, type=ChangeName(), metavar="CHANGE...")
@dream_option
@store_option
@json_option
@with_stores
async def reject(
    opened: Opened, *, changes: tuple[int | str, ...], dream: str | None, store: str | None, as_json: bool
) -> None:
    """Leave changes out of the proposed version; later dreams do not propose them again."""
    found = await _dream(opened, dream, store)
    named = await changes_named(opened.stores, found.dream_id, changes)
    wanted = [change.number for change in named if change.decision != "rejected"]
    if not wanted:
        raise InvalidError(f"Nothing to reject: {_kinds(changes)} in dream {found.dream_id} is rejected already.")
    decided = await opened.stores.decide(found.dream_id, reject=wanted, actor=ACTOR)
    _tell(decided, as_json=as_json)


@review.command
@click.argument("change", type=ChangeName())
@click.argument("content")
@dream_option
@store_option
@json_option
@with_stores
async def edit(
    opened: Opened, *, change: int | str, content: str, dream: str | None, store: str | None, as_json: bool
) -> None:
    """Include one change with words of your own."""
    if isinstance(change, str):
        raise click.UsageError("An edit is of one change; name it by its id, such as c3.")
    from dreamkeep_server.dream.redaction import redact
    from dreamkeep_server.dream.risk import risk_of_edit

    found = await _dream(opened, dream, store)
    text = redact(content).text
    _ask_about_risk(opened, await changes_named(opened.stores, found.dream_id, (change,)), text)
    decided = await opened.stores.decide(
        found.dream_id,
        accept=[change],
        edit=Edit(number=change, content=text, trust="user", risk=risk_of_edit(text)),
        actor=ACTOR,
    )
    _tell(decided, as_json=as_json)


@review.command
@dream_option
@store_option
@json_option
@with_stores
async def discard(opened: Opened, *, dream: str | None, store: str | None, as_json: bool) -> None:
    """Throw the proposed version away; the memory stays as it is."""
    found = await _dream(opened, dream, store)
    version = await opened.stores.discard(found.dream_id, actor=ACTOR)
    click.echo(to_json(version) if as_json else f"Version {version.number} of {version.store} is discarded.")


async def changes_named(stores: "Stores", dream_id: DreamId, names: Sequence[int | str]) -> list[Change]:
    """The dream's changes that are named by id or kind, riskiest first; all of them when nothing is named."""
    found: list[Change] = []
    while True:
        page = await stores.list_changes(dream_id, limit=PAGE_MAX, offset=len(found))
        found.extend(page.changes)
        if len(found) >= page.total or not page.changes:
            break
    unknown = [f"c{name}" for name in names if isinstance(name, int) and all(c.number != name for c in found)]
    if unknown:
        there = f"c1 to c{max(change.number for change in found)}" if found else "no changes at all"
        raise NotFoundError(f"Dream {dream_id} has no change {', '.join(unknown)}; it has {there}.")
    wanted = set(names)
    return [
        change
        for change in found
        if not wanted or wanted & {change.number, change.operation, change.risk, change.decision}
    ]


async def _dream(opened: Opened, dream: str | None, store: str | None) -> Dream:
    if dream is not None:
        return await opened.stores.get_dream(DreamId(dream))
    return await opened.stores.get_dream(None, store=await chosen_store(opened, store))


def _ask_about_risk(opened: Opened, changes: Sequence[Change], content: str | None = None) -> None:
    """High risk is included by a person: at a terminal, unless the owner lets agents do it."""
    from dreamkeep_server.dream.risk import needs_person
    from dreamkeep_server.tools.cuts import visible

    high = [change for change in changes if needs_person(change, content)]
    if not high or opened.settings.agents_may_include_high_risk:
        return
    for change in high:
        click.echo(f"c{change.number}  {change.operation}, high risk: {visible(reason_told(change))}", err=True)
        for seen in change.evidence:
            click.echo(f"    seen: {visible(seen)}", err=True)
        for side in sides(change):
            remark = f" ({side.remark})" if side.remark else ""
            for text in side.texts:
                click.echo(f"    {side.mark} {visible(text)}{remark}", err=True)
        if content is not None:
            click.echo(f"    with this text: {visible(content)}", err=True)
    names = ", ".join(f"c{change.number}" for change in high)
    ask(
        f"Include {plural(len(high), 'change')} of high risk?",
        otherwise=f"{names}: high risk is included by a person; it asks on a terminal, and there is none here. "
        "Nothing was decided.",
    )


def _kinds(names: Sequence[int | str]) -> str:
    return "everything named " + ", ".join(f"c{name}" if isinstance(name, int) else name for name in names)


def _tell(decided: ChangePage, *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(decided.changes))
        return
    for change in decided.changes:
        click.echo(f"c{change.number}  {change.decision}  {change.operation}: {one_line(change.reason, 100)}")
