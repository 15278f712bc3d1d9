"""The tool that looks at a dream's changes and decides on them: review_dream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Context, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError

from dreamkeep_server.tools.arguments import CHANGE_ID, Flag, Limit, Names, chosen, number_of_change, shown
from dreamkeep_server.tools.caller import ACTOR, Caller, caller_of
from dreamkeep_server.tools.consent import (
    Consent,
    Edit,
    Unasked,
    ask_person,
    dream_reviewed,
    for_a_person,
    high_risk,
    meant_by,
)
from dreamkeep_server.tools.cursors import cursor_after, position_of
from dreamkeep_server.tools.cuts import ANSWER_CHARACTERS, share
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.dreams import of_store
from dreamkeep_server.tools.results import ChangeQuote, FullChange, FullEntry, ReviewAnswer
from dreamkeep_server.tools.secrets import without_secrets
from dreamkeep_server.tools.sides import changes_counted, on_one_line, reason_told
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import (
    DECISIONS,
    OPERATIONS,
    RISKS,
    Change,
    Decision,
    Dream,
    Entry,
    EntryId,
    NewRevision,
    Operation,
    Risk,
)
from dreamkeep_store.models import Edit as StoredEdit

CHANGES_A_PAGE = 15
DECIDED_SHOWN_MAX = 20
LEFT_OUT_SHOWN_MAX = 3
CHARACTERS_A_LINE = ANSWER_CHARACTERS // CHANGES_A_PAGE
TEXTS_CHARACTERS_MAX = 240
"""Of a change's texts on its line, where there is room; `only` gives them whole."""
TEXTS_CHARACTERS_MIN = 40
CHARACTERS_SPARE = 40
"""For quotes in texts, each of which takes two characters in JSON."""


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
    """Look at a dream's changes, riskiest first (- goes, = stays, + comes), and decide. accept and reject
    take change ids (c1), a risk, an operation, or `suggested`. only: ids, an operation, risk or decision,
    shown in full. edit rewrites what a change says (entry: where it writes several). discard throws the
    proposal away. A person is asked about high risk."""
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
    decided = _Decided()
    if accept or reject or edit is not None:
        decided = await _decide(caller, dream, consent=consent, accept=accept, reject=reject, edit=edit)
    return await _page(caller, dream, decided=decided, only=only, limit=limit, cursor=cursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What a call decided."""

    told: tuple[str, ...] = ()
    """A few words each."""
    left_out: tuple[str, ...] = ()
    """Why some of a kind do not fit."""
    nothing_new: bool = False
    """Whether all that was named had been decided so before."""


async def _decide(
    caller: Caller,
    dream: Dream,
    *,
    consent: ElicitationResult[Consent],
    accept: Names | None,
    reject: Names | None,
    edit: Edit | None,
) -> _Decided:
    accepted = await meant_by(caller, dream.dream_id, accept, "accept")
    rejected = await meant_by(caller, dream.dream_id, reject, "reject")
    if both := sorted({*accepted.numbers, *accepted.already} & {*rejected.numbers, *rejected.already}):
        raise InvalidError(f"c{both[0]} is both accepted and rejected; name it once.")
    by_person = isinstance(consent, AcceptedElicitation) and not isinstance(consent.data, Unasked)
    if not by_person and not caller.settings.agents_may_include_high_risk:
        # Looked at again, since the dream may have completed after nobody had to be asked.
        _, risky = await high_risk(caller, dream, accept, edit)
        if risky:
            raise ToolError(for_a_person(dream, risky))
    # Another text is another decision, so what is edited is decided by whoever edits it.
    anew = [number for number in accepted.already if edit is not None and number == number_of_change(edit.change)]
    asked = {*accepted.numbers, *anew, *rejected.numbers}
    if not asked and edit is None:
        return _Decided(nothing_new=True)
    page = await caller.stores.decide(
        dream.dream_id,
        accept=(*accepted.by_id, *anew),
        accept_fitting=accepted.by_kind,
        reject=rejected.numbers,
        edit=None if edit is None else _edited(edit),
        actor="user" if by_person else ACTOR,
    )
    told = [
        f"c{change.number} {change.decision}"
        for change in page.changes
        if change.number not in accepted.by_kind or change.decision == "included"
    ][:DECIDED_SHOWN_MAX]
    more = len(asked) - len(page.left_out) - len(told)
    return _Decided(told=(*told, *([f"and {more} more"] if more > 0 else [])), left_out=page.left_out)


def _edited(edit: Edit) -> StoredEdit:
    """The edit as the store takes it: an agent's words, whoever agreed to them."""
    from dreamkeep_server.dream.risk import risk_of_edit  # slow to import, as in consent

    return StoredEdit(
        number=number_of_change(edit.change),
        content=without_secrets(edit.content).text,
        trust="agent",
        risk=risk_of_edit(edit.content),
        entry_id=EntryId(edit.entry) if edit.entry else None,
    )


async def _page(
    caller: Caller,
    dream: Dream,
    *,
    decided: _Decided,
    only: Names | None,
    limit: int,
    cursor: str,
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
    answer = ReviewAnswer(
        dream_id=dream.dream_id,
        version=dream.output_version,
        summary=summary(dream),
        full=[_full(change) for change in page.changes] if only else None,
        decided=list(decided.told) or None,
        next_cursor=cursor_after(offset + limit, dream.dream_id, only, limit) if more else None,
        left_out=left_out_told(decided.left_out) or None,
        note=_note(decided, switch),
    )
    if only:
        return answer
    around = len(answer.model_dump_json(exclude_none=True)) + CHARACTERS_SPARE
    room = max(ANSWER_CHARACTERS, CHARACTERS_A_LINE * limit) - around
    return answer.model_copy(update={"changes": change_lines(page.changes, room)})


def _note(decided: _Decided, switch: str) -> str | None:
    if decided.nothing_new:
        return f"Nothing was decided anew: what was named is so already. {switch} applies what is included."
    return f"{switch} applies what is included." if decided.told else None


def left_out_told(left_out: Sequence[str]) -> list[str]:
    """Why some changes of a kind that was accepted are not included, the first few."""
    more = len(left_out) - LEFT_OUT_SHOWN_MAX
    return [*left_out[:LEFT_OUT_SHOWN_MAX], *([f"and {more} more"] if more > 0 else [])]


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
    return f"{changes_counted(sum(dream.counts.values()))}: {'; '.join(told)}"


def change_lines(changes: Sequence[Change], characters: int) -> list[str]:
    """A line a change: id, operation, risk, what became of it, and what goes, stays and comes.

    Together they take `characters` of JSON; short lines leave their room to the others.
    """
    heads = [f"c{change.number} {change.operation} {change.risk} {_standing(change)}: " for change in changes]
    whole = [len(on_one_line(change, TEXTS_CHARACTERS_MAX)) for change in changes]
    room = characters - sum(len(head) + len('"",') for head in heads)
    cap = share(whole, room, TEXTS_CHARACTERS_MIN)
    return [head + on_one_line(change, cap) for head, change in zip(heads, changes, strict=True)]


def _standing(change: Change) -> str:
    """What was decided, until its version was switched to: then what became of it."""
    match change.applied:
        case None if change.outdated is not None:
            return f"{change.decision}, outdated"
        case None:
            return change.decision
        case True:
            return "applied"
        case False:
            return "skipped"


def _full(change: Change) -> FullChange:
    return FullChange(
        change=f"c{change.number}",
        operation=change.operation,
        risk=change.risk,
        decision=change.decision,
        decided_by=change.decided_by,
        reason=reason_told(change),
        evidence=list(change.evidence) or None,
        sources=[
            ChangeQuote(session_id=quote.session_id, message=quote.message, role=quote.role, text=quote.text)
            for quote in change.quotes
        ]
        or None,
        before=[_state(entry, closes=entry.revision_id in change.closes) for entry in change.before],
        after=[_state(revision, closes=None) for revision in change.after],
        applied=change.applied,
        skipped=change.skipped,
        outdated=change.outdated,
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
