"""Who calls, what they may see and change, and which store they mean when they name none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context

from dreamkeep_server.meaning.background import Background
from dreamkeep_server.recall import Recall
from dreamkeep_server.settings import Settings
from dreamkeep_server.tools.afterwards import Afterwards
from dreamkeep_server.tools.due import DueDreams
from dreamkeep_server.tools.recalls import RecallLog
from dreamkeep_store.errors import ConflictError, InvalidError
from dreamkeep_store.models import StoreName
from dreamkeep_store.store import Stores

USER_STORE = StoreName("user")
"""Where what is true of the person everywhere is kept."""
ACTOR = "agent"
"""Whoever comes through a tool is an agent, whatever it says."""
AGENT_CHARACTERS_MAX = 100
"""Of what a client calls itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a running server holds."""

    stores: Stores
    settings: Settings
    project: StoreName | None
    """The project of the folder the server runs in; None over HTTP, where there is none."""
    local: bool
    """Whether the caller shares this machine's files (stdio)."""
    recalls: RecallLog
    afterwards: Afterwards
    recall: Recall
    background: Background
    due_dreams: DueDreams
    reminded: dict[tuple[str, StoreName], datetime] = field(default_factory=dict[tuple[str, StoreName], datetime])
    """When a caller was last told about a store's proposal or due dream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One call's view of the memory."""

    name: str
    stores: Stores
    """Only what the caller may see."""
    allowed: tuple[StoreName, ...]
    """The stores that its token is bound to; empty: every store."""
    may_write: bool
    serving: Serving
    now: datetime

    @property
    def settings(self) -> Settings:
        """The owner's settings."""
        return self.serving.settings

    @property
    def own(self) -> StoreName | None:
        """The setting's store, else the token's, the project's, `user`; None when a token leaves it open."""
        configured = self.settings.store
        if configured is not None and self._sees(StoreName(configured)):
            return StoreName(configured)
        if len(self.allowed) == 1:
            return self.allowed[0]
        likely = (self.serving.project, USER_STORE)
        return next((name for name in likely if name is not None and self._sees(name)), None)

    def store(self, named: str) -> StoreName:
        """The store that a call means: the named one, else the caller's own.

        Raises InvalidError when a token is bound to several and none of them is the obvious one.
        """
        store = StoreName(named) if named else self.own
        if store is None:
            raise InvalidError(f"Say which store: this token is bound to {', '.join(self.allowed)}.")
        return store

    async def stores_read(self, named: Sequence[str]) -> tuple[StoreName, ...]:
        """The stores that a recall reads: the named ones, else the caller's own and `user`.

        By default one that does not exist yet is left out: a memory is empty before it is written to.
        """
        if named:
            return tuple(StoreName(name) for name in dict.fromkeys(named))
        usual = self.allowed if self.own is None else (self.own, USER_STORE)
        there = frozenset(await self.stores.list_stores())
        return tuple(name for name in dict.fromkeys(usual) if name in there)

    def _sees(self, name: StoreName) -> bool:
        return not self.allowed or name in self.allowed


def caller_of(ctx: Context[Any, Any]) -> Caller:
    """The caller behind a tool's context."""
    return caller_in(cast(Serving, ctx.request_context.lifespan_context))


def caller_in(serving: Serving) -> Caller:
    """The caller of the request that is being served."""
    token = get_access_token()
    allowed: tuple[StoreName, ...] = ()
    if token is not None:
        allowed = tuple(StoreName(name) for name in (token.claims or {}).get("stores", ()))
    return Caller(
        name=ACTOR if token is None else token.client_id,
        stores=serving.stores.within(frozenset(allowed)) if allowed else serving.stores,
        allowed=allowed,
        may_write=token is None or "write" in token.scopes,
        serving=serving,
        now=datetime.now(UTC),
    )


def agent_of(ctx: Context[Any, Any]) -> str | None:
    """What the calling agent is called: by its token, else as its client calls itself; None where nobody says."""
    token = get_access_token()
    params = ctx.session.client_params
    named = params.client_info.name if params is not None else ""
    if token is not None:
        named = str((token.claims or {}).get("name", named))
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in named).split())
    return shown[:AGENT_CHARACTERS_MAX] or None


def require_write(caller: Caller, tool: str) -> None:
    """Refuse a writing call of a token that may only read. Raises ConflictError."""
    if not caller.may_write:
        raise ConflictError(
            f"This token may only read, and {tool} changes the memory. The owner can make another with "
            f"`dreamkeep token create --rights write`; recall, list_versions, diff_versions, get_dream and "
            f"memory_status work with this one."
        )
