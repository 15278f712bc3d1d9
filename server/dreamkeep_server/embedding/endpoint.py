"""Any server with OpenAI's embeddings call: `POST {base}/embeddings`, which many local model servers have too."""

import logging
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx2
import stamina
from pydantic import BaseModel, ValidationError

from dreamkeep_server.embedding.embedder import EmbedderError, checked, encodable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT_SECONDS: Final = 30.0
"""For a whole request; what a server may be silent for, and what it may take in drops."""
ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
"""64 vectors of 4,096 numbers take about 6 MB."""
ATTEMPTS_MAX: Final = 3
WAIT_SECONDS_MAX: Final = 5.0
TEXTS_PER_REQUEST: Final = 64
TEXT_BYTES_MAX: Final = 8_000
"""OpenAI's models take 8,191 tokens, and no text has more tokens than bytes."""
VERSION: Final = 1
"""Goes up when this module changes what is sent for a text."""
_PROBE: Final = "dreamkeep"
_EXCERPT_CHARACTERS: Final = 200
_REFUSED: Final = {
    400: "refused the request; the text or the model's name may be the reason",
    401: "refused the key; set one that it knows",
    403: "refused the key; set one that may use this model",
    404: "knows no such model or address; correct the embedder's setting",
    413: "refused the text as too long",
    422: "refused the request; the text or the model's name may be the reason",
}

# It would tell of each retry on standard error; what came of all of them is in the EmbedderError.
logging.getLogger("stamina").setLevel(logging.ERROR)


class _Vector(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Vector]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    body: bytes
    retry_after: str


class _BusyError(Exception):
    """The server said that it cannot now, and perhaps when to ask again."""

    def __init__(self, reply: _Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Endpoint:
    """Vectors from a server; whether they depend on the batch is the server's affair."""

    def __init__(self, *, model: str, base_url: str, key: str | None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        if key is not None and not (key.isascii() and key.isprintable()):
            raise EmbedderError(f"The key of the embeddings endpoint {base_url} holds characters that no key has.")
        self._model = model
        self._url = f"{base_url}/embeddings"
        self._key = key
        self._source = f"The embeddings endpoint {base_url}"
        self._timeout_seconds = timeout_seconds
        self._client = httpx2.Client(
            timeout=timeout_seconds, headers={} if key is None else {"Authorization": f"Bearer {key}"}
        )
        weakref.finalize(self, self._client.close)
        (probe,) = self._ask([_PROBE])
        self.dimensions = len(probe)
        checked([probe], texts=1, dimensions=max(self.dimensions, 1), source=self._source)
        text = f"first-{TEXT_BYTES_MAX}-bytes"
        self.recipe = f"openai:{model}@{base_url} dimensions={self.dimensions} text={text} version={VERSION}"

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vectors of `texts`, in order; of a long text, the first 8,000 bytes count."""
        sent = [_beginning(text) for text in encodable(texts)]
        vectors: list[list[float]] = []
        for start in range(0, len(sent), TEXTS_PER_REQUEST):
            vectors += self._ask(sent[start : start + TEXTS_PER_REQUEST])
        return checked(vectors, texts=len(texts), dimensions=self.dimensions, source=self._source)

    def _ask(self, texts: list[str]) -> list[list[float]]:
        """One request's vectors in the order of its texts, whatever order the answer has."""
        reply = self._post(texts)
        if reply.status != 200:
            said = _REFUSED.get(reply.status, "cannot be used")
            raise EmbedderError(f"{self._source} {said} ({self._excerpt(reply)}).")
        try:
            rows = _Answer.model_validate_json(reply.body).data
        except ValidationError as error:
            raise EmbedderError(
                f"{self._source} answered with something other than embeddings ({self._excerpt(reply)}); "
                "is the base URL right?"
            ) from error
        if sorted(row.index for row in rows) != list(range(len(texts))):
            raise EmbedderError(f"{self._source} answered with {len(rows)} vectors that do not fit {len(texts)} texts.")
        return [row.embedding for row in sorted(rows, key=lambda row: row.index)]

    def _post(self, texts: list[str]) -> _Reply:
        """The answer, after at most three attempts where another may help.

        Raises EmbedderError when none came.
        """
        try:
            for attempt in stamina.retry_context(
                on=_patience, attempts=ATTEMPTS_MAX, timeout=None, wait_initial=0.5, wait_max=WAIT_SECONDS_MAX
            ):
                with attempt:
                    reply = self._once(texts)
                    if reply.status == 429 or reply.status >= 500:
                        raise _BusyError(reply)
                    return reply
        except _BusyError as error:
            raise EmbedderError(
                f"{self._source} did not serve any of {ATTEMPTS_MAX} requests ({self._excerpt(error.reply)}); "
                "try again later."
            ) from error
        except httpx2.TimeoutException as error:
            raise EmbedderError(
                f"{self._source} did not answer within {self._timeout_seconds:g} seconds; try again later."
            ) from error
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise EmbedderError(
                f"{self._source} cannot be reached ({str(error) or type(error).__name__}); "
                "is it running, and is the base URL right?"
            ) from error
        raise AssertionError("the last attempt returns or raises")

    def _once(self, texts: list[str]) -> _Reply:
        """The answer to one request, read within its time and its size."""
        end = time.monotonic() + self._timeout_seconds
        body = bytearray()
        with self._client.stream("POST", self._url, json={"model": self._model, "input": texts}) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise EmbedderError(f"{self._source} answers with more than {ANSWER_BYTES_MAX:,} bytes.")
                if time.monotonic() > end:
                    raise httpx2.ReadTimeout("the answer came too slowly", request=response.request)
        return _Reply(
            status=response.status_code, body=bytes(body), retry_after=response.headers.get("Retry-After", "")
        )

    def _excerpt(self, reply: _Reply) -> str:
        """The status and the beginning of what was said, on one line and never with the key."""
        said = reply.body.decode("utf-8", "replace")
        if self._key:
            said = said.replace(self._key, "[key]")
        said = " ".join(said[:_EXCERPT_CHARACTERS].split())
        return f"{reply.status}: {said}" if said else str(reply.status)


def _patience(error: Exception) -> bool | float:
    """Whether to ask again, or after how many seconds."""
    if isinstance(error, _BusyError):
        after = error.reply.retry_after  # seconds, or a date, which is not worth reading
        return min(float(after), WAIT_SECONDS_MAX) if after.isdecimal() else True
    return isinstance(error, httpx2.TransportError)


def _beginning(text: str) -> str:
    return text.strip().encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
