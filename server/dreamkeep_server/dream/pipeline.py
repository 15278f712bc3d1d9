"""The dream, a straight line: read, find candidates, judge, plan, propose, check, and perhaps switch.

Each step that took long is journaled, so a worker that takes over a dream begins where the last one ended.
"""

import functools
from dataclasses import dataclass

import anyio.to_thread
from pydantic import ConfigDict, TypeAdapter

from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.judges import rules
from dreamkeep_server.dream.plan import Plan, make_plan
from dreamkeep_server.dream.recall_check import RECALLS_CHECKED_MAX, RecallCheck, check_recalls, included_changes
from dreamkeep_server.dream.words import same_words
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import RISKS, Change, DraftChange, Dream, Material, Policy, Risk
from dreamkeep_store.store import Stores

PLAN_STEP = "plan"
RISK_OF_POLICY: dict[Policy, Risk] = {"auto_low": "low", "auto_medium": "medium"}
"""The highest risk that a policy lets the worker switch to by itself."""
CHANGED_SHARE_MAX = 0.25
"""A dream that archives or supersedes more of the store than this is never switched to by policy."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a dream is; the pipeline writes it, the heartbeat reads it."""

    stage: str = "reading"
    done: int = 0
    total: int = 0


async def run_dream(stores: Stores, dream: Dream, progress: Progress) -> Dream:
    """Take a claimed dream to its end; gives it as it is then.

    Raises ConflictError when the dream was canceled or another worker took it over.
    """
    plan = await _plan(stores, dream, progress)
    progress.stage, progress.done, progress.total = "writing", 0, len(plan.changes)
    proposal = await stores.propose(dream.dream_id, dream.attempt, plan.changes, plan.refusals)
    if proposal is None:
        return await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
    progress.stage = "checking"
    changes = await included_changes(stores, dream.dream_id)
    check = await _check(stores, dream, proposal, changes)
    await _switch_by_policy(stores, dream, proposal, check, changes)
    return await stores.complete_dream(
        dream.dream_id, dream.attempt, recall_checked=check.checked, recall_kept=check.kept
    )


async def _plan(stores: Stores, dream: Dream, progress: Progress) -> Plan:
    """What the dream proposes: from the journal, or made now."""
    journaled = await stores.read_step(dream.dream_id, PLAN_STEP)
    if journaled is not None:
        changes, refusals = plan_json().validate_json(journaled)
        return Plan(changes=changes, refusals=refusals)
    material = await stores.material(dream.dream_id)
    plan = await anyio.to_thread.run_sync(make_dream, material, progress, abandon_on_cancel=True)
    await stores.write_step(
        dream.dream_id, dream.attempt, PLAN_STEP, plan_json().dump_json((plan.changes, plan.refusals))
    )
    return plan


@functools.cache
def plan_json() -> TypeAdapter[tuple[tuple[DraftChange, ...], tuple[str, ...]]]:
    """How a plan stands in the journal: its changes and its refusals."""
    return TypeAdapter(
        tuple[tuple[DraftChange, ...], tuple[str, ...]],
        config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"),
    )


def make_dream(material: Material, progress: Progress) -> Plan:
    """Decide what the next version should be, by the rules judge; reads nothing but the material."""
    progress.stage, progress.total = "finding candidates", len(material.entries)
    candidates = find_candidates(material)
    progress.stage, progress.done, progress.total = "judging", 0, len(candidates)
    judged: list[tuple[rules.Candidate, rules.Judgement]] = []
    for candidate in candidates:
        judged.append((candidate, rules.judge(candidate, material)))
        progress.done += 1
    progress.stage = "planning"
    return make_plan(material, judged)


async def _check(stores: Stores, dream: Dream, proposal: int, changes: list[Change]) -> RecallCheck:
    recalls = await stores.recorded_recalls(dream.store, before=dream.created_at, limit=RECALLS_CHECKED_MAX)
    return await check_recalls(stores, base=dream.base, proposal=proposal, recalls=recalls, changes=changes)


async def _switch_by_policy(
    stores: Stores, dream: Dream, proposal: int, check: RecallCheck, changes: list[Change]
) -> None:
    """Switch when the policy allows it and every check passed; else the proposal waits for somebody."""
    if dream.policy == "review" or check.kept < check.checked:
        return
    version = await stores.get_version(dream.store, proposal)
    if version.state != "proposed":  # an earlier attempt switched, or somebody did
        return
    highest = RISK_OF_POLICY[dream.policy]
    allowed = [change for change in changes if RISKS.index(change.risk) <= RISKS.index(highest)]
    base_entries = len((await stores.material(dream.dream_id)).entries)
    if not allowed or changed_share(allowed, base_entries) > CHANGED_SHARE_MAX:
        return
    await stores.hold_back(dream.dream_id, dream.attempt, above=highest)
    try:
        await stores.switch(dream.store, proposal, actor="policy")
    except ConflictError:
        # Somebody decided on the proposal first, which is what review means; only a proposal that is
        # still open would make this a fault.
        if (await stores.get_version(dream.store, proposal)).state == "proposed":
            raise
        return
    await stores.digest_versions(dream.store)


def changed_share(changes: list[Change], entries: int) -> float:
    """How much of a store of that many entries is archived or superseded.

    Merged and expired entries do not count, but those whose words a merge does not keep are superseded by it.
    """
    return sum(_replaced(change) for change in changes) / entries if entries else 0.0


def _replaced(change: Change) -> int:
    """How many entries the change archives or supersedes."""
    match change.operation:
        case "supersede":
            return len(change.closes)
        case "archive":
            return 0 if change.risk == "low" else len(change.closes)
        case "merge":
            closed = set(change.closes)
            stays = [entry.content for entry in change.before if entry.revision_id not in closed]
            kept = {same_words(text) for text in (*stays, *(new.content for new in change.after))}
            gone = [entry for entry in change.before if entry.revision_id in closed]
            return sum(same_words(entry.content) not in kept for entry in gone)
        case _:
            return 0
