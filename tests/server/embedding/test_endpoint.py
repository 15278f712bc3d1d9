"""The endpoint embedder against a real HTTP server, honest and otherwise."""

import json
import math
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
import stamina

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.embedding.endpoint import ANSWER_BYTES_MAX, ATTEMPTS_MAX, TEXT_BYTES_MAX, Endpoint
from dreamkeep_server.embedding.opening import open_embedder


@dataclass(kw_only=True)
class Reply:
    """One answer: a status, a body (bytes as they are, anything else as JSON), headers."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    in_drops: bool = False
    """Sent a byte at a time, a twentieth of a second apart."""


type_of_script = Reply | Callable[[list[str]], Reply]


def vectors(texts: list[str]) -> Reply:
    """An honest answer, of width 3, last text first: an index says which is which."""
    rows = [{"index": index, "embedding": [float(len(text)), 1.0, 0.5]} for index, text in enumerate(texts)]
    return Reply(body={"object": "list", "data": rows[::-1], "model": "three"})


@dataclass(kw_only=True)
class Remote:
    """A real HTTP server on this machine: the next scripts first, honest answers afterwards."""

    base_url: str
    scripts: list[type_of_script] = field(default_factory=list[type_of_script])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str | None] = field(default_factory=list[str | None])
    released: threading.Event = field(default_factory=threading.Event)
    """Answers that hang do so until this is set."""


@pytest.fixture
def remote() -> Generator[Remote]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            there.asked.append({"path": self.path, **asked})
            there.keys.append(self.headers["Authorization"])
            script = there.scripts.pop(0) if there.scripts else vectors
            reply = script if isinstance(script, Reply) else script(asked["input"])
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            try:
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for start in range(len(body)) if reply.in_drops else ():
                    self.wfile.write(body[start : start + 1])
                    there.released.wait(0.05)
                if not reply.in_drops:
                    self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):  # whoever waited is gone
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        there = Remote(base_url=f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield there
        finally:
            there.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_waiting() -> Generator[None]:
    """As many attempts as ever, at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS_MAX):
        yield


def opened(remote: Remote) -> Endpoint:
    endpoint = open_embedder(f"openai:three@{remote.base_url}", key="sk-secret")
    assert isinstance(endpoint, Endpoint)
    remote.asked.clear()
    return endpoint


def saying(body: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(body=body, status=status, headers=named)


def rows(*embeddings: object) -> Reply:
    return saying({"data": [{"index": index, "embedding": one} for index, one in enumerate(embeddings)]})


def test_vectors_come_in_the_order_of_the_texts_whatever_order_the_answer_has(remote: Remote) -> None:
    endpoint = opened(remote)
    given = endpoint.embed(["a", "four", "twenty letters are here"])
    assert endpoint.dimensions == 3
    lengths = given[:, 0] / given[:, 1]
    assert np.allclose(lengths, [1, 4, 23])
    assert np.allclose(np.linalg.norm(given, axis=1), 1)
    assert remote.asked == [
        {"path": "/v1/embeddings", "model": "three", "input": ["a", "four", "twenty letters are here"]}
    ]
    assert set(remote.keys) == {"Bearer sk-secret"}


def test_without_a_key_none_is_sent(remote: Remote) -> None:
    assert open_embedder(f"openai:three@{remote.base_url}") is not None
    assert remote.keys == [None]


def test_the_recipe_names_model_address_and_width(remote: Remote) -> None:
    assert opened(remote).recipe == f"openai:three@{remote.base_url} dimensions=3 text=first-8000-bytes version=1"


def test_many_texts_go_in_several_requests(remote: Remote) -> None:
    endpoint = opened(remote)
    given = endpoint.embed(["x" * length for length in range(1, 151)])
    assert np.allclose(given[:, 0] / given[:, 1], range(1, 151))
    assert [len(asked["input"]) for asked in remote.asked] == [64, 64, 22]


def test_no_texts_are_no_request(remote: Remote) -> None:
    endpoint = opened(remote)
    assert endpoint.embed([]).shape == (0, 3)
    assert remote.asked == []


@pytest.mark.parametrize("text", ["é" * 60_000, "🙂" * 25_000, " " * 50_000 + "x", "a\x00\x1b\ud800"])
def test_any_text_is_sent_cut_to_what_models_take(remote: Remote, text: str) -> None:
    endpoint = opened(remote)
    endpoint.embed([text])
    ((sent,),) = [asked["input"] for asked in remote.asked]
    assert 0 < len(sent.encode()) <= TEXT_BYTES_MAX
    assert text.strip().replace("\ud800", "?").startswith(sent)


@pytest.mark.parametrize("refusal", [saying("slow down", 429, Retry_After="1"), saying("", 500), saying("", 503)])
def test_a_server_that_cannot_now_is_asked_again(remote: Remote, refusal: Reply) -> None:
    endpoint = opened(remote)
    remote.scripts = [refusal, refusal]
    assert endpoint.embed(["tea"]).shape == (1, 3)
    assert len(remote.asked) == ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("script", "requests", "says"),
    [
        (saying({"error": "bad key sk-secret"}, 401), 1, r"refused the key; .*\(401: .*bad key \[key\]"),
        (saying(b"", 403), 1, r"refused the key; .*\(403\)"),
        (saying(b"no such model", 404), 1, r"knows no such model .*\(404: no such model\)"),
        (saying("too long", 413), 1, "refused the text as too long"),
        (saying(b"", 302, Location="http://127.0.0.1:1/"), 1, r"cannot be used \(302\)"),
        (saying("calm down", 429), 3, r"did not serve any of 3 requests \(429: .calm down.\); try again later"),
        (saying("oh no", 500), 3, r"did not serve any of 3 requests \(500"),
        (rows([1.0, math.nan, 0.0]), 1, "not finite"),
        (rows([1.0, math.inf, 0.0]), 1, "not finite"),
        (rows([0.0, 0.0, 0.0]), 1, "a vector of zeros"),
        (rows([1.0, 2.0]), 1, r"an array of \(1, 2\) where \(1, 3\)"),
        (rows([]), 1, r"an array of \(1, 0\)"),
        (rows([1.0, 2.0, None]), 1, "other than embeddings"),
        (rows([1.0] * 3, [1.0] * 3), 1, "2 vectors that do not fit 1 texts"),
        (rows(), 1, "0 vectors that do not fit 1 texts"),
        (saying({"data": [{"index": 7, "embedding": [1.0] * 3}]}), 1, "1 vectors that do not fit 1 texts"),
        (saying({"data": "none"}), 1, "other than embeddings"),
        (saying(b"<html>a login page</html>"), 1, "other than embeddings .*a login page.*is the base URL right"),
        (saying(b"\xff\xfe\x00"), 1, "other than embeddings"),
        (saying(b""), 1, "other than embeddings"),
    ],
)
def test_what_is_no_answer_is_told_in_a_sentence(remote: Remote, script: Reply, requests: int, says: str) -> None:
    endpoint = opened(remote)
    remote.scripts = [script] * requests
    with pytest.raises(EmbedderError, match=says) as caught:
        endpoint.embed(["tea"])
    assert len(remote.asked) == requests
    assert "sk-secret" not in str(caught.value)
    assert endpoint.embed(["tea"]).shape == (1, 3)


