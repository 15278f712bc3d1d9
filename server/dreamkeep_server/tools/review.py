"""The tool that looks at a dream's changes and decides on them: review_dream."""

from collections.abc import Sequence
from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Context, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError

from dreamkeep_server.tools.arguments import CHANGE_ID, Flag, Limit, Names, chosen, number_of_change, shown
from dreamkeep_server.tools.caller import ACTOR, Caller, caller_of
from dreamkeep_server.tools.consent import Consent, Edit, ask_person, dream_reviewed, high_risk, numbers_of
from dreamkeep_server.tools.cursors import cursor_after, position_of
from dreamkeep_server.tools.cuts import fit, one_line
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.dreams import of_store
from dreamkeep_server.tools.results import ChangeQuote, FullChange, FullEntry, ReviewAnswer
from dreamkeep_server.tools.secrets import without_secrets
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import (
    DECISIONS,
    OPERATIONS,
    RISKS,
    Change,
    Decision,
    Dream,
    Entry,
    NewRevision,
    Operation,
    Risk,
)

CHANGES_A_PAGE = 15
DECIDED_SHOWN_MAX = 20
LINE_CHARACTERS = 80


async def review_dream(
    ctx: Context,
    *,
    dream: Annotated[Dream, Resolve(dream_reviewed)],
    consent: Annotated[ElicitationResult[Consent], Resolve(ask_person)],
    dream_id: str = "",
    accept: Names | None = None,
    reject: Names | None = None,
    edit: Edit | None = None,
    only: Names | None = None,
    discard: Flag = False,
    limit: Limit = CHANGES_A_PAGE,
    cursor: str = "",
) -> ReviewAnswer:
    """Look at a dream's changes, riskiest first, and decide. accept and reject take change ids (c1), a
    risk, or `suggested`. only: ids, an operation, risk or decision, shown in full. edit rewrites what a
    change says. discard throws the proposal away. A person is asked about high risk."""
    del dream_id  # `dream_reviewed` has looked it up
    caller = caller_of(ctx)
    if discard:
        if accept or reject or edit is not None:
            raise InvalidError("discard throws the whole proposal away; leave accept, reject and edit out, or discard.")
        version = await caller.stores.discard(dream.dream_id, actor=ACTOR)
        return ReviewAnswer(
            dream_id=dream.dream_id,
            summary=f"Version {version.number} was discarded; the memory is as it was.",
        )
    decided: list[str] = []
    if accept or reject or edit is not None:
        decided = await _decide(caller, dream, consent=consent, accept=accept, reject=reject, edit=edit)
    return await _page(caller, dream, decided=decided, only=only, limit=limit, cursor=cursor)


async def _decide(
    caller: Caller,
    dream: Dream,
    *,
    consent: ElicitationResult[Consent],
    accept: Names | None,
    reject: Names | None,
    edit: Edit | None,
) -> list[str]:
    accepted = await numbers_of(caller, dream.dream_id, accept)
    rejected = await numbers_of(caller, dream.dream_id, reject)
    if both := sorted(set(accepted) & set(rejected)):
        raise InvalidError(f"c{both[0]} is both accepted and rejected; name it once.")
    by_person = isinstance(consent, AcceptedElicitation) and consent.data.include
    if not by_person and not caller.settings.agents_may_include_high_risk:
        # Looked at again, since the dream may have completed after nobody had to be asked.
        _, risky = await high_risk(caller, dream, accept, edit)
        if risky:
            raise ToolError(
                "No person agreed to include the high-risk changes, so nothing was decided. Accept the others "
                'without them; review_dream(only=["high"]) shows them in full.'
            )
    page = await caller.stores.decide(
        dream.dream_id,
        accept=accepted,
        reject=rejected,
        edit=None if edit is None else (number_of_change(edit.change), without_secrets(edit.content).text),
        actor="user" if by_person else ACTOR,
    )
    decided = [f"c{change.number} {change.decision}" for change in page.changes[:DECIDED_SHOWN_MAX]]
    more = len({*accepted, *rejected}) - len(decided)
    return [*decided, f"and {more} more"] if more > 0 else decided


