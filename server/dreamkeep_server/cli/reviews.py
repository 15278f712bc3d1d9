"""`review`: look at what a dream proposes, and decide on it change by change."""

import re
from collections.abc import Callable, Collection, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

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
from dreamkeep_server.cli.text import plural, to_json
from dreamkeep_server.tools.meant import KINDS, Meant, in_order, is_of, meant
from dreamkeep_server.tools.sides import reason_told, sides
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import (
    DECISIONS,
    OPERATIONS,
    PAGE_MAX,
    RISKS,
    Change,
    Dream,
    DreamId,
    Edit,
    EntryId,
)

if TYPE_CHECKING:
    from dreamkeep_store.store import Stores

CHANGE = re.compile(r"c?([1-9][0-9]{0,8})")
SHOWN_MAX = 50
DECIDED_SHOWN_MAX = 100

F = TypeVar("F", bound=Callable[..., Any])


class ChangeName(click.ParamType[int | str]):
    """A change such as `c3`, or a kind of changes: an operation, a risk, a decision."""

    name = "change"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The change's number, or the kind's own word."""
        if value in KINDS:
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

    CHANGE is an id such as c3, or a kind: an operation (merge), a risk (low), a decision (suggested). Several
    kinds narrow it down: `review merge low` lists merges of low risk, `review accept suggested medium` takes
    every suggestion of medium risk that fits beside the others.
    """


