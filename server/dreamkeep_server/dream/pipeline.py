"""The dream, a straight line: read, find candidates, judge, plan, propose, check, and perhaps switch.

Each step that took long is journaled, so a worker that takes over a dream begins where the last one ended.
"""

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import anyio.to_thread
from pydantic import ConfigDict, TypeAdapter

from dreamkeep_server.dream.candidate import Candidate, WholeSession, key_of
from dreamkeep_server.dream.candidates import COMPARED_BY, find_candidates
from dreamkeep_server.dream.consulting import Consulted, consult, judge_key
from dreamkeep_server.dream.drafts import Draft
from dreamkeep_server.dream.judgement import Judgement
from dreamkeep_server.dream.judges import rules
from dreamkeep_server.dream.judging import Shortfall
from dreamkeep_server.dream.learnt import sessions_left
from dreamkeep_server.dream.nearness import Vectors
from dreamkeep_server.dream.plan import Plan, make_plan
from dreamkeep_server.dream.recall_check import RECALLS_CHECKED_MAX, RecallCheck, check_recalls, included_changes
from dreamkeep_server.dream.vectors import fixed_vectors
from dreamkeep_server.dream.words import same_words
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import (
    RISKS,
    Change,
    Decided,
    Decisions,
    DraftChange,
    Dream,
    EntryId,
    Material,
    Policy,
    Risk,
)
from dreamkeep_store.store import Stores

PLAN_STEP = "plan"
BUDGET_STEP = "budget"
"""Why the plan is a partial one: its budget ended."""
RISK_OF_POLICY: dict[Policy, Risk] = {"auto_low": "low", "auto_medium": "medium"}
"""The highest risk that a policy lets the worker switch to by itself."""
CHANGED_SHARE_MAX = 0.25
"""A dream that archives or supersedes more of the store than this is never switched to by policy."""


WATCHED_OF_A_KIND_MAX = 3
WATCHED_LATEST_MAX = 5
WATCHED_CHARACTERS_MAX = 160
"""How much of a reason, and of a text, a decided change shows to whoever watches."""


class UnwantedError(Exception):
    """Nobody waits for the plan any more: the dream was canceled, taken over, or took too long."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a dream is; the pipeline writes it, on a thread for the longest part, and the heartbeat reads it."""

    stage: str = "reading"
    done: int = 0
    total: int = 0
    decisions: Decisions = field(default_factory=Decisions)
    """Replaced whole, so that a reader on another thread never sees half of it."""
    is_wanted: bool = True
    """Whether somebody waits for the plan; no thread can be ended, so the one that makes it looks here."""

    def begin(self, stage: str, *, of: int = 0) -> None:
        """Go on to this stage, of so many parts."""
        self.stage, self.done, self.total = stage, 0, of

    def count(self, done: int) -> None:
        """So many parts of the stage are done."""
        self.done = done

    def ask(self, done: int, total: int) -> None:
        """So many of the judge's questions are answered."""
        self.stage, self.done, self.total = "asking the judge", done, total

    def note(self, draft: Draft) -> None:
        """Let whoever watches see a change that was decided."""
        change = draft.change
        kind = f"{change.operation}/{change.risk}/{change.decision}"
        counts = {**self.decisions.counts, kind: self.decisions.counts.get(kind, 0) + 1}
        number = sum(counts.values())
        shown = Decided(
            number=number,
            operation=change.operation,
            risk=change.risk,
            decision=change.decision,
            reason=_cut(change.reason),
            text=_cut(_text_of(draft)),
        )
        self.decisions = Decisions(counts=counts, decided=_worth_watching((*self.decisions.decided, shown)))


def _worth_watching(decided: Sequence[Decided]) -> tuple[Decided, ...]:
    """The first of each kind and the latest: what is kept stays small, however many changes there are."""
    latest = decided[-1].number - WATCHED_LATEST_MAX
    seen: dict[tuple[str, str, str], int] = {}
    kept: list[Decided] = []
    for one in decided:
        kind = (one.operation, one.risk, one.decision)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= WATCHED_OF_A_KIND_MAX or one.number > latest:
            kept.append(one)
    return tuple(kept)


def _text_of(draft: Draft) -> str:
    change = draft.change
    closed = [entry.content for entry in draft.reads if entry.revision_id in change.closes]
    texts = (*closed, *(one.content for one in change.opens), *(entry.content for entry in draft.reads))
    return next(iter(texts), "")


def _cut(text: str) -> str:
    line = " ".join(text[: 2 * WATCHED_CHARACTERS_MAX].split())
    return line if len(line) <= WATCHED_CHARACTERS_MAX else line[: WATCHED_CHARACTERS_MAX - 1] + "…"


