"""What a recall mentions in passing, and how often."""

from collections.abc import Sequence
from datetime import timedelta

from dreamkeep_server.tools.caller import Caller
from dreamkeep_server.unasked import remark
from dreamkeep_store.models import StoreName

REMIND_AGAIN = timedelta(hours=1)
CALLERS_REMEMBERED_MAX = 1_000


async def remind(caller: Caller, stores: Sequence[StoreName]) -> str | None:
    """A sentence about a store that needs somebody, at most once an hour for a caller and a store."""
    reminded = caller.serving.reminded
    for store in stores:
        last = reminded.get((caller.name, store))
        if last is not None and caller.now - last < REMIND_AGAIN:
            continue
        if len(reminded) >= CALLERS_REMEMBERED_MAX:
            reminded.clear()
        reminded[caller.name, store] = caller.now
        standing = await caller.stores.standing(store)
        if told := remark(standing, caller.settings, caller.now):
            return told
    return None
