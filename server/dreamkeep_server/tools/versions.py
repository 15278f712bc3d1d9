"""The tools on versions: list_versions, diff_versions, switch_version, rollback."""

from collections.abc import Sequence
from functools import partial

from mcp.server.mcpserver import Context

from dreamkeep_server.tools.arguments import Limit, VersionNumber, VersionOrHead
from dreamkeep_server.tools.caller import ACTOR, Caller, caller_of
from dreamkeep_server.tools.cursors import cursor_after, position_of
from dreamkeep_server.tools.cuts import one_line
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.dreams import left_over, of_store
from dreamkeep_server.tools.results import (
    DiffAnswer,
    DifferenceRow,
    RollbackAnswer,
    SkippedChange,
    SwitchAnswer,
    VersionRow,
    VersionsAnswer,
)
from dreamkeep_store.errors import ConflictError, InvalidError
from dreamkeep_store.models import (
    PAGE_MAX,
    Change,
    Difference,
    Entry,
    RollbackMode,
    Skipped,
    StoreName,
    Version,
)

CONTENT_SHOWN_CHARACTERS = 60
"""Of each side of a difference; recall with version and review_dream give them whole."""
SKIPPED_SHOWN_MAX = 10
DIFFERENCES_A_PAGE = 6
REASON_CHARACTERS = 80


async def list_versions(ctx: Context, *, store: str = "", limit: Limit = 10, cursor: str = "") -> VersionsAnswer:
    """A store's versions, newest first."""
    caller = caller_of(ctx)
    where = caller.store(store)
    before = position_of(cursor, where, limit)
    versions = await caller.stores.list_versions(where, limit=limit, before=before or None)
    more = len(versions) == limit and versions[-1].number > 1
    return VersionsAnswer(
        store=where,
        versions=[version_row(version) for version in versions],
        next_cursor=cursor_after(versions[-1].number, where, limit) if more else None,
    )


async def diff_versions(
    ctx: Context,
    *,
    base: VersionOrHead = "head",
    target: VersionOrHead | None = None,
    store: str = "",
    limit: Limit = DIFFERENCES_A_PAGE,
    cursor: str = "",
) -> DiffAnswer:
    """What changes from one version to another, entry by entry, with reasons and sources. target
    defaults to the open proposal."""
    caller = caller_of(ctx)
    where = caller.store(store)
    if target is None:
        target = await _proposal(caller, where)
    offset = position_of(cursor, where, base, target, limit)
    page = await caller.stores.diff(where, _number(base), _number(target), limit=limit, offset=offset)
    more = offset + len(page.differences) < page.total
    changes = await _changes_behind(caller, where, page.differences)
    return DiffAnswer(
        store=where,
        base=base,
        target=target,
        total=page.total,
        differences=[
            _difference(difference, changes.get((difference.version, difference.change)))
            for difference in page.differences
        ],
        next_cursor=cursor_after(offset + limit, where, base, target, limit) if more else None,
    )


async def switch_version(
    ctx: Context, *, version: VersionNumber, expected_head: VersionNumber | None = None, store: str = ""
) -> SwitchAnswer:
    """Make a dream's proposed version the live memory. What was remembered meanwhile stays.
    expected_head: refuse if the head is another by now."""
    caller = caller_of(ctx)
    where = caller.store(store)
    found = await caller.stores.get_version(where, version)
    if found.state == "published":
        raise ConflictError(_published(found))
    switched = await caller.stores.switch(where, version, expected_head=expected_head, actor=ACTOR)
    caller.serving.afterwards.do(partial(caller.stores.digest_versions, where))
    note = "rollback undoes this."
    if switched.suggested and found.dream_id is not None:
        note += f" {left_over(found.dream_id)} shows what is still suggested."
    return SwitchAnswer(
        store=where,
        head=switched.head,
        previous=switched.previous,
        checkpoint=switched.checkpoint,
        applied=switched.applied,
        skipped=_skipped(switched.skipped),
        suggested=switched.suggested,
        note=note,
    )


