"""Embedding beside a running server: what its clients write gets its vectors, and nobody waits for them."""

from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskStatus

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import StoreError
from dreamkeep_store.store import Stores

WARM_UP_SECONDS = 0.5
"""After the start: a client's first question is answered by then, and the second finds the model loaded."""
SETTLE_SECONDS = 0.3
"""How long a recall waits for what was written just before it; embedding a sentence takes some milliseconds."""
TEXTS_MAX = 256
"""What a server embeds in a row, newest first; a longer backlog is a worker's."""
RETRY_SECONDS = 60.0


class Background:
    """Embeds what was written, whenever it is woken; a recall that comes first goes by words for those texts."""

    def __init__(
        self,
        stores: Stores,
        meaning: Meaning,
        *,
        prepare: Callable[[], Awaitable[object]],
        leave: Callable[[], Awaitable[object]],
    ) -> None:
        """`prepare` loads what the first recall needs; `leave` hands a long backlog to a worker."""
        self.is_warm = False
        """Whether what a recall by meaning needs was loaded, or cannot be now."""
        self._stores = stores
        self._meaning = meaning
        self._prepare = prepare
        self._leave = leave
        self._written = anyio.Event()
        self._settled = anyio.Event()
        self._settled.set()
        self._scope = anyio.CancelScope()

    def wake(self) -> None:
        """Something may have been written."""
        if self._settled.is_set():
            self._settled = anyio.Event()
        self._written.set()

    async def settled(self) -> None:
        """Wait until what was written before has its vectors, but not for long."""
        if self.is_warm:
            with anyio.move_on_after(SETTLE_SECONDS):
                await self._settled.wait()

    def close(self) -> None:
        """End `run`; what waits then is embedded by the next server, or a worker."""
        self._scope.cancel()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Embed until `close`."""
        task_status.started()
        with self._scope:
            with anyio.move_on_after(WARM_UP_SECONDS):
                await self._written.wait()
            while True:
                self._written = anyio.Event()
                worked = await self._work()
                self.is_warm = True
                if not self._written.is_set():
                    self._settled.set()
                with anyio.move_on_after(None if worked else RETRY_SECONDS):
                    await self._written.wait()

    async def _work(self) -> bool:
        """Embed what waits, or some of it; whether there is nothing to try again later."""
        try:
            if not self._meaning.loaded and not await self._stores.list_stores():
                return True  # nobody has remembered anything: the model may never be needed
            if not self.is_warm:
                await self._meaning.try_failed_again(self._stores)
            done = 0
            while done < TEXTS_MAX and (embedded := await self._meaning.embed_waiting(self._stores, newest=True)):
                done += embedded
            if not self.is_warm:
                await self._prepare()
            if done < TEXTS_MAX:
                return True
            await self._leave()
        except (EmbedderError, StoreError):
            # Neither an embedder nor a full disk may end a server that can still answer by words; recall,
            # memory_status and `dreamkeep doctor` say what is wrong.
            return False
        return False  # the worker may be killed, or find another's lease: it is looked at again
