"""The tools that start a dream and follow it: start_dream, get_dream, cancel_dream."""

from collections.abc import Sequence
from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver import Context
from pydantic import Field

from dreamkeep_server.asking import judge_of, policy_of, spending_of
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.tools.arguments import Count, Dollars, Flag, VersionOrHead
from dreamkeep_server.tools.caller import ACTOR, Caller, caller_of
from dreamkeep_server.tools.cuts import one_line
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.estimates import estimate_of
from dreamkeep_server.tools.results import (
    CancelAnswer,
    DreamAnswer,
    DreamError,
    Progress,
    RecallCheck,
    StartAnswer,
    UsageAnswer,
)
from dreamkeep_server.tools.secrets import without_secrets
from dreamkeep_store.errors import InvalidError, NotFoundError, UnavailableError
from dreamkeep_store.models import (
    INSTRUCTIONS_CHARACTERS_MAX,
    SESSIONS_PER_DREAM_MAX,
    Decided,
    Dream,
    DreamId,
    NewDream,
    Policy,
    SessionId,
    StoreName,
    Version,
)
from dreamkeep_store.store import Stores

WAIT_SECONDS_MAX = 50
"""Under the minute after which clients give a call up."""
LOOK_AGAIN_SECONDS = 0.5
REFUSALS_SHOWN_MAX = 5
REFUSAL_CHARACTERS = 160
DECIDED_SHOWN_MAX = 4
DECIDED_CHARACTERS = 90
"""Of a decided change's reason, and of its text: all of them fit into an answer beside the rest."""

Sessions = Literal["new", "none"] | Annotated[list[str], Field(max_length=SESSIONS_PER_DREAM_MAX)]
Wait = Annotated[int, Field(strict=True, ge=0, le=WAIT_SECONDS_MAX)]


async def start_dream(
    ctx: Context,
    *,
    store: str = "",
    version: VersionOrHead = "head",
    sessions: Sessions = "new",
    instructions: Annotated[str, Field(max_length=INSTRUCTIONS_CHARACTERS_MAX)] = "",
    judge: Literal["auto", "rules", "claude", "agent"] = "auto",
    policy: Policy = "review",
    model: str = "",
    budget_tokens: Count | None = None,
    budget_usd: Dollars | None = None,
    estimate_only: Flag = False,
) -> StartAnswer:
    """Start a dream in the background: it tidies one version of a store, reading past sessions (new,
    none, or ids), and proposes a new version. Nothing changes until switch_version. Then poll
    get_dream."""
    caller = caller_of(ctx)
    judged_by = judge_of(judge, caller.settings, by_agent=True)
    spending = spending_of(
        judged_by, caller.settings, model=model or None, budget_tokens=budget_tokens, budget_usd=budget_usd
    )
    allowed = policy_of(policy, caller.settings)
    notes = [spending.note] if spending.note else []
    if allowed != policy:
        notes.append(f"The owner's policy_max allows {allowed} at most, so that is this dream's policy, not {policy}.")
    if instructions.strip() and judged_by == "rules":
        notes.append("The rules judge goes by fixed rules and does not use instructions; they are kept with the dream.")
    wanted = NewDream(
        store=caller.store(store),
        base=None if version == "head" else version,
        sessions="new" if sessions == "new" else _named(sessions),
        instructions=without_secrets(instructions).text,
        judge=judged_by,
        policy=allowed,
        model=spending.model,
        budget_tokens=spending.budget_tokens,
        budget_usd=spending.budget_usd,
        requested_by=ACTOR,
    )
    if estimate_only:
        estimate = await estimate_of(caller.stores, wanted)
        return StartAnswer(judge=judged_by, policy=allowed, estimate=estimate, note=" ".join(notes) or None)
    started = await caller.stores.start_dream(wanted)
    await wake_worker(caller.serving.stores, caller.serving.recall.meaning)
    if started.earlier and started.dream.ended_at is not None:
        notes.append("The same input was dreamt over before, with the same result; this is that dream.")
    elif started.earlier:
        notes.append("The same input is being dreamt over; this is that dream, and get_dream follows it.")
    else:
        notes.append(f'get_dream(dream_id="{started.dream.dream_id}", wait_seconds=50) follows it.')
        if judged_by == "agent":
            notes.append("It will ask you what code cannot decide; get_dream says when.")
    return StartAnswer(
        dream_id=started.dream.dream_id,
        status=started.dream.status,
        judge=started.dream.judge,
        policy=started.dream.policy,
        note=" ".join(notes),
    )