async def _page(
    caller: Caller, dream: Dream, *, decided: list[str], only: Names | None, limit: int, cursor: str
) -> ReviewAnswer:
    """One page of the changes: in full when they were named, else one a line."""
    offset = position_of(cursor, dream.dream_id, only, limit)
    numbers, operations, risks, decisions = _filters(only or [])
    page = await caller.stores.list_changes(
        dream.dream_id,
        numbers=numbers,
        operations=operations,
        risks=risks,
        decisions=decisions,
        limit=limit,
        offset=offset,
    )
    dream = await caller.stores.get_dream(dream.dream_id)
    more = offset + len(page.changes) < page.total
    switch = f"switch_version(version={dream.output_version}{of_store(caller, dream.store)})"
    return ReviewAnswer(
        dream_id=dream.dream_id,
        version=dream.output_version,
        summary=summary(dream),
        changes=None if only else [change_line(change) for change in page.changes],
        full=[_full(change) for change in page.changes] if only else None,
        decided=decided or None,
        next_cursor=cursor_after(offset + limit, dream.dream_id, only, limit) if more else None,
        note=f"{switch} applies what is included." if decided else None,
    )


def summary(dream: Dream) -> str:
    """A line of counts: what is included, suggested and rejected, by operation and risk."""
    if not dream.counts:
        return "no changes" if dream.status == "completed" else f"no changes yet; the dream is {dream.status}"
    told: list[str] = []
    for decision in DECISIONS:
        by_kind = {kind.rpartition("/")[0]: count for kind, count in dream.counts.items() if kind.endswith(decision)}
        if by_kind:
            kinds = ", ".join(f"{count} {kind.replace('/', ' ')}" for kind, count in sorted(by_kind.items()))
            told.append(f"{sum(by_kind.values())} {decision} ({kinds})")
    return f"{sum(dream.counts.values())} changes: {'; '.join(told)}"


def change_line(change: Change) -> str:
    """A change on one line: id, operation, risk, decision, and 80 characters of before and after together."""
    before = " + ".join(one_line(entry.content, LINE_CHARACTERS) for entry in change.before)
    after = " + ".join(one_line(revision.content, LINE_CHARACTERS) for revision in change.after)
    before, after = fit((before or "(nothing)", after or "(nothing)"), LINE_CHARACTERS)
    return f"c{change.number} {change.operation} {change.risk} {change.decision}: {before} -> {after}"


def _full(change: Change) -> FullChange:
    return FullChange(
        change=f"c{change.number}",
        operation=change.operation,
        risk=change.risk,
        decision=change.decision,
        decided_by=change.decided_by,
        reason=change.reason,
        evidence=list(change.evidence) or None,
        sources=[
            ChangeQuote(session_id=quote.session_id, message=quote.message, role=quote.role, text=quote.text)
            for quote in change.quotes
        ]
        or None,
        before=[_state(entry, closes=entry.revision_id in change.closes) for entry in change.before],
        after=[_state(revision, closes=None) for revision in change.after],
        skipped=change.skipped,
    )


def _state(state: Entry | NewRevision, *, closes: bool | None) -> FullEntry:
    return FullEntry(
        id=state.entry_id,
        content=state.content,
        tier=state.tier,
        tags=list(state.tags) or None,
        topic=state.topic,
        trust=state.trust,
        closes=closes,
    )


def _filters(
    only: Sequence[str],
) -> tuple[tuple[int, ...], tuple[Operation, ...], tuple[Risk, ...], tuple[Decision, ...]]:
    numbers: list[int] = []
    operations: list[Operation] = []
    risks: list[Risk] = []
    decisions: list[Decision] = []
    for name in chosen(only):
        if CHANGE_ID.fullmatch(name):
            numbers.append(number_of_change(name))
        elif name in OPERATIONS:
            operations.append(name)
        elif name in RISKS:
            risks.append(name)
        elif name in DECISIONS:
            decisions.append(name)
        else:
            kinds = ", ".join((*OPERATIONS, *RISKS, *DECISIONS))
            raise InvalidError(f"{shown(name)} names no change; only takes change ids (c1) or one of {kinds}.")
    return tuple(numbers), tuple(operations), tuple(risks), tuple(decisions)


TOOLS = (declare(review_dream, title="Review a dream", destroys=True, repeats=True),)