async def run_dream(stores: Stores, dream: Dream, progress: Progress, meaning: Meaning | None = None) -> Dream:
    """Take a claimed dream to its end, or until it waits for its judge; gives it as it is then.

    It goes by `meaning` as well as by words, if there is one.

    It fails where its input cannot be read or its judge cannot judge. Raises ConflictError when the dream was canceled
    or another worker took it over.
    """
    plan = await _journaled_plan(stores, dream)
    if plan is None:
        unfit = await stores.check_input(dream.dream_id)
        if unfit is not None:
            return await stores.fail_dream(dream.dream_id, dream.attempt, unfit.code, unfit.message)
        made = await _new_plan(stores, dream, progress, meaning)
        match made:
            case None:
                return await stores.get_dream(dream.dream_id)
            case Shortfall():
                return await stores.fail_dream(dream.dream_id, dream.attempt, made.code, made.message)
            case Plan():
                plan = made
    progress.begin("writing", of=len(plan.changes))
    proposal = await stores.propose(dream.dream_id, dream.attempt, plan.changes, plan.refusals)
    ran_out = await stores.read_step(dream.dream_id, BUDGET_STEP)
    if ran_out is not None:
        return await stores.fail_dream(dream.dream_id, dream.attempt, "budget_exceeded", ran_out.decode())
    if proposal is None:
        return await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
    progress.begin("checking")
    changes = await included_changes(stores, dream.dream_id)
    check = await _check(stores, dream, proposal, changes)
    await _switch_by_policy(stores, dream, proposal, check, changes)
    return await stores.complete_dream(
        dream.dream_id, dream.attempt, recall_checked=check.checked, recall_kept=check.kept
    )


async def _journaled_plan(stores: Stores, dream: Dream) -> Plan | None:
    """What an earlier attempt planned."""
    journaled = await stores.read_step(dream.dream_id, PLAN_STEP)
    if journaled is None:
        return None
    changes, refusals = plan_json().validate_json(journaled)
    return Plan(changes=changes, refusals=refusals)


async def _new_plan(
    stores: Stores, dream: Dream, progress: Progress, meaning: Meaning | None
) -> Plan | Shortfall | None:
    """What the dream proposes, made now and journaled; why there is nothing; or None while its judge is awaited."""
    material = await stores.material(dream.dream_id)
    try:
        progress.begin("embedding")
        vectors = await fixed_vectors(stores, dream, meaning, progress.count)
        way = _way(dream, vectors)
        fresh = await stores.fresh_entries(dream.dream_id, way)
        found = await anyio.to_thread.run_sync(_candidates, material, progress, vectors, fresh, abandon_on_cancel=True)
        said = await consult(stores, dream, material, found, progress.ask)
        if said is None:
            return None
        if said.shortfall is not None and said.shortfall.code != "budget_exceeded":
            return said.shortfall
        plan = await anyio.to_thread.run_sync(_planned, material, found, said, progress, abandon_on_cancel=True)
        unread = said.unread
        if dream.judge == "rules":  # a model reads sessions whole
            unread = await anyio.to_thread.run_sync(sessions_left, material, found, abandon_on_cancel=True)
    finally:
        progress.is_wanted = False
    if unread:
        await stores.leave_unread(dream.dream_id, dream.attempt, unread)
    if said.is_whole:
        until = None if vectors is None else vectors.until
        await stores.mark_compared(dream.dream_id, dream.attempt, way, until=until)
    if said.shortfall is not None and await stores.read_step(dream.dream_id, BUDGET_STEP) is None:
        await stores.write_step(dream.dream_id, dream.attempt, BUDGET_STEP, said.shortfall.message.encode())
    await stores.write_step(
        dream.dream_id, dream.attempt, PLAN_STEP, plan_json().dump_json((plan.changes, plan.refusals))
    )
    return plan


def _way(dream: Dream, vectors: Vectors | None) -> str:
    """What two dreams that compare entries in the same way have in common, as one text."""
    recipe = None if vectors is None else vectors.recipe
    return json.dumps([COMPARED_BY, judge_key(dream.judge, dream.model, dream.instructions), recipe])


@functools.cache
def plan_json() -> TypeAdapter[tuple[tuple[DraftChange, ...], tuple[str, ...]]]:
    """How a plan stands in the journal: its changes and its refusals."""
    return TypeAdapter(
        tuple[tuple[DraftChange, ...], tuple[str, ...]],
        config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"),
    )


def make_dream(material: Material, progress: Progress) -> Plan:
    """Decide what the next version should be, by the rules judge; reads nothing but the material.

    Raises UnwantedError once nobody waits for it.
    """
    return _planned(material, _candidates(material, progress), Consulted(), progress)


def _candidates(
    material: Material,
    progress: Progress,
    vectors: Vectors | None = None,
    fresh: frozenset[EntryId] | None = None,
) -> tuple[Candidate, ...]:
    progress.begin("finding candidates")

    def watch(done: int, total: int) -> None:
        if not progress.is_wanted:
            raise UnwantedError
        progress.done, progress.total = done, total

    return find_candidates(material, vectors, watch, fresh)


def _planned(material: Material, candidates: Sequence[Candidate], said: Consulted, progress: Progress) -> Plan:
    """The plan by what a model said; the rules judge what it was not asked about, or did not answer soundly."""
    progress.begin("judging", of=len(candidates))
    plan = make_plan(material, _judged(candidates, said, material, progress), watch=progress.note)
    return Plan(changes=plan.changes, refusals=(*plan.refusals, *said.refusals))


def _judged(
    candidates: Sequence[Candidate], said: Consulted, material: Material, progress: Progress
) -> Iterator[tuple[Candidate, Judgement]]:
    """Judge one after another, as the plan asks for them."""
    answered = {key_of(candidate): judgements for candidate, judgements in said.judged}
    read = [candidate for candidate, _ in said.judged if isinstance(candidate, WholeSession)]
    in_sessions = {key_of(found) for session in read for found in session.found}
    for candidate in candidates:
        if not progress.is_wanted:
            raise UnwantedError
        key = key_of(candidate)
        if key not in in_sessions and key not in answered:
            yield candidate, rules.judge(candidate, material)
        progress.done += 1
    for candidate, judgements in said.judged:
        yield from ((candidate, judgement) for judgement in judgements)
    progress.begin("planning")


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