async def rollback(
    ctx: Context, *, version: VersionNumber | None = None, mode: RollbackMode = "revert", store: str = ""
) -> RollbackAnswer:
    """Go back to a version (default: before the newest switch not yet undone), as a new version.
    revert undoes the switches since, change by change, and keeps later writes; restore returns to
    exactly what that version was."""
    caller = caller_of(ctx)
    where = caller.store(store)
    if mode == "restore" and version is None:
        raise InvalidError("mode=restore needs a version; list_versions shows them. mode=revert finds its own.")
    done = await caller.stores.rollback(where, version, mode=mode, actor=ACTOR)
    caller.serving.afterwards.do(partial(caller.stores.digest_versions, where))
    return RollbackAnswer(
        store=where,
        head=done.head,
        mode=mode,
        previous=done.previous,
        checkpoint=done.checkpoint,
        undone=list(done.undone),
        kept=done.kept,
        left=_skipped(done.skipped),
        note=f"rollback(version={done.previous}{of_store(caller, where)}) takes this back.",
    )


def version_row(version: Version) -> VersionRow:
    """A version for a client."""
    return VersionRow(
        number=version.number,
        parent=version.parent,
        kind=version.kind,
        state=version.state,
        seq=version.seq,
        entries=version.entries,
        created_at=version.created_at,
        head=version.head,
    )


async def _proposal(caller: Caller, where: StoreName) -> int:
    proposal = (await caller.stores.standing(where)).proposal
    if proposal is None:
        raise InvalidError(
            f"Store {where} has no open proposal to compare with. Name a target (list_versions shows the versions), "
            f"or start_dream makes a proposal."
        )
    return proposal


def _published(version: Version) -> str:
    if version.head:
        return f"Version {version.number} is the head of store {version.store} already; there is nothing to switch."
    return (
        f"Version {version.number} was published before, and switch_version takes proposed versions. To go back to it: "
        f"rollback(version={version.number}) undoes the switches since and keeps later writes; "
        f'rollback(version={version.number}, mode="restore") returns to exactly what it was.'
    )


def _number(version: VersionOrHead) -> int | None:
    return None if version == "head" else version


async def _changes_behind(
    caller: Caller, where: StoreName, differences: Sequence[Difference]
) -> dict[tuple[int | None, int | None], Change]:
    """The dreams' changes through which entries of a page went, by version and number."""
    wanted: dict[int, list[int]] = {}
    for difference in differences:
        if difference.after is None and difference.version is not None and difference.change is not None:
            wanted.setdefault(difference.version, []).append(difference.change)
    found: dict[tuple[int | None, int | None], Change] = {}
    for number, changes in wanted.items():
        dream_id = (await caller.stores.get_version(where, number)).dream_id
        if dream_id is not None:
            page = await caller.stores.list_changes(dream_id, numbers=tuple(set(changes)), limit=PAGE_MAX)
            found |= {(change.version, change.number): change for change in page.changes}
    return found


def _into(difference: Difference, change: Change | None) -> list[str] | None:
    """Which entries say it now that this one went."""
    if difference.after is not None or change is None:
        return None
    stays = [entry.entry_id for entry in change.before if entry.revision_id not in change.closes]
    return [*stays, *(revision.entry_id for revision in change.after)] or None


def _difference(difference: Difference, change: Change | None) -> DifferenceRow:
    before, after = difference.before, difference.after
    moved = before is not None and after is not None and before.tier != after.tier
    in_version = "" if difference.version is None else f"v{difference.version} "
    shown = after or before
    sources = (shown.session_id, shown.dream_id) if shown is not None else ()
    return DifferenceRow(
        id=difference.entry_id,
        how=difference.how,
        into=_into(difference, change),
        before=_line(before),
        after=_line(after),
        tier=f"{before.tier} -> {after.tier}" if moved and before and after else None,
        change=None if difference.change is None else f"{in_version}c{difference.change}",
        reason=None if difference.reason is None else one_line(difference.reason, REASON_CHARACTERS),
        sources=[str(source) for source in sources if source is not None] or None,
    )


def _line(entry: Entry | None) -> str | None:
    return None if entry is None else one_line(entry.content, CONTENT_SHOWN_CHARACTERS)


def _skipped(skipped: tuple[Skipped, ...]) -> list[SkippedChange] | None:
    rows = [SkippedChange(change=left.change, reason=left.reason) for left in skipped[:SKIPPED_SHOWN_MAX]]
    if len(skipped) > SKIPPED_SHOWN_MAX:
        rows.append(SkippedChange(change="more", reason=f"{len(skipped) - SKIPPED_SHOWN_MAX} more were left out"))
    return rows or None


TOOLS = (
    declare(list_versions, title="List versions", reads=True),
    declare(diff_versions, title="Compare versions", reads=True),
    declare(switch_version, title="Switch to a proposed version", destroys=True),
    declare(rollback, title="Roll back", destroys=True),
)
