"""A real store in a temporary folder, and real clients of both protocol eras over it.

What is slow to import is imported where it is used: the folders below have tests that need none of it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from dreamkeep_server.settings import Settings
    from dreamkeep_store.store import Stores

Call = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose home holds no database: no worker process starts, tests run dreams themselves.

    Recall goes by words here; `meaning` has the tests of the other half.
    """
    from dreamkeep_server.settings import Settings

    for name in [name for name in os.environ if name.startswith("DREAMKEEP_")]:
        monkeypatch.delenv(name)
    transcripts = tmp_path / "transcripts"
    transcripts.mkdir()
    return Settings(home=tmp_path / "home", transcript_folders=(transcripts,), embedder="none")


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    from dreamkeep_store.store import open_stores

    async with open_stores(tmp_path / "memory" / "dreamkeep.db") as opened:
        yield opened
        assert list(await opened.verify()) == []


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def connect(stores: Stores, settings: Settings, era: str) -> Callable[..., Client]:
    """Builds a client: over other settings than the usual ones, or with a person to ask."""
    from mcp import Client

    from dreamkeep_server.server import build_server
    from dreamkeep_store.models import StoreName

    def build(changed: Settings | None = None, **options: Any) -> Client:
        server = build_server(stores, changed or settings, project=StoreName("project/acme"))
        return Client(server, mode=era, **options)

    return build


@pytest.fixture
def calling() -> Callable[[Client], Call]:
    """Turns a client into a function from a tool and its arguments to its answer, or its refusal's text."""
    from mcp.types import TextContent

    def with_client(client: Client) -> Call:
        async def call(tool: str, /, **arguments: object) -> Any:
            result = await client.call_tool(tool, arguments)
            first = result.content[0]
            assert isinstance(first, TextContent)
            return first.text if result.is_error else result.structured_content

        return call

    return with_client


@pytest.fixture
async def call(connect: Callable[..., Client], calling: Callable[[Client], Call]) -> AsyncIterator[Call]:
    async with connect() as client:
        yield calling(client)