async def get_dream(ctx: Context, *, dream_id: str = "", wait_seconds: Wait = 0) -> DreamAnswer:
    """How a dream stands: status, stage, progress, counts by operation and risk, changes decided, cost,
    output_version, error. wait_seconds (to 50) waits for its end."""
    caller = caller_of(ctx)
    dream = await latest_dream(caller, dream_id)
    await wake_worker(caller.serving.stores, caller.serving.recall.meaning)
    if wait_seconds:
        dream = await _ended(ctx, caller, dream, wait_seconds)
    return await dream_answer(caller, dream)


async def cancel_dream(ctx: Context, dream_id: str = "") -> CancelAnswer:
    """Stop a dream that has not ended. What it read stays as it was."""
    caller = caller_of(ctx)
    dream = await latest_dream(caller, dream_id)
    canceled = await caller.stores.cancel_dream(dream.dream_id, actor=ACTOR)
    return CancelAnswer(dream_id=canceled.dream_id, status=canceled.status)


async def latest_dream(caller: Caller, dream_id: str) -> Dream:
    """The named dream, else the latest one of the stores that the caller reads by default.

    Raises NotFoundError.
    """
    if dream_id:
        return await caller.stores.get_dream(DreamId(dream_id))
    found: list[Dream] = []
    for store in await caller.stores_read(()):
        latest = (await caller.stores.standing(store)).dream_id
        if latest is not None:
            found.append(await caller.stores.get_dream(latest))
    if not found:
        raise NotFoundError(f"Store {caller.store('')} has not dreamt yet; start_dream begins a dream.")
    return max(found, key=lambda dream: dream.created_at)


def of_store(caller: Caller, store: StoreName) -> str:
    """The argument that a call on this store needs, for a sentence; nothing for the caller's own."""
    return "" if store == caller.own else f', store="{store}"'


async def dream_answer(caller: Caller, dream: Dream) -> DreamAnswer:
    """A dream for a client, without figures that would all be 0."""
    usage = dream.usage
    spent = usage.input_tokens or usage.output_tokens
    return DreamAnswer(
        dream_id=dream.dream_id,
        store=dream.store,
        status=dream.status,
        stage=dream.stage,
        progress=Progress(done=dream.done, total=dream.total) if dream.total else None,
        base=dream.base,
        output_version=dream.output_version,
        judge=dream.judge,
        policy=dream.policy,
        requested_by=dream.requested_by,
        counts=dream.counts or None,
        decided=[_line(one) for one in dream.decided[-DECIDED_SHOWN_MAX:]] or None,
        estimated_tokens=dream.estimated_tokens or None,
        estimated_usd=round(dream.estimated_usd, 4) if dream.estimated_usd else None,
        usage=UsageAnswer(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_creation_input_tokens=usage.cache_creation_input_tokens,
            cache_read_input_tokens=usage.cache_read_input_tokens,
        )
        if spent
        else None,
        cost_usd=round(usage.cost_usd, 4) if usage.cost_usd else None,
        recall_check=RecallCheck(checked=dream.recall_checked, kept=dream.recall_kept or 0)
        if dream.recall_checked
        else None,
        refusals=_shown(dream.refusals),
        error=DreamError(code=dream.error_code, message=dream.error_message or "") if dream.error_code else None,
        created_at=dream.created_at,
        ended_at=dream.ended_at,
        next=await _next(caller, dream),
    )


def _line(one: Decided) -> str:
    """A change that was decided a moment ago: what it is, why, and the text that it is about."""
    reason, text = one_line(one.reason, DECIDED_CHARACTERS), one_line(one.text, DECIDED_CHARACTERS)
    return f"{one.operation}, {one.risk} risk, {one.decision}: {reason} {text}"


