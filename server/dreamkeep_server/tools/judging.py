"""The tool by which the connected agent judges a dream, batch by batch: judge_dream."""

from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from dreamkeep_server.tools.caller import ACTOR, Caller, caller_of
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.dreams import latest_dream, wake_worker
from dreamkeep_server.tools.results import BatchAnswer, JudgeAnswer
from dreamkeep_store.errors import ConflictError, InvalidError
from dreamkeep_store.models import Dream

if TYPE_CHECKING:  # every server imports this module, and few of them judge
    from dreamkeep_server.dream.awaiting import Batch

JUDGEMENTS_MAX = 500
REFUSED_SHOWN_MAX = 30
"""One for each candidate of a large batch."""


async def judge_dream(
    ctx: Context,
    *,
    dream_id: str = "",
    batch_id: str = "",
    judgements: Annotated[list[dict[str, Any]], Field(max_length=JUDGEMENTS_MAX)] | None = None,
) -> JudgeAnswer:
    """Judge for a dream that asks you (get_dream says so). Without judgements it gives the next batch, with
    the rules; with them it takes your answer to batch_id, says what was refused, and gives the next. An
    empty list leaves a batch to the rules."""
    from dreamkeep_server.dream import awaiting

    caller = caller_of(ctx)
    dream = await latest_dream(caller, dream_id)
    await caller.stores.check_awaited(dream.dream_id)
    if judgements is None:
        return await _offer(caller, dream, batch_id)
    if not batch_id:
        raise InvalidError("judgements need the batch_id that they answer; call without judgements to get a batch.")
    payload, answers = await _journaled(caller, dream)
    batch, done, total = awaiting.next_batch(payload, answers, batch_id)
    if batch is None:
        raise InvalidError(_no_batch(batch_id, done, total))
    material = await caller.stores.material(dream.dream_id)
    taken = await anyio.to_thread.run_sync(awaiting.take, batch, judgements, material)
    after = {**answers, batch.step: taken.payload}
    following, done, total = awaiting.next_batch(payload, after)
    await caller.stores.answer_step(
        dream.dream_id,
        step=batch.step,
        payload=taken.payload,
        done=done,
        wait_seconds=None if following is None else awaiting.WAIT_SECONDS,
        actor=ACTOR,
    )
    if following is None:
        await wake_worker(caller.serving.stores, caller.serving.recall.meaning)
    refused = [*taken.refused[:REFUSED_SHOWN_MAX]]
    return JudgeAnswer(
        taken=taken.judged,
        refused=refused or None,
        batch=None if following is None else _batch(following, dream, total),
        done=following is None,
        next=None
        if following
        else f'get_dream(dream_id="{dream.dream_id}", wait_seconds=50) waits for the proposal, or for more.',
    )


async def _offer(caller: Caller, dream: Dream, batch_id: str) -> JudgeAnswer:
    from dreamkeep_server.dream import awaiting

    payload, answers = await _journaled(caller, dream)
    batch, done, total = awaiting.next_batch(payload, answers, batch_id)
    if batch is None:
        raise InvalidError(_no_batch(batch_id, done, total))
    return JudgeAnswer(batch=_batch(batch, dream, total), done=False)


async def _journaled(caller: Caller, dream: Dream) -> tuple[bytes, dict[str, bytes]]:
    """What the dream asks, and what was answered so far."""
    from dreamkeep_server.dream import awaiting

    steps = await caller.stores.read_steps(dream.dream_id, awaiting.BATCHES_STEP)
    if not steps:
        raise ConflictError(f"Dream {dream.dream_id} has just gone on; get_dream follows it.")
    return awaiting.joined(steps), await caller.stores.read_steps(dream.dream_id, awaiting.ANSWERS)


def _batch(batch: "Batch", dream: Dream, total: int) -> BatchAnswer:
    from dreamkeep_server.dream import awaiting

    rules, schema = awaiting.rules()
    return BatchAnswer(
        batch_id=batch.batch_id,
        of=total,
        again=batch.is_again or None,
        rules=rules,
        judgement=schema,
        wishes=dream.instructions or None,
        stored=batch.stored,
        answer=f'judge_dream(dream_id="{dream.dream_id}", batch_id="{batch.batch_id}", judgements=[...])',
    )


def _no_batch(batch_id: str, done: int, total: int) -> str:
    return (
        f"No batch {batch_id[:40]!r} is open: there are b1 to b{total}, of which {done} are judged. Call without "
        "batch_id for the next open one."
    )


TOOLS = (declare(judge_dream, title="Judge for a dream"),)