@review.command("list")
@click.argument("only", nargs=-1, type=ChangeName(), metavar="[CHANGE...]")
@dream_option
@store_option
@click.option("--limit", type=click.IntRange(1, PAGE_MAX), default=SHOWN_MAX, show_default=True)
@click.option("--page", type=click.IntRange(min=1), default=1, help="Which page of so many changes.")
@click.option("--brief", is_flag=True, help="A line a change.")
@json_option
@with_stores
async def list_(
    opened: Opened,
    *,
    only: tuple[int | str, ...],
    dream: str | None,
    store: str | None,
    limit: int,
    page: int,
    brief: bool,
    as_json: bool,
) -> None:
    """Show the changes, riskiest first, with before and after, reasons and sources."""
    found = await _dream(opened, dream, store)
    every = await changes_named(opened.stores, found.dream_id, ())
    changes = _named(every, found.dream_id, only)
    seen = in_order(changes)[limit * (page - 1) : limit * page]
    if as_json:
        click.echo(to_json(seen))
        return
    from dreamkeep_server.cli.drawing import changes_drawn, to_stdout
    from dreamkeep_server.cli.dreams import told
    from dreamkeep_server.cli.guiding import change_line, what_next

    console = to_stdout()
    console.print("\n".join(told(found)))
    console.print()
    if brief:
        for change in seen:
            console.print(change_line(change, console.width), no_wrap=True, overflow="ellipsis")
    else:
        console.print(changes_drawn(seen))
    pages = -(-len(changes) // limit)
    if pages > 1:
        click.echo(f"\nPage {page} of {pages}: --page {page % pages + 1} shows others, and --brief gives a line each.")
    if only and not changes:
        click.echo("There is no such change.")
    if found.output_version is not None:
        version = await opened.stores.get_version(found.store, found.output_version)
        click.echo("\n" + "\n".join(what_next(version, every)))


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
    every = await changes_named(opened.stores, found.dream_id, ())
    wanted = _meant(every, found.dream_id, changes, "accept")
    if not wanted.numbers:
        raise InvalidError(_nothing_left("accept", changes, found.dream_id))
    _ask_about_risk(opened, [one for one in every if one.number in wanted.numbers and one.applied is None])
    decided = await opened.stores.decide(
        found.dream_id, accept=wanted.by_id, accept_fitting=wanted.by_kind, actor=ACTOR
    )
    await _tell(opened, found, wanted.numbers, decided.left_out, as_json=as_json)


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
    every = await changes_named(opened.stores, found.dream_id, ())
    wanted = _meant(every, found.dream_id, changes, "reject").numbers
    if not wanted:
        raise InvalidError(_nothing_left("reject", changes, found.dream_id))
    await opened.stores.decide(found.dream_id, reject=wanted, actor=ACTOR)
    await _tell(opened, found, wanted, (), as_json=as_json)


@review.command
@click.argument("change", type=ChangeName())
@click.argument("content")
@click.option("--entry", metavar="ID", help="Which entry's text, where the change writes several.")
@dream_option
@store_option
@json_option
@with_stores
async def edit(
    opened: Opened,
    *,
    change: int | str,
    content: str,
    entry: str | None,
    dream: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Include one change with words of your own."""
    if isinstance(change, str):
        raise click.UsageError("An edit is of one change; name it by its id, such as c3.")
    from dreamkeep_server.dream.redaction import redact
    from dreamkeep_server.dream.risk import risk_of_edit

    found = await _dream(opened, dream, store)
    text = redact(content).text
    _ask_about_risk(opened, await changes_named(opened.stores, found.dream_id, (change,)), text)
    await opened.stores.decide(
        found.dream_id,
        accept=[change],
        edit=Edit(
            number=change,
            content=text,
            trust="user",
            risk=risk_of_edit(text),
            entry_id=EntryId(entry) if entry else None,
        ),
        actor=ACTOR,
    )
    await _tell(opened, found, (change,), (), as_json=as_json)


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
    return _named(found, dream_id, names)


def _named(changes: Sequence[Change], dream_id: DreamId, names: Sequence[int | str]) -> list[Change]:
    """Those that are named by id, and those of the kinds that are named."""
    ids, kinds = _sorted_out(changes, dream_id, names)
    return [one for one in changes if not names or one.number in ids or (kinds and is_of(one, kinds))]


def _meant(
    changes: Sequence[Change], dream_id: DreamId, names: Sequence[int | str], verb: Literal["accept", "reject"]
) -> Meant:
    ids, kinds = _sorted_out(changes, dream_id, names)
    return meant(changes, ids, kinds, verb)


def _sorted_out(
    changes: Sequence[Change], dream_id: DreamId, names: Sequence[int | str]
) -> tuple[list[int], list[str]]:
    """The ids and the kinds among names; NotFoundError for an id that is not there."""
    ids = [name for name in names if isinstance(name, int)]
    last = max((change.number for change in changes), default=0)
    for number in ids:
        if all(change.number != number for change in changes):
            there = f"c1 to c{last}" if last else "no changes at all"
            if number < last:
                there += "; what it spoke of was erased"
            raise NotFoundError(f"Dream {dream_id} has no change c{number}; it has {there}.")
    return ids, [name for name in names if isinstance(name, str)]


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
        for quote in change.quotes:
            where = f"{quote.role}, {quote.session_id} message {quote.message}"
            click.echo(f"    said: “{visible(quote.text)}” ({where})", err=True)
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


def _nothing_left(verb: Literal["accept", "reject"], names: Sequence[int | str], dream_id: DreamId) -> str:
    """A sentence for names that hold nothing, or nothing that was not decided so before."""
    named = " ".join(f"c{name}" if isinstance(name, int) else name for name in names)
    return (
        f"Nothing to {verb}: dream {dream_id} has no {named} left to {verb}; `dreamkeep review list --brief` shows all."
    )


async def _tell(
    opened: Opened, dream: Dream, asked: Collection[int], left_out: Sequence[str], *, as_json: bool
) -> None:
    """What was decided, what could not be, and where that leaves the proposal."""
    from dreamkeep_server.cli.guiding import decision_line, what_next

    every = await changes_named(opened.stores, dream.dream_id, ())
    named = [change for change in every if change.number in asked]
    if as_json:
        click.echo(to_json(named))
    else:
        decided = [change for change in named if change.decision != "suggested"]
        for change in decided[:DECIDED_SHOWN_MAX]:
            click.echo(decision_line(change, get_terminal_size().columns))
        if len(decided) > DECIDED_SHOWN_MAX:
            click.echo(f"and {len(decided) - DECIDED_SHOWN_MAX:,} more")
    for sentence in left_out:
        click.echo(f"Left out: {sentence}", err=True)
    now = await opened.stores.get_dream(dream.dream_id)
    if as_json or now.output_version is None:
        return
    version = await opened.stores.get_version(now.store, now.output_version)
    click.echo("\n" + "\n".join(what_next(version, every)))
