"""Stores on a real file, and a real embeddings endpoint on this machine that can be told to fail."""

import json
import threading
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dreamkeep_store.store import Stores, open_stores

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dreamkeep.db"


@pytest.fixture
async def stores(path: Path) -> AsyncIterator[Stores]:
    """Every store of a new database; whatever the test did, the database holds what it says."""
    async with open_stores(path) as opened:
        yield opened
        assert await opened.verify() == []


@dataclass(kw_only=True)
class Remote:
    """An embeddings endpoint that counts letters: texts with the same letters are near."""

    address: str
    refuses: str | None = None
    """A text that holds this is refused, and the whole call with it."""
    down: bool = False
    held: threading.Event = field(default_factory=threading.Event)
    """Answers wait for this."""
    asked: int = 0

    @property
    def setting(self) -> str:
        """What the owner would set."""
        return f"openai:letters@{self.address}/v1"


@pytest.fixture
def remote() -> Generator[Remote]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            there.asked += len(asked)
            there.held.wait(20)
            refused = there.refuses is not None and any(there.refuses in text for text in asked)
            rows = [[1.0, *(float(text.lower().count(letter)) for letter in LETTERS)] for text in asked]
            body = {"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]}
            self._answer(400 if refused or there.down else 200, body)

        def _answer(self, status: int, body: Any) -> None:
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        there = Remote(address=f"http://127.0.0.1:{server.server_address[1]}")
        there.held.set()
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield there
        there.held.set()
        server.shutdown()
        serving.join()
