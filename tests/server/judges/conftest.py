"""Where a judge is asked in these tests, and of which memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .messages_api import Endpoint


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Endpoint], None]:
    """Points the SDK at an endpoint."""

    def at(opened: Endpoint) -> None:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", opened.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody's")

    return at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dreamkeep.db"
