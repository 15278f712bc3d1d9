"""Including changes of high risk takes a person; this asks one, where the client can."""

from collections.abc import Sequence
from typing import Annotated, Literal

from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ConfigDict

from dreamkeep_server.tools.arguments import CHANGE_ID, Names, chosen, number_of_change, shown
from dreamkeep_server.tools.caller import Caller, caller_of
from dreamkeep_server.tools.cuts import visible
from dreamkeep_server.tools.dreams import latest_dream
from dreamkeep_server.tools.meant import Meant, meant
from dreamkeep_server.tools.sides import changes_counted, reason_told, sides
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import OPERATIONS, PAGE_MAX, RISKS, Change, Dream, DreamId

DECIDABLE = frozenset((*OPERATIONS, *RISKS, "suggested"))
"""The kinds of changes that accept and reject take."""
CHANGES_ASKED_ABOUT_MAX = 5
ASKED_CHARACTERS_MAX = 8_000
"""A question shows every text whole, so that nothing is agreed to unseen; a longer one is for the terminal."""


class Edit(BaseModel):
    """Another text for what a change writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: str
    content: str
    entry: str = ""
    """Which entry's text, where the change writes several."""


class Consent(BaseModel):
    """Accept to include these changes in the proposed version."""

    # No box to tick: it would ask a second time what accepting answers. Declining and closing include
    # nothing, and an answer with fields that nobody asked for is refused rather than taken for a yes.
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unasked(Consent):
    """Nobody had to be asked, so nobody agreed."""


NOBODY_ASKED = Unasked()


async def dream_reviewed(ctx: Context, dream_id: str) -> Dream:
    """The dream that a call is about, found once: another could become the latest while a person thinks."""
    return await latest_dream(caller_of(ctx), dream_id)


async def ask_person(
    ctx: Context, dream: Annotated[Dream, Resolve(dream_reviewed)], accept: Names | None, edit: Edit | None
) -> Elicit[Consent] | Consent:
    """The question for a person, when high-risk changes are among those that would be included.

    Raises ToolError, saying how a person does it, when the client cannot ask.
    """
    if not accept and edit is None:
        return NOBODY_ASKED
    caller = caller_of(ctx)
    if caller.settings.agents_may_include_high_risk:
        return NOBODY_ASKED
    wanted, risky = await high_risk(caller, dream, accept, edit)
    if not risky:
        return NOBODY_ASKED
    asked = ctx.client_capabilities.elicitation if ctx.client_capabilities is not None else None
    if asked is None or (asked.form is None and asked.url is not None):
        raise ToolError(for_a_person(dream, risky))
    if len(risky) > CHANGES_ASKED_ABOUT_MAX:
        raise ToolError(
            f"{len(risky)} of these changes are of high risk, and a person can look at {CHANGES_ASKED_ABOUT_MAX} at a "
            f"time; nothing was decided. Accept the high-risk ones in smaller calls, by their ids."
        )
    lines = [asked_about(change) for change in risky]
    if len(wanted) > len(risky):
        lines.append(f"and {changes_counted(len(wanted) - len(risky))} of lower risk")
    if edit is not None:
        of = f"{edit.change} ({visible(edit.entry)})" if edit.entry else edit.change
        lines.append(f"with this text for {of}: {visible(edit.content)}")
    if sum(len(line) for line in lines) > ASKED_CHARACTERS_MAX:
        raise ToolError(for_a_person(dream, risky))
    return Elicit(
        f"An agent wants to include these changes in the next version of memory {dream.store!r} (- goes, = stays, "
        f"+ comes). Accept includes them; decline leaves everything as it is.\n" + "\n\n".join(lines),
        Consent,
    )


def for_a_person(dream: Dream, risky: Sequence[Change]) -> str:
    """The refusal of high-risk changes that no person agreed to, and how a person includes them."""
    ids = [f"c{change.number}" for change in risky]
    return (
        f"{', '.join(ids)}: of high risk, and only a person includes those; nobody agreed through this client, and "
        f"nothing was decided. A person can run `dreamkeep review accept {' '.join(ids)} --dream {dream.dream_id}` in "
        f"a terminal; the other changes can be accepted here without {'it' if len(ids) == 1 else 'them'}."
    )


async def high_risk(
    caller: Caller, dream: Dream, accept: Names | None, edit: Edit | None
) -> tuple[frozenset[int], list[Change]]:
    """The numbers of what would be included, and those changes among them that are of high risk.

    An edit whose text reads like an instruction makes its change one of them.
    """
    wanted = frozenset((await meant_by(caller, dream.dream_id, accept, "accept")).numbers)
    if edit is not None:
        wanted |= {number_of_change(edit.change)}
    # Its patterns take longer to compile than a server may take to start.
    from dreamkeep_server.dream.risk import needs_person

    texts = {} if edit is None else {number_of_change(edit.change): edit.content}
    found = await _changes_of(caller, dream.dream_id)
    risky = [change for change in found if change.number in wanted and needs_person(change, texts.get(change.number))]
    return wanted, risky


async def meant_by(caller: Caller, dream_id: DreamId, named: Names | None, verb: Literal["accept", "reject"]) -> Meant:
    """The changes that change ids, operations, risks and `suggested` name. Raises InvalidError."""
    numbers: list[int] = []
    kinds: list[str] = []
    for name in chosen(named):
        if CHANGE_ID.fullmatch(name):
            numbers.append(number_of_change(name))
        elif name in DECIDABLE:
            kinds.append(name)
        else:
            raise InvalidError(
                f"{shown(name)} names no change; give change ids (c1), low, medium, high, suggested or an operation "
                "such as merge."
            )
    found = meant(await _changes_of(caller, dream_id) if named else (), numbers, kinds, verb)
    if kinds and not found.numbers and not found.already:
        raise InvalidError(
            f"No change of dream {dream_id} that {verb} could decide on is {' and '.join(kinds)}; review_dream "
            "lists them."
        )
    return found


async def _changes_of(caller: Caller, dream_id: DreamId) -> list[Change]:
    changes: list[Change] = []
    while True:
        page = await caller.stores.list_changes(dream_id, limit=PAGE_MAX, offset=len(changes))
        changes += page.changes
        if not page.changes or len(changes) >= page.total:
            return changes


def asked_about(change: Change) -> str:
    """A change as a person is asked about it: why it is risky, and every text whole, with nothing invisible."""
    lines = [f"c{change.number} {change.operation}: {visible(reason_told(change))}"]
    lines += [f"  seen: {visible(remark)}" for remark in change.evidence]
    for side in sides(change):
        remark = f" ({side.remark})" if side.remark else ""
        lines += [f"  {side.mark} {visible(text)}{remark}" for text in side.texts]
    lines += [f"  tier {new.tier}, trust {new.trust}" for new in change.after]
    return "\n".join(lines)
