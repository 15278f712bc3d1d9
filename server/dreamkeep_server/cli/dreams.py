"""`dream`: start one and watch it, or look at, cancel and archive one."""

from datetime import UTC, datetime
from typing import Literal, get_args

import click

from dreamkeep_server.cli.opening import (
    ACTOR,
    DREAM_FAILED,
    REFUSED,
    Opened,
    VersionNumber,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import minute, plural, shown, to_json
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_store.models import (
    INSTRUCTIONS_CHARACTERS_MAX,
    Dream,
    DreamId,
    JudgeName,
    NewDream,
    Policy,
    SessionId,
    StoreName,
    Version,
)

POLICIES: tuple[Policy, ...] = get_args(Policy)
"""Least first."""
WISHES = ("version", "sessions", "instructions", "judge", "policy", "model", "budget_tokens", "budget_usd")
"""What somebody who asks for a dream may say about it."""
LATEST_SHOWN_MAX = 5
"""Of the changes that a running dream has decided."""


@click.command
@click.argument("dream_id", required=False, metavar="[DREAM]")
@store_option
@click.option("--status", "deed", flag_value="status", help="Only show DREAM (or the latest).")
@click.option("--cancel", "deed", flag_value="cancel", help="Cancel DREAM (or the latest).")
@click.option("--archive", "deed", flag_value="archive", help="Put DREAM (or the latest) away.")
@click.option("--estimate", "deed", flag_value="estimate", help="Only say what it would read and cost.")
@click.option("--if-due", "deed", flag_value="if_due", help="Only where one is due; every store, unless one is named.")
@click.option("--version", type=VersionNumber(), metavar="N", help="The version to read (head, if left out).")
@click.option("--sessions", default="new", metavar="WHICH", help="new (if left out), none, or ids with commas.")
@click.option("--instructions", default="", help=f"Up to {INSTRUCTIONS_CHARACTERS_MAX:,} characters for the judge.")
@click.option("--judge", type=click.Choice(["auto", *get_args(JudgeName)]), default="auto", show_default=True)
@click.option("--policy", type=click.Choice(POLICIES), default="review", help="What it may switch to by itself.")
@click.option("--model", help="The model that judges.")
@click.option("--budget-tokens", type=click.IntRange(min=1), help="The most tokens it may use.")
@click.option("--budget-usd", type=click.FloatRange(min=0, min_open=True), help="The most dollars it may cost.")
@click.option("--no-wait", is_flag=True, help="Start it and come back at once.")
@json_option
@with_stores
@click.pass_context
async def dream(
    context: click.Context,
    opened: Opened,
    *,
    dream_id: str | None,
    store: str | None,
    deed: Literal["status", "cancel", "archive", "estimate", "if_due"] | None,
    version: int | None,
    sessions: str,
    instructions: str,
    judge: Literal["auto"] | JudgeName,
    policy: Policy,
    model: str | None,
    budget_tokens: int | None,
    budget_usd: float | None,
    no_wait: bool,
    as_json: bool,
) -> int | None:
    """Let the memory dream, and watch it.

    It reads the memory and the new sessions, and proposes a new version. It runs in a process of its
    own; Ctrl-C stops watching, not dreaming. Nothing that is remembered changes until somebody switches
    to what it proposes.

    For a timer (cron, launchd, systemd): `dreamkeep dream --if-due`. It dreams as the settings say, and
    ends with 0 and a sentence where no dream is due.
    """
    if deed in {"status", "cancel", "archive"}:
        await _about(opened, deed, dream_id, store, as_json=as_json)
        return None
    if dream_id is not None:
        raise click.UsageError("A dream is named only with --status, --cancel or --archive.")
    if deed == "if_due":
        _refuse_wishes(context)
        return await _dream_if_due(opened, store, no_wait=no_wait, as_json=as_json)
    from dreamkeep_server.asking import judge_of, policy_of, spending_of
    from dreamkeep_server.dream.redaction import redact

    name = await chosen_store(opened, store)
    allowed = policy_of(policy, opened.settings)
    if allowed != policy:
        click.echo(f"The setting policy_max allows {allowed} at most, so that is this dream's policy.", err=True)
    judged_by = judge_of(judge, opened.settings, by_agent=False)
    spending = spending_of(judged_by, opened.settings, model=model, budget_tokens=budget_tokens, budget_usd=budget_usd)
    if spending.note is not None:
        click.echo(spending.note, err=True)
    new = NewDream(
        store=name,
        base=version,
        sessions=_sessions(sessions),
        instructions=redact(instructions).text,
        judge=judged_by,
        policy=allowed,
        model=spending.model,
        budget_tokens=spending.budget_tokens,
        budget_usd=spending.budget_usd,
        requested_by=ACTOR,
    )
    if new.instructions and new.judge == "rules":
        click.echo("The rules judge does not use instructions; they are kept with the dream.", err=True)
    if deed == "estimate":
        await _estimate(opened, new, as_json=as_json)
        return None
    started = await opened.stores.start_dream(new)
    if started.earlier:
        click.echo("The same input was dreamed about before; here is that dream.", err=True)
    return await _watch(opened, started.dream, no_wait=no_wait, as_json=as_json)


def _refuse_wishes(context: click.Context) -> None:
    """A dream that starts when it is due is as the settings say; what is asked beside that would be lost."""
    for name in WISHES:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--if-due dreams as the settings say; leave --{name.replace('_', '-')} out.")


async def _dream_if_due(opened: Opened, store: str | None, *, no_wait: bool, as_json: bool) -> int | None:
    """Dream over each store that is due a dream, one after another; the exit code says when one failed."""
    from dreamkeep_server.unasked import start_if_due, why_not

    now = datetime.now(UTC)
    begun: list[Dream] = []
    for name in [StoreName(store)] if store is not None else await opened.stores.list_stores():
        started = await start_if_due(opened.stores, opened.settings, name, now)
        if started is not None:
            begun.append(await _followed(opened, started, no_wait=no_wait))
        if as_json:
            continue
        lines = [why_not(await opened.stores.standing(name), now)]
        if started is not None:
            lines = await _lines(opened, begun[-1])
        click.echo("\n".join(shown(as_commands(line)) for line in lines))
    if as_json:
        click.echo(to_json(begun))
    return max((_exit_code(dream) for dream in begun), default=0)


def _sessions(which: str) -> tuple[SessionId, ...] | Literal["new"]:
    if which == "new":
        return "new"
    if which == "none":
        return ()
    return tuple(SessionId(one.strip()) for one in which.split(",") if one.strip())


async def _estimate(opened: Opened, new: NewDream, *, as_json: bool) -> None:
    from dreamkeep_server.tools.estimates import estimate_of

    estimate = await estimate_of(opened.stores, new)
    if as_json:
        click.echo(to_json(estimate.model_dump(mode="json")))
        return
    for name, value in estimate.model_dump(exclude={"candidates"}).items():
        click.echo(f"{name.replace('_', ' ')}: {value}")
    kinds = ", ".join(f"{number} {kind}" for kind, number in estimate.candidates.items())
    click.echo(f"candidates: {kinds or 'none'}")


async def _about(opened: Opened, deed: str, dream_id: str | None, store: str | None, *, as_json: bool) -> None:
    """Look at a dream, named or the store's latest, and perhaps do something about it."""
    if dream_id is not None:
        found = await opened.stores.get_dream(DreamId(dream_id))
    else:
        found = await opened.stores.get_dream(None, store=await chosen_store(opened, store))
    if deed == "cancel":
        found = await opened.stores.cancel_dream(found.dream_id, actor=ACTOR)
    elif deed == "archive":
        found = await opened.stores.archive_dream(found.dream_id, actor=ACTOR)
    click.echo(to_json(found) if as_json else "\n".join([*told(found), *await next_told(opened, found)]))


async def _watch(opened: Opened, dream: Dream, *, no_wait: bool, as_json: bool) -> int | None:
    followed = await _followed(opened, dream, no_wait=no_wait)
    click.echo(to_json(followed) if as_json else "\n".join(await _lines(opened, followed)))
    return _exit_code(followed)


def _exit_code(dream: Dream) -> int:
    return {"failed": DREAM_FAILED, "canceled": REFUSED}.get(dream.status, 0)


async def _lines(opened: Opened, dream: Dream) -> list[str]:
    if dream.ended_at is None:
        return [f"Dream {dream.dream_id} of {dream.store} goes on in the background."]
    return [*told(dream), *await next_told(opened, dream)]


async def _followed(opened: Opened, dream: Dream, *, no_wait: bool) -> Dream:
    """The dream once it ended; with `no_wait` as it is, with a worker to take it up."""
    import anyio

    if no_wait:
        from dreamkeep_server.worker import ensure_worker

        await ensure_worker(opened.stores, opened.meaning())
        return dream
    from dreamkeep_server.cli.drawing import to_stderr
    from dreamkeep_server.cli.watching import watch_drawn

    try:
        return await watch_drawn(opened.stores, opened.meaning(), dream, to_stderr())
    except anyio.get_cancelled_exc_class():
        click.echo(f"\nDream {dream.dream_id} goes on; `dreamkeep dream --status` shows it.", err=True)
        raise


def told(dream: Dream) -> list[str]:
    """A dream in a few lines."""
    lines = [f"Dream {dream.dream_id} of {dream.store}, reading version {dream.base}: {dream.status}"]
    if dream.status in {"pending", "running"}:
        of = f" {dream.done:,} of {dream.total:,}" if dream.total else ""
        lines.append(f"  {dream.stage}{of}, attempt {dream.attempt}")
        from dreamkeep_server.cli.watching import Seen, lines_of

        return [*lines, *counted(dream), *lines_of(Seen(), dream.decided[-LATEST_SHOWN_MAX:])[1]]
    if dream.requested_by == "policy":
        lines.append("  it started by itself")
    if dream.error_code is not None:
        lines.append(f"  {dream.error_code}: {shown(as_commands(dream.error_message or ''))}")
    if dream.started_at and dream.ended_at:
        seconds = (dream.ended_at - dream.started_at).total_seconds()
        lines.append(f"  took {seconds:.1f} s, judge {dream.judge}, {plural(len(dream.sessions), 'session')} read")
    lines += counted(dream)
    if dream.recall_checked:
        lines.append(f"  recall check: {dream.recall_kept} of {dream.recall_checked} past recalls still find it")
    usage = dream.usage
    if dream.estimated_tokens:
        dollars = f", {dream.estimated_usd:.4f} US dollars" if dream.estimated_usd is not None else ""
        lines.append(f"  estimated before: {dream.estimated_tokens:,} tokens{dollars}")
    if usage.input_tokens or usage.output_tokens:
        cached = f"{usage.cache_read_input_tokens:,} read and {usage.cache_creation_input_tokens:,} written"
        tokens = f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out (cache: {cached})"
        lines.append(f"  {tokens}, {usage.cost_usd:.4f} US dollars")
    if dream.refusals:
        lines.append(f"  {plural(len(dream.refusals), 'operation')} refused: {shown(dream.refusals[0])}")
    if dream.archived_at is not None:
        lines.append(f"  archived {minute(dream.archived_at)}")
    return lines


def counted(dream: Dream) -> list[str]:
    """The changes of a dream by what is decided about them."""
    totals: dict[str, dict[str, int]] = {}
    for key, number in dream.counts.items():
        operation, _, decision = key.split("/")
        of_decision = totals.setdefault(decision, {})
        of_decision[operation] = of_decision.get(operation, 0) + number
    return [
        f"  {decision}: {sum(totals[decision].values())} "
        f"({', '.join(f'{operation} {number}' for operation, number in sorted(totals[decision].items()))})"
        for decision in ("included", "suggested", "rejected")
        if decision in totals
    ]


async def next_told(opened: Opened, dream: Dream) -> list[str]:
    """What to do next with a dream that ended, in a line; one whose budget ended may have a proposal too."""
    if dream.waits_until is not None:
        return [f"It waits for the agent that started it until {minute(dream.waits_until)}, then goes on by the rules."]
    if dream.status == "failed" and dream.output_version is None:
        return []
    if dream.status not in {"completed", "failed"}:
        return []
    if dream.output_version is None:
        return ["Nothing to change: the memory is as tidy as the judge can tell."]
    version = await opened.stores.get_version(dream.store, dream.output_version)
    match version.state:
        case "proposed":
            return [
                f"It proposes version {version.number}. See it with `dreamkeep review`, take it with "
                f"`dreamkeep switch {version.number}`; nothing has moved yet."
            ]
        case "published" | "discarded":
            return [settled(version)]


def settled(version: Version) -> str:
    """What became of a dream's version that is not open any more."""
    if version.state == "discarded":
        return f"Version {version.number} was thrown away."
    if version.head:
        return f"Version {version.number} is the live memory; `dreamkeep rollback` undoes the switch to it."
    return f"Version {version.number} was switched to already; `dreamkeep versions` shows where the memory is now."
