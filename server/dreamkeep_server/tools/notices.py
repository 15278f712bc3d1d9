"""Notices: a client that listens to `dream://{id}` hears when the dream's status or stage is another one.

For clients of 2026-07-28, whose `subscriptions/listen` is a stream that the server keeps open. Those of
the handshake eras poll get_dream: the SDK's server object gives no public way to serve `resources/subscribe`.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.types import SubscriptionsListenRequestParams
from pydantic import ValidationError

from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.tools.caller import Caller, Serving, caller_in
from dreamkeep_server.tools.dreams import wake_worker
from dreamkeep_store.errors import NotFoundError, UnavailableError
from dreamkeep_store.models import Dream, DreamId
from dreamkeep_store.store import Stores

METHOD = "subscriptions/listen"
SCHEME = "dream://"
LOOK_AGAIN_SECONDS = 0.5
ADDRESSES_MAX = 100
"""How many addresses of one stream are honored; the client is told which."""


class Notices:
    """Which dreams somebody listens to, and how they stood when that was last told."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self._listeners: Counter[DreamId] = Counter()
        self._told: dict[DreamId, tuple[str, str]] = {}
        self._wanted = anyio.Event()
        self._running = anyio.CancelScope()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """As the server's middleware: follow what a stream listens to, for as long as it is open."""
        if ctx.method != METHOD:
            return await call_next(ctx)
        try:
            params = SubscriptionsListenRequestParams.model_validate(ctx.params or {}, by_name=False)
        except ValidationError:
            return await call_next(ctx)  # the SDK refuses it, in its own words
        caller = caller_in(cast(Serving, ctx.lifespan_context))
        wanted = params.notifications.resource_subscriptions or []
        honored: list[str] = []
        followed: list[Dream] = []
        for address in wanted[:ADDRESSES_MAX]:
            if not address.startswith(SCHEME):
                honored.append(address)  # it may be listened to, and never fires
            elif (dream := await _dream_seen(caller, address)) is not None:
                honored.append(address)
                followed.append(dream)
        with self._following(followed):
            return await call_next(ctx if honored == wanted else _with_addresses(ctx, honored))

    @contextmanager
    def _following(self, dreams: Sequence[Dream]) -> Generator[None]:
        ids = {dream.dream_id for dream in dreams}
        self._listeners.update(ids)
        for dream in dreams:
            if dream.ended_at is None:
                self._told.setdefault(dream.dream_id, (dream.status, dream.stage))
                self._wanted.set()
        try:
            yield
        finally:
            self._listeners.subtract(ids)
            for dream_id in ids:
                if self._listeners[dream_id] == 0:
                    del self._listeners[dream_id]
                    self._told.pop(dream_id, None)

    async def run(self, stores: Stores, meaning: Meaning) -> None:
        """Tell until `close`; asks the database while somebody listens to a dream that has not ended.

        The worker is another process, and SQLite tells nobody that another connection has written.
        """
        with self._running:
            while True:
                if not self._told:
                    self._wanted = anyio.Event()
                    await self._wanted.wait()
                # A full disk or a long lock is told to whoever calls a tool; here the next look is soon.
                with suppress(UnavailableError):
                    await self._look(stores, meaning)
                await anyio.sleep(LOOK_AGAIN_SECONDS)

    def close(self) -> None:
        """Let `run` end."""
        self._running.cancel()

    async def _look(self, stores: Stores, meaning: Meaning) -> None:
        for dream_id, told in list(self._told.items()):
            dream = await stores.get_dream(dream_id)
            if dream_id not in self._told:
                continue  # whoever listened has left meanwhile
            if dream.ended_at is not None:
                del self._told[dream_id]
            else:
                self._told[dream_id] = (dream.status, dream.stage)
            if (dream.status, dream.stage) != told:
                await self.bus.publish(ResourceUpdated(uri=f"{SCHEME}{dream_id}"))
        await wake_worker(stores, meaning)


async def _dream_seen(caller: Caller, address: str) -> Dream | None:
    """The dream at this address, if the caller may know of it."""
    try:
        return await caller.stores.get_dream(DreamId(address.removeprefix(SCHEME)))
    except NotFoundError:
        return None


def _with_addresses(ctx: ServerRequestContext[Any, Any], honored: list[str]) -> ServerRequestContext[Any, Any]:
    params = dict(ctx.params or {})
    params["notifications"] = {**params["notifications"], "resourceSubscriptions": honored}
    return replace(ctx, params=params)