async def _next(caller: Caller, dream: Dream) -> str:
    match dream.status:
        case "pending" if dream.waits_until is not None:
            waiting = f"{dream.total - dream.done} of {dream.total} batches wait for you"
            return (
                f'{waiting}: judge_dream(dream_id="{dream.dream_id}") gives the next. '
                f"What is not judged by {dream.waits_until:%Y-%m-%d %H:%M} UTC is left to the rules."
            )
        case "pending" | "running":
            return "get_dream with wait_seconds=50 waits for its end; cancel_dream stops it."
        case "completed" if dream.output_version is not None:
            return _next_of_version(caller, dream, await caller.stores.get_version(dream.store, dream.output_version))
        case "completed":
            return "It found nothing to change."
        case "failed" if dream.output_version is not None:
            version = await caller.stores.get_version(dream.store, dream.output_version)
            return "What it decided before is a proposal. " + _next_of_version(caller, dream, version)
        case "failed" | "canceled":
            return "Nothing was changed; start_dream begins another."


def _next_of_version(caller: Caller, dream: Dream, version: Version) -> str:
    match version.state:
        case "proposed":
            switch = f"switch_version(version={version.number}{of_store(caller, dream.store)})"
            return f"review_dream shows the changes; {switch} applies what is included."
        case "published":
            return f"Version {version.number} was switched to already; list_versions shows where the head is."
        case "discarded":
            return f"Version {version.number} was thrown away; start_dream begins another dream."


def left_over(dream_id: DreamId) -> str:
    """The call that shows what a switch left suggested, for a sentence."""
    return f'review_dream(dream_id="{dream_id}", only=["suggested"])'


def _shown(refusals: Sequence[str]) -> list[str] | None:
    shown = [one_line(refusal, REFUSAL_CHARACTERS) for refusal in refusals[:REFUSALS_SHOWN_MAX]]
    if len(refusals) > REFUSALS_SHOWN_MAX:
        shown.append(f"and {len(refusals) - REFUSALS_SHOWN_MAX} more")
    return shown or None


def _named(sessions: Sessions) -> tuple[SessionId, ...]:
    if isinstance(sessions, str):
        return ()
    if {"new", "none"} & set(sessions):
        raise InvalidError('sessions takes "new", "none", or a list of session ids; the words do not go in a list.')
    return tuple(SessionId(session_id) for session_id in dict.fromkeys(sessions))


async def wake_worker(stores: Stores, meaning: Meaning, *, texts_wait: bool = False) -> None:
    """Start a worker if a dream waits for one, or texts for vectors. Raises UnavailableError when none can be."""
    if texts_wait or await stores.dream_waits():
        # It brings all that dreams along, which takes longer to import than a server may take to start.
        from dreamkeep_server.worker import ensure_worker

        try:
            await ensure_worker(stores, meaning, texts_wait=texts_wait)
        except OSError as error:
            raise UnavailableError(
                f"Work waits, but no worker could be started for it ({error.strerror}). `dreamkeep worker` in a "
                f"terminal does it; get_dream tries again."
            ) from error


async def _ended(ctx: Context, caller: Caller, dream: Dream, seconds: int) -> Dream:
    """The dream once it has ended, or as it is when the time is over.

    It asks the database again and again: the worker is another process, and SQLite tells nobody that
    another connection has written. A look costs one read that waits for no writer. Clients that asked
    for progress are told each time that it moved.
    """
    told: tuple[str, int] | None = None
    with anyio.move_on_after(seconds):
        while dream.status in ("pending", "running") and dream.waits_until is None:
            if told != (dream.stage, dream.done):
                told = (dream.stage, dream.done)
                await ctx.report_progress(dream.done, dream.total or None, dream.stage)
            await anyio.sleep(LOOK_AGAIN_SECONDS)
            await wake_worker(caller.serving.stores, caller.serving.recall.meaning)
            dream = await caller.stores.get_dream(dream.dream_id)
    return dream


TOOLS = (
    declare(start_dream, title="Start a dream", repeats=True),
    declare(get_dream, title="Follow a dream", reads=True),
    declare(cancel_dream, title="Cancel a dream", destroys=True, repeats=True),
)
