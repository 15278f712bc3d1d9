"""The tools that write entries: remember, tag_tier, forget, record_outcome."""

from mcp.server.mcpserver import Context

from dreamkeep_server.tools.arguments import Flag, Names, chosen, moment, shown
from dreamkeep_server.tools.caller import ACTOR, USER_STORE, caller_of
from dreamkeep_server.tools.cuts import one_line
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.results import (
    EntriesAnswer,
    EntryNow,
    EntryStanding,
    ForgetAnswer,
    OutcomeAnswer,
    RememberAnswer,
)
from dreamkeep_server.tools.secrets import without_secrets
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import Entry, EntryId, NewEntry, Outcome, Search, SessionId, Tier

CONTENT_SHOWN_CHARACTERS = 120
MATCHES_LOOKED_AT = 12


async def remember(
    ctx: Context,
    *,
    content: str,
    tier: Tier | None = None,
    tags: Names | None = None,
    topic: str = "",
    store: str = "",
    asserted_at: str = "",
    replaces: Names | None = None,
    session_id: str = "",
) -> RememberAnswer:
    """Remember one fact, in a full sentence that names its subject. tier: persistent (identity,
    preferences, rules), standard (default), ephemeral (fades in days). store="user" for what is true
    of the person everywhere. topic: a path such as /user/preferences. replaces: ids of entries that
    this makes outdated. asserted_at: when it was said, if not now (ISO 8601)."""
    from dreamkeep_server.tools.advice import QUERY_CHARACTERS_MAX, alike, warnings_about

    caller = caller_of(ctx)
    where = caller.store(store)
    asserted = moment("asserted_at", asserted_at)
    redacted = without_secrets(content)
    replaced = tuple(EntryId(entry_id) for entry_id in chosen(replaces))
    known = frozenset(await caller.stores.list_stores())
    matches = []
    if where in known and redacted.text.strip():
        beginning = redacted.text[:QUERY_CHARACTERS_MAX]
        matches = await caller.stores.search(Search(query=beginning, stores=(where,), limit=MATCHES_LOOKED_AT))
    kept = await caller.stores.remember(
        where,
        NewEntry(
            content=redacted.text,
            tier=tier,
            tags=None if tags is None else chosen(tags),
            topic=topic or None,
            trust="agent",
            asserted_at=asserted,
            session_id=SessionId(session_id) if session_id else None,
            replaces=replaced,
        ),
        actor=ACTOR,
    )
    warnings = warnings_about(redacted.text, kept.tier, redacted.count)
    if store and where not in known and where != USER_STORE:
        there = f"; until now there were {', '.join(sorted(known)[:10])}" if known else ""
        warnings.append(f"This is the first entry in store {shown(where)}{there}.")
    similar = alike(redacted.text, matches, frozenset((kept.entry_id, *replaced)))
    return RememberAnswer(
        entry_id=kept.entry_id,
        seq=kept.seq,
        outcome=kept.outcome,
        tier=kept.tier,
        store=where,
        closed=list(kept.closed) or None,
        similar=similar or None,
        warnings=warnings or None,
    )


async def tag_tier(
    ctx: Context,
    *,
    entry_ids: Names,
    tier: Tier | None = None,
    add_tags: Names | None = None,
    remove_tags: Names | None = None,
) -> EntriesAnswer:
    """Change how lasting entries are (persistent, standard, ephemeral), and their tags."""
    if tier is None and not add_tags and not remove_tags:
        raise InvalidError("Nothing to change: give a tier, add_tags or remove_tags.")
    entries = await caller_of(ctx).stores.retag(
        _ids(entry_ids), tier=tier, add_tags=chosen(add_tags), remove_tags=chosen(remove_tags), actor=ACTOR
    )
    return EntriesAnswer(entries=[entry_now(entry) for entry in entries])


async def forget(ctx: Context, *, entry_ids: Names, reason: str = "", undo: Flag = False) -> ForgetAnswer:
    """Forget entries that should not be recalled any more; undo=true brings them back. When a fact
    changed, use remember with replaces instead. Earlier versions keep the text."""
    caller = caller_of(ctx)
    if undo:
        back = await caller.stores.unforget(_ids(entry_ids), actor=ACTOR)
        return ForgetAnswer(back=[entry_now(entry) for entry in back])
    closed = await caller.stores.forget(_ids(entry_ids), reason=without_secrets(reason).text or None, actor=ACTOR)
    return ForgetAnswer(
        forgotten=[entry.entry_id for entry in closed],
        note="forget with undo=true brings them back; erasing for good is `dreamkeep erase`, for a person.",
    )


async def record_outcome(ctx: Context, *, entry_ids: Names, outcome: Outcome, note: str = "") -> OutcomeAnswer:
    """Say how recalled entries turned out: useful keeps them fresh; wrong and outdated are looked at
    by the next dream."""
    entries = await caller_of(ctx).stores.record_outcome(
        _ids(entry_ids), outcome, note=without_secrets(note).text or None, actor=ACTOR
    )
    return OutcomeAnswer(
        entries=[
            EntryStanding(
                id=entry.entry_id,
                recalls=entry.usage.recalls,
                useful=entry.usage.useful,
                wrong=entry.usage.wrong,
                outdated=entry.usage.outdated,
            )
            for entry in entries
        ]
    )


def entry_now(entry: Entry) -> EntryNow:
    """An entry in a line, for an answer that is not about its text."""
    return EntryNow(
        id=entry.entry_id,
        content=one_line(entry.content, CONTENT_SHOWN_CHARACTERS),
        tier=entry.tier,
        tags=list(entry.tags) or None,
        topic=entry.topic,
    )


def _ids(named: Names) -> tuple[EntryId, ...]:
    if not named:
        raise InvalidError("entry_ids is empty; name the entries by the ids that recall gives, such as e_4k7m2xq9.")
    return tuple(EntryId(entry_id) for entry_id in chosen(named))


TOOLS = (
    declare(remember, title="Remember a fact", repeats=True, always_loaded=True),
    declare(tag_tier, title="Change tier and tags", repeats=True),
    declare(forget, title="Forget entries", destroys=True, repeats=True),
    declare(record_outcome, title="Say how an entry turned out"),
)
