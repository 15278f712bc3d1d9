"""`explain`: where an entry came from, how fresh it is, what it became, and what may become of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from dreamkeep_server.cli.ahead import as_plain, look, told
from dreamkeep_server.cli.opening import Opened, json_option, with_stores
from dreamkeep_server.cli.text import minute, one_line, plain, plural, shown, to_json
from dreamkeep_store.models import Change, Closed, DreamId, Entry, EntryId, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an entry's present state came from."""

    session: Session | None
    change: Change | None
    """The dream's change that wrote it; None when it was written by hand."""


@click.command
@click.argument("entry")
@json_option
@with_stores
async def explain(opened: Opened, *, entry: str, as_json: bool) -> None:
    """Say where an entry came from, and what may become of it.

    That is: who said it and when, how fresh it is, what the open proposal and the next dream would make of it, and
    for one that is not live any more, what it became and why.
    """
    (found,) = await opened.stores.get_entries((EntryId(entry),))
    if isinstance(found, Closed):
        became = [one for one in await _live(opened, found) if isinstance(one, Entry)]
        if as_json:
            click.echo(to_json({**plain(found), "became_entries": became}))
        else:
            click.echo("\n".join(_of_closed(found, became)))
        return
    origin = await _origin(opened, found)
    now = datetime.now(UTC)
    waiting = await _waiting(opened, found)
    ahead = await look(opened, found)
    if as_json:
        from dreamkeep_server import staleness

        fresh = {
            "freshness": round(staleness.freshness(found, now), 4),
            "stale": staleness.is_stale(found, now),
        }
        proposed = {"open_proposal": [_waiting_plain(change) for change in waiting]}
        click.echo(to_json({**plain(found), **fresh, **plain(origin), **proposed, "next_dream": as_plain(ahead)}))
    else:
        click.echo("\n".join([*_of_live(found, origin, now), *map(_waiting_told, waiting), *told(ahead)]))


async def _live(opened: Opened, closed: Closed) -> list[Entry | Closed]:
    return await opened.stores.get_entries(closed.became) if closed.became else []


async def _origin(opened: Opened, entry: Entry) -> Origin:
    session = await opened.stores.get_session(entry.session_id) if entry.session_id else None
    change = await _change(opened, entry, entry.dream_id) if entry.dream_id else None
    return Origin(session=session, change=change)


async def _change(opened: Opened, entry: Entry, dream_id: DreamId) -> Change | None:
    offset = 0
    while True:
        page = await opened.stores.list_changes(dream_id, limit=100, offset=offset)
        for change in page.changes:
            if any(one.entry_id == entry.entry_id for one in change.after):
                return change
        offset += len(page.changes)
        if offset >= page.total or not page.changes:
            return None


async def _waiting(opened: Opened, entry: Entry) -> list[Change]:
    """The changes of the open proposal, if there is one, that are about the entry."""
    number = (await opened.stores.standing(entry.store)).proposal
    if number is None:
        return []
    from dreamkeep_server.cli.reviews import changes_named

    dream_id = (await opened.stores.get_version(entry.store, number)).dream_id
    assert dream_id is not None, "only a dream proposes"
    return [
        change
        for change in await changes_named(opened.stores, dream_id, ())
        if change.version == number and any(one.entry_id == entry.entry_id for one in change.before)
    ]


def _waiting_told(change: Change) -> str:
    outdated = f"; outdated: {one_line(change.outdated)}" if change.outdated is not None else ""
    return (
        f"  open proposal: version {change.version}, c{change.number} ({change.operation}, {change.decision}, "
        f"{change.risk} risk{outdated}): {one_line(change.reason)}"
    )


def _waiting_plain(change: Change) -> dict[str, object]:
    return {
        "version": change.version,
        "change": f"c{change.number}",
        "operation": change.operation,
        "decision": change.decision,
        "risk": change.risk,
        "reason": change.reason,
        "outdated": change.outdated,
    }


def _of_live(entry: Entry, origin: Origin, now: datetime) -> list[str]:
    from dreamkeep_server import staleness

    lines = [
        shown(entry.content),
        f"  {entry.entry_id} in {entry.store}: {entry.tier}, trusted as from {_from_whom(entry)}"
        + (f", topic {shown(entry.topic)}" if entry.topic else "")
        + (f", tags {', '.join(shown(tag) for tag in entry.tags)}" if entry.tags else ""),
        f"  asserted {minute(entry.asserted_at)}; recalled {plural(entry.usage.recalls, 'time')}, "
        f"useful {entry.usage.useful}, wrong {entry.usage.wrong}, outdated {entry.usage.outdated}",
        f"  fresh? {staleness.explain(entry, now)}",
    ]
    if origin.session is not None:
        session = origin.session
        lines.append(f"  said in session {session.session_id}, begun {minute(session.started_at)}")
    if origin.change is None:
        lines.append("  written by hand" if entry.dream_id is None else f"  written by dream {entry.dream_id}")
        return lines
    change = origin.change
    lines.append(
        f"  written by dream {entry.dream_id} in version {change.version} (c{change.number}, {change.operation}, "
        f"{change.risk} risk, {change.decision} by {change.decided_by}): {one_line(change.reason)}"
    )
    lines += [f"    from {one.entry_id}: {one_line(one.content, 200)}" for one in change.before]
    lines += [
        f"    from {quote.session_id} message {quote.message} ({quote.role}): “{one_line(quote.text, 200)}”"
        for quote in change.quotes
    ]
    return lines


def _from_whom(entry: Entry) -> str:
    return {"user": "you", "agent": "an agent", "tool": "a tool", "external": "outside"}[entry.trust]


def _of_closed(closed: Closed, became: list[Entry]) -> list[str]:
    how = {
        "forgotten": "was forgotten",
        "replaced": "was replaced by hand",
        "dream": "was closed by a dream",
        "rollback": "was closed by a rollback",
    }[closed.how]
    reason = f": {one_line(closed.reason)}" if closed.reason else ""
    lines = [f"{closed.entry_id} in {closed.store} {how} on {minute(closed.closed_at)}{reason}"]
    lines += [f"  says it now: {one.entry_id}  {one_line(one.content, 200)}" for one in became]
    if not closed.became:
        lines.append("  nothing says it now; every version that had it still does")
    return lines
