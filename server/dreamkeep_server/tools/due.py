"""Dreams that become due while a server runs, started by it where the owner's settings say so."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import anyio

from dreamkeep_server.occasions import next_look
from dreamkeep_server.settings import Settings
from dreamkeep_server.unasked import start_if_due
from dreamkeep_store.errors import InvalidError, NotFoundError, UnavailableError
from dreamkeep_store.models import StoreName
from dreamkeep_store.store import Stores

SETTLE_SECONDS = 5.0
"""After a write: what comes in a row is looked at once."""
LOOK_AGAIN_SECONDS = 3_600.0
"""Other processes write too, and a laptop that slept has not counted the hours."""


class DueDreams:
    """Looks at the server's stores at its start, after writes, and when time alone may make a dream due."""

    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        *,
        names: Callable[[], Awaitable[Iterable[StoreName]]],
        begin: Callable[[], Awaitable[object]],
    ) -> None:
        """`names` gives the stores that this server looks after; `begin` lets a worker take up what was started."""
        self._stores = stores
        self._settings = settings
        self._names = names
        self._begin = begin
        self._written = anyio.Event()
        self._scope = anyio.CancelScope()

    def wake(self) -> None:
        """Something may have been written."""
        self._written.set()

    def close(self) -> None:
        """End `run`."""
        self._scope.cancel()

    async def run(self) -> None:
        """Start dreams that are due until `close`; at once done when the owner has not turned that on."""
        if not self._settings.dream_when_due:
            return
        with self._scope:
            while True:
                self._written = anyio.Event()
                seconds, is_settled = LOOK_AGAIN_SECONDS, False
                # A full disk or a long lock is told to whoever calls a tool; here the next look is soon enough.
                with suppress(UnavailableError):
                    seconds, is_settled = await self._look(datetime.now(UTC))
                with anyio.move_on_after(seconds):
                    if is_settled:
                        await anyio.sleep_forever()
                    await self._written.wait()
                    await anyio.sleep(SETTLE_SECONDS)

    async def _look(self, now: datetime) -> tuple[float, bool]:
        """Start what is due; gives how long to wait, and whether no write can make a dream due before."""
        moments: list[datetime | None] = []
        for name in await self._names():
            with suppress(NotFoundError):  # merged away or renamed at the command line meanwhile
                with suppress(InvalidError):  # the owner's judge cannot be asked; status and recall say so
                    if await start_if_due(self._stores, self._settings, name, now) is not None:
                        await self._begin()
                moments.append(next_look(await self._stores.standing(name), now))
        longest = now + timedelta(seconds=LOOK_AGAIN_SECONDS)
        soonest = min((moment for moment in moments if moment is not None), default=longest)
        return (min(soonest, longest) - now).total_seconds(), bool(moments) and None not in moments
