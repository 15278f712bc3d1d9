"""A Messages API on this machine: answers by a script, keeps what was asked, and counts what it would have billed."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the endpoint sends back, and when."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after: threading.Event | None = None
    """Held back until this is set."""


@dataclass
class Asked:
    """One request as it came in."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def candidates(self) -> list[dict[str, Any]]:
        lines = self.body["messages"][0]["content"].splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"candidate"')]


@dataclass
class Endpoint:
    url: str
    asked: list[Asked] = field(default_factory=list[Asked])
    billed: int = 0
    """Tokens that the answers with status 200 said they took."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def said(text: str, *, tokens_in: int = 900, tokens_out: int = 120, stop: str = "end_turn", **usage: object) -> Answer:
    """A message that says this, and what it took."""
    counts: dict[str, object] = {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        **usage,
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": counts,
    }
    return Answer(body=json.dumps(message).encode())


def judged(*judgements: dict[str, Any], **options: Any) -> Answer:
    return said(json.dumps({"judgements": judgements}), **options)


def keeping(asked: Asked) -> Answer:
    """Every candidate is kept."""
    return judged(
        *({"candidate": one["candidate"], "operation": "keep", "reason": "Fine."} for one in asked.candidates)
    )


def failing(status: int, kind: str, **headers: str) -> Answer:
    error = {"type": "error", "error": {"type": kind, "message": f"This is {kind}."}}
    return Answer(status=status, body=json.dumps(error).encode(), headers={"retry-after-ms": "1", **headers})


@contextmanager
def endpoint(answer: Callable[[Asked], Answer]) -> Generator[Endpoint]:
    """An endpoint on a port of its own; `answer` is called on the request's thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked = Asked(body=json.loads(body), headers={k.lower(): v for k, v in self.headers.items()})
            with opened.lock:
                opened.asked.append(asked)
                sent = answer(asked)
                if sent.status == 200:
                    opened.billed += _tokens(sent.body)
            if sent.after is not None:
                sent.after.wait(30)
            self.send_response(sent.status)
            for name, value in {"content-type": "application/json", **sent.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(sent.body)))
            self.end_headers()
            self.wfile.write(sent.body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    opened = Endpoint(url=f"http://127.0.0.1:{server.server_address[1]}")
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield opened
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _tokens(body: bytes) -> int:
    try:
        usage: dict[str, Any] = json.loads(body)["usage"]
        return sum(count for count in usage.values() if isinstance(count, int))
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
