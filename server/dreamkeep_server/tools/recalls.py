"""What was recalled, written down after the answer, in batches."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import anyio
from anyio.abc import TaskStatus

from dreamkeep_server.tools.secrets import without_secrets
from dreamkeep_store.errors import UnavailableError
from dreamkeep_store.models import Recalled
from dreamkeep_store.store import Stores

WAITING_MAX = 1_000
BATCH_WINDOW_SECONDS = 0.5
LAST_BATCH_SECONDS = 2.0


class RecallLog:
    """Recalls that wait to be recorded; a recall's answer never waits for the write lock."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._waiting: deque[Recalled] = deque(maxlen=WAITING_MAX)
        self._arrived = anyio.Event()
        self._closing = anyio.Event()

    def note(self, recalled: Sequence[Recalled]) -> None:
        """Keep these for the next batch."""
        self._waiting.extend(replace(one, query=without_secrets(one.query).text) for one in recalled)
        self._arrived.set()

    def close(self) -> None:
        """Let `run` write what waits, and end."""
        self._closing.set()
        self._arrived.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Write batches until `close`; what is left then is written within a bound."""
        task_status.started()
        try:
            while not self._closing.is_set():
                await self._arrived.wait()
                with anyio.move_on_after(BATCH_WINDOW_SECONDS):
                    await self._closing.wait()
                self._arrived = anyio.Event()
                await self._write()
        finally:
            with anyio.move_on_after(LAST_BATCH_SECONDS, shield=True):
                await self._write()

    async def _write(self) -> None:
        batch = list(self._waiting)
        if not batch:
            return
        self._waiting.clear()
        try:
            await self._stores.record_recalls(batch)
        except UnavailableError:
            # A full disk or a long lock must not end a server that can still answer recalls; the batch
            # goes back to the front of the queue, whose bound lets the oldest go.
            self._waiting = deque([*batch, *self._waiting], maxlen=WAITING_MAX)
