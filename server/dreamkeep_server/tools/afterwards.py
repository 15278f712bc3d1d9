"""Work that follows an answer, so that nobody waits for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from anyio.abc import TaskGroup

from dreamkeep_store.errors import UnavailableError


class Afterwards:
    """Does what an answer need not wait for; it belongs to the server's task group, and ends with it."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    def do(self, work: Callable[[], Awaitable[object]]) -> None:
        """Begin this now. It must be something that whoever needs it next can do as well."""
        self._tasks.start_soon(_do, work)


async def _do(work: Callable[[], Awaitable[object]]) -> None:
    # A full disk or a long lock must not end a server that can still answer; the work is done at the next need.
    with suppress(UnavailableError):
        await work()
