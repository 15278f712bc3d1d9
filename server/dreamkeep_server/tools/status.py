"""The tool that says how the memory stands: memory_status."""

from mcp.server.mcpserver import Context

from dreamkeep_server.tools.caller import Caller, caller_of
from dreamkeep_server.tools.cuts import one_line
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.results import StatusAnswer, StoreStatus
from dreamkeep_server.topics import largest
from dreamkeep_server.unasked import remark
from dreamkeep_store.models import StoreName

STORES_SHOWN_MAX = 20
TOPICS_SHOWN_MAX = 12
TOPIC_CHARACTERS_MAX = 40


async def memory_status(ctx: Context, store: str = "") -> StatusAnswer:
    """How a store stands (default: the project's and `user`): head, entries by tier and topic, sessions since
    the last dream, whether one is due; and the names of all stores."""
    caller = caller_of(ctx)
    names = await caller.stores.list_stores()
    shown = [str(name) for name in names[:STORES_SHOWN_MAX]]
    if len(names) > STORES_SHOWN_MAX:
        shown.append(f"and {len(names) - STORES_SHOWN_MAX} more")
    return StatusAnswer(
        default_store=caller.own,
        stores=shown,
        standing=[await _standing(caller, name) for name in await caller.stores_read([store] if store else [])],
        recall=await _recall(caller),
        health=list(caller.stores.warnings) or ["ok"],
    )


def _topics(counts: dict[str, int]) -> list[str]:
    """The topics with most entries, and how many of them hold what."""
    shown, more = largest(counts, TOPICS_SHOWN_MAX)
    told = [f"{one_line(path, TOPIC_CHARACTERS_MAX)}: {entries}" for path, entries in shown.items()]
    if told and "" in counts:
        told.append(f"no topic: {counts['']}")
    return [*told, f"and {more} more"] if more else told


async def _recall(caller: Caller) -> str:
    """What recall goes by; a token bound to some stores learns nothing of the others', nor of the settings."""
    standing = await caller.serving.recall.meaning.standing(caller.serving.stores)
    return standing.partition(" (")[0].partition(":")[0] if caller.allowed else standing


async def _standing(caller: Caller, name: StoreName) -> StoreStatus:
    standing = await caller.stores.standing(name)
    return StoreStatus(
        store=standing.store,
        head=standing.head,
        entries=standing.by_tier,
        topics=_topics(await caller.stores.count_topics(name)) or None,
        versions=standing.versions,
        written_since_head=standing.written_since_head,
        sessions=standing.sessions,
        sessions_since_dream=standing.new_sessions,
        proposal=standing.proposal,
        dream_id=standing.dream_id,
        dream_status=standing.dream_status,
        dreamed_at=standing.dreamed_at,
        due=remark(standing, caller.settings, caller.now),
    )


TOOLS = (declare(memory_status, title="Memory status", reads=True),)
