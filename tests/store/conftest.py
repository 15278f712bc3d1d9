"""Stores on a real file; every test ends with `verify()`, which finds nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dreamkeep_store.store import Stores, open_stores


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's database is."""
    return tmp_path / "memory" / "dreamkeep.db"


@pytest.fixture
async def stores(path: Path) -> AsyncIterator[Stores]:
    """Every store of a new database; whatever the test did, the database holds what it says."""
    async with open_stores(path) as opened:
        yield opened
        assert await opened.verify() == []
