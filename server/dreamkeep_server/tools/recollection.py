"""The tool that reads entries: recall."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from mcp.server.mcpserver import Context

from dreamkeep_server.recall import Ranked, Ranking
from dreamkeep_server.tools.arguments import Limit, Names, Tiers, VersionOrHead, chosen, moment
from dreamkeep_server.tools.caller import Caller, caller_of
from dreamkeep_server.tools.cursors import belongs, cursor_after, position_of
from dreamkeep_server.tools.cuts import ANSWER_CHARACTERS, cut, fit
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.reminders import remind
from dreamkeep_server.tools.results import ClosedEntry, RecallAnswer, RecalledEntry
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import Closed, Entry, EntryId, Recalled, Search, StoreName

DEFAULT_LIMIT = 8
CHARACTERS_AN_ENTRY = ANSWER_CHARACTERS // DEFAULT_LIMIT
LABEL_CHARACTERS = 40
"""What the tags, and the topic, of one entry may take of a concise answer."""
CHARACTERS_AROUND = 80
"""What an answer spends on its brackets and its cursor."""
QUERY_CHARACTERS_MAX = 100_000
RECORDED_CHARACTERS_MAX = 4_000
"""A longer query is answered, and not recorded: nobody asks it twice."""
NOTHING_NOTE = (
    "Nothing matches. Try other words (names, tools, paths) or fewer filters; an empty query lists the newest, store "
    "names other stores, and memory_status lists those."
)
NEWER_NOTE = "`newer` names an entry that may replace that one."
CUT_NOTE = "Contents that end in … are cut; recall(entry_ids=[...]) gives them whole."

Detail = Literal["concise", "detailed"]


async def recall(
    ctx: Context,
    *,
    query: str = "",
    entry_ids: Names | None = None,
    store: Names | None = None,
    limit: Limit = DEFAULT_LIMIT,
    tiers: Tiers | None = None,
    tags: Names | None = None,
    topic: str = "",
    since: str = "",
    until: str = "",
    version: VersionOrHead = "head",
    detail: Detail = "concise",
    cursor: str = "",
) -> RecallAnswer:
    """Look up what is remembered; an empty query lists the newest. Reads the project's store and
    `user` unless store names others. tags: all of them. topic: that path and below. since, until: ISO
    8601. entry_ids: these entries whole, or what they became. detailed adds why, trust and sources."""
    caller = caller_of(ctx)
    if entry_ids is not None:
        if query or store or tiers or tags or topic or since or until or version != "head" or cursor:
            raise InvalidError("entry_ids gives those entries whole, as they are now; leave the other arguments out.")
        return await _whole(caller, chosen(entry_ids), detail)
    if len(query) > QUERY_CHARACTERS_MAX:
        raise InvalidError(f"The query has {len(query):,} characters; ask in at most {QUERY_CHARACTERS_MAX:,}.")
    after, before = moment("since", since), moment("until", until)
    stores = await _stores(caller, chosen(store), version)
    await caller.serving.background.settled()
    call = (query, stores, limit, tiers, tags, topic, since, until, version)
    # An answer that began without meaning goes on without it, or its pages would not fit together.
    at_once = belongs(cursor, *call, "words") if cursor else not caller.serving.background.is_warm
    call = (*call, "words") if at_once else call
    position = position_of(cursor, *call)
    ranking = Ranking(entries=())
    if stores:
        search = Search(
            query=query,
            stores=stores,
            version=None if version == "head" else version,
            tiers=chosen(tiers),
            tags=chosen(tags),
            topic=topic or None,
            since=after,
            until=before,
            limit=limit,
            offset=position,
        )
        ranking = await caller.serving.recall.find(caller.stores, search, caller.now, at_once=at_once)
    ranked = ranking.entries
    if query.strip() and version == "head" and len(query) <= RECORDED_CHARACTERS_MAX:
        _note(caller, stores, query, ranked)
    said = [_for(caller, ranking.without_meaning)] if ranking.without_meaning else []
    reminder = None if cursor else await remind(caller, stores)
    said += [reminder] if reminder else []
    said += [NEWER_NOTE] if any(found.newer for found in ranked) else []
    entries, was_cut = _rows(caller, ranked, limit, detail, sum(map(len, said)) + len(CUT_NOTE))
    notes = [NOTHING_NOTE] if not entries and not cursor else [CUT_NOTE] if was_cut else []
    notes += said
    return RecallAnswer(
        entries=entries,
        note=" ".join(notes) or None,
        next_cursor=cursor_after(position + limit, *call) if len(ranked) == limit else None,
    )


def _for(caller: Caller, why: str) -> str:
    """Why meaning has no part; a token bound to some stores learns no address, and no path."""
    return why.partition(":")[0] + "." if caller.allowed and ":" in why else why


async def _stores(caller: Caller, named: Sequence[str], version: VersionOrHead) -> tuple[StoreName, ...]:
    if version == "head":
        return await caller.stores_read(named)
    if len(named) > 1:
        raise InvalidError("A version's number belongs to one store; name one store, or leave version out.")
    return (caller.store(named[0] if named else ""),)


async def _whole(caller: Caller, entry_ids: Sequence[str], detail: Detail) -> RecallAnswer:
    if not entry_ids:
        raise InvalidError("entry_ids is empty; name the entries by the ids that recall gives, such as e_4k7m2xq9.")
    found = await caller.stores.get_entries(tuple(EntryId(entry_id) for entry_id in entry_ids))
    closed = [_closed(entry) for entry in found if isinstance(entry, Closed)]
    live = [entry for entry in found if isinstance(entry, Entry)]
    return RecallAnswer(
        entries=[_row(caller, entry, entry.content, detail) for entry in live],
        closed=closed or None,
        note="recall with the ids in `became` shows what the closed entries turned into." if closed else None,
    )


def _note(caller: Caller, stores: Sequence[StoreName], query: str, ranked: Sequence[Ranked]) -> None:
    caller.serving.recalls.note(
        [
            Recalled(store=store, query=query, entry_ids=tuple(ids), at=caller.now)
            for store in stores
            if (ids := [found.entry.entry_id for found in ranked if found.entry.store == store])
        ]
    )


def _rows(
    caller: Caller, ranked: Sequence[Ranked], limit: int, detail: Detail, note_characters: int
) -> tuple[list[RecalledEntry], bool]:
    """The entries for the answer, and whether any content had to be cut to fit."""
    texts = [found.entry.content for found in ranked]
    rows = [
        _row(caller, found.entry, "", detail, ranked=found).model_copy(update={"cut": len(found.entry.content)})
        for found in ranked
    ]
    around = sum(len(row.model_dump_json(exclude_none=True)) for row in rows) if detail == "concise" else 0
    room = max(ANSWER_CHARACTERS, CHARACTERS_AN_ENTRY * limit) - CHARACTERS_AROUND - note_characters - around
    contents = fit(texts, room)
    cuts = [
        len(text) - len(content) + 1 if len(content) < len(text) else None
        for text, content in zip(texts, contents, strict=True)
    ]
    shortened = [
        row.model_copy(update={"content": content, "cut": left_out})
        for row, content, left_out in zip(rows, contents, cuts, strict=True)
    ]
    return shortened, any(cuts)


def _row(caller: Caller, entry: Entry, content: str, detail: Detail, *, ranked: Ranked | None = None) -> RecalledEntry:
    detailed = detail == "detailed"
    whole = detailed or ranked is None
    sources = [source for source in (entry.session_id, entry.dream_id) if source is not None]
    return RecalledEntry(
        id=entry.entry_id,
        content=content,
        tier=entry.tier,
        tags=(list(entry.tags) if whole else _few(entry.tags)) or None,
        topic=entry.topic if whole or entry.topic is None else cut(entry.topic, LABEL_CHARACTERS),
        store=None if entry.store == caller.own else entry.store,
        asserted_at=entry.asserted_at,
        score=round(ranked.score, 3) if ranked is not None else None,
        stale=True if ranked is not None and ranked.stale else None,
        newer=ranked.newer if ranked is not None else None,
        why=ranked.why if detailed and ranked is not None else None,
        trust=entry.trust if detailed else None,
        sources=[str(source) for source in sources] if detailed and sources else None,
    )


def _few(tags: Sequence[str]) -> list[str]:
    """The tags that fit beside a content, and how many more there are."""
    fitting = [tag for tag, length in zip(tags, accumulate(map(len, tags)), strict=True) if length <= LABEL_CHARACTERS]
    more = len(tags) - len(fitting)
    return [*fitting, f"and {more} more"] if more else fitting


def _closed(entry: Closed) -> ClosedEntry:
    return ClosedEntry(
        id=entry.entry_id,
        how=entry.how,
        became=list(entry.became),
        closed_at=entry.closed_at,
        reason=entry.reason,
    )


TOOLS = (declare(recall, title="Look up memories", reads=True, always_loaded=True),)
