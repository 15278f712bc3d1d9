"""The embedder that comes with the package, loaded once for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dreamkeep_server.embedding.builtin import MiniLM


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    from dreamkeep_server.embedding.builtin import open_minilm

    return open_minilm()