def test_a_text_that_is_refused_is_found_by_asking_one_by_one(remote: Remote) -> None:
    endpoint = opened(remote)

    def picky(texts: list[str]) -> Reply:
        return Reply(body="poison", status=400) if "poison" in texts else vectors(texts)

    remote.scripts = [picky] * 4
    texts = ["tea", "poison", "coffee"]
    with pytest.raises(EmbedderError):
        endpoint.embed(texts)
    failed: list[str] = []
    for text in texts:
        try:
            endpoint.embed([text])
        except EmbedderError:
            failed.append(text)
    assert failed == ["poison"]


def test_a_server_that_does_not_answer_is_given_up(remote: Remote) -> None:
    endpoint = Endpoint(model="three", base_url=remote.base_url, key=None, timeout_seconds=0.3)

    def hanging(texts: list[str]) -> Reply:
        remote.released.wait()
        return vectors(texts)

    remote.scripts = [hanging] * ATTEMPTS_MAX
    with pytest.raises(EmbedderError, match=r"did not answer within 0\.3 seconds; try again later"):
        endpoint.embed(["tea"])


def test_a_server_that_answers_in_drops_is_given_up(remote: Remote) -> None:
    endpoint = Endpoint(model="three", base_url=remote.base_url, key=None, timeout_seconds=0.3)
    remote.scripts = [Reply(body=b" " * 10_000, in_drops=True)] * ATTEMPTS_MAX
    with pytest.raises(EmbedderError, match=r"did not answer within 0\.3 seconds"):
        endpoint.embed(["tea"])


def test_an_answer_of_any_size_is_not_read(remote: Remote) -> None:
    endpoint = opened(remote)
    remote.scripts = [Reply(body=b" " * (ANSWER_BYTES_MAX + 1))]
    with pytest.raises(EmbedderError, match="answers with more than 33,554,432 bytes"):
        endpoint.embed(["tea"])


@pytest.mark.parametrize("key", ["sk-secret\n", "sk-secret\u2026"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(remote: Remote, key: str) -> None:
    with pytest.raises(EmbedderError, match="holds characters that no key has") as caught:
        open_embedder(f"openai:three@{remote.base_url}", key=key)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("script", [rows([]), rows([0.0, 0.0]), rows([1.0, math.nan])])
def test_a_server_without_usable_vectors_is_told_at_the_opening(remote: Remote, script: Reply) -> None:
    remote.scripts = [script]
    with pytest.raises(EmbedderError, match=r"^The embeddings endpoint http.* gave "):
        open_embedder(f"openai:three@{remote.base_url}")


def test_a_server_that_is_not_there_is_told_at_the_opening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EmbedderError, match=r"cannot be reached \(.+\); is it running"):
        open_embedder(f"openai:three@http://127.0.0.1:{port}/v1")


def test_a_server_that_refuses_is_told_at_the_opening(remote: Remote) -> None:
    remote.scripts = [saying(b"", 401)]
    with pytest.raises(EmbedderError, match="refused the key"):
        open_embedder(f"openai:three@{remote.base_url}", key="wrong")
