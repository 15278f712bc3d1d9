"""The judge that is Claude, or any model behind a Messages-compatible endpoint: one call for each prompt.

The only module that imports `anthropic`, and not before somebody dreams with it. The SDK finds the key and
`ANTHROPIC_BASE_URL` by itself, and waits and tries again at 429, 529 and lost connections.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import anyio
import anyio.to_thread

from dreamkeep_server.dream.judges.prices import price_of
from dreamkeep_store.models import TokenUsage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import TextBlockParam

RETRIES_MAX: Final = 4
CALL_SECONDS_MAX: Final = 300.0
"""For one call with all its retries, whatever the endpoint asks to wait."""
_UNSEEN_TOKENS: Final = 1_000
"""What an endpoint adds to a prompt that asks for structured output, and bytes do not show."""
_TOKENS_SANE_MAX: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What one call asks."""

    text: str
    answer_tokens_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a call that was paid for gave, sound or not."""

    text: str
    usage: TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A call that gave nothing, and what that means for the others."""

    kind: Literal["refused", "overloaded", "late"]
    """No call will do; later ones may; a shorter one may, and this one may have cost something."""
    why: str


class Claude:
    """A model that answers prompts, and what a prompt may cost at most."""

    def __init__(
        self, client: "AsyncAnthropic", *, model: str, wishes: str, schema: dict[str, Any], seconds: float
    ) -> None:
        self.model = model
        self._client = client
        self._schema = schema
        self._seconds = seconds
        self._system = [prose()]
        if wishes:
            self._system.append(f"<wishes>\n{wishes}\n</wishes>")

    def identity(self, prompt: Prompt) -> str:
        """Return all that the answer depends on, as one text: the same one is never paid for twice."""
        return json.dumps([self.model, self._system, prompt.text, prompt.answer_tokens_max, self._schema])

    def most(self, prompt: Prompt) -> TokenUsage:
        """Return what a call can take at most: no token is shorter than a byte, and all may be written to the cache."""
        shown = (*self._system, prompt.text, json.dumps(self._schema))
        written = sum(len(text.encode("utf-8", "surrogatepass")) for text in shown) + _UNSEEN_TOKENS
        return self._priced(TokenUsage(cache_creation_input_tokens=written, output_tokens=prompt.answer_tokens_max))

    def _priced(self, usage: TokenUsage) -> TokenUsage:
        return TokenUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_creation_input_tokens=usage.cache_creation_input_tokens,
            cache_read_input_tokens=usage.cache_read_input_tokens,
            cost_usd=price_of(self.model).of(usage),
        )

    async def ask(self, prompt: Prompt) -> Reply | Unanswered:
        """Return what the endpoint says; raises for nothing that an endpoint can do."""
        import anthropic

        system: list[TextBlockParam] = [{"type": "text", "text": text} for text in self._system]
        system[-1]["cache_control"] = {"type": "ephemeral"}
        try:
            with anyio.fail_after(self._seconds):
                response = await self._client.messages.with_raw_response.create(
                    model=self.model,
                    max_tokens=prompt.answer_tokens_max,
                    system=system,
                    messages=[{"role": "user", "content": prompt.text}],
                    output_config={"format": {"type": "json_schema", "schema": self._schema}},
                )
                body = await response.text()
        except (TimeoutError, anthropic.APITimeoutError):
            return Unanswered(kind="late", why=f"no answer came within {self._seconds:,.0f} seconds")
        except anthropic.APIStatusError as error:
            passing = error.status_code in {408, 409, 429} or error.status_code >= 500
            why = f"the endpoint answered {error.status_code}: {error.message}"
            return Unanswered(kind="overloaded" if passing else "refused", why=why)
        except anthropic.APIConnectionError as error:
            return Unanswered(kind="overloaded", why=f"the endpoint cannot be reached: {error}")
        except anthropic.AnthropicError as error:
            return Unanswered(kind="refused", why=str(error))
        return self._read(body, prompt)

    def _read(self, body: str, prompt: Prompt) -> Reply:
        """Return the message in a response; one that does not say what it cost counts as the most it can."""
        try:
            message: Any = json.loads(body)
        except (ValueError, RecursionError):
            message = None
        fields = cast("dict[str, Any]", message) if isinstance(message, dict) else {}
        content = fields.get("content")
        blocks = cast("list[Any]", content) if isinstance(content, list) else []
        texts = (cast("dict[str, Any]", block).get("text") for block in blocks if isinstance(block, dict))
        return Reply(
            text="".join(text for text in texts if isinstance(text, str)),
            usage=self._usage(fields.get("usage"), prompt),
        )

    def _usage(self, reported: object, prompt: Prompt) -> TokenUsage:
        if not isinstance(reported, dict):
            return self.most(prompt)
        counts: dict[str, int] = {}
        for name in ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
            count: object = cast("dict[str, object]", reported).get(name)
            if count is None and name.startswith("cache"):
                count = 0
            if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _TOKENS_SANE_MAX:
                return self.most(prompt)
            counts[name] = count
        return self._priced(TokenUsage(**counts))


@asynccontextmanager
async def open_claude(
    *, model: str, wishes: str, schema: type[Any], seconds: float = CALL_SECONDS_MAX
) -> AsyncGenerator[Claude | Unanswered]:
    """Give a judge that asks this model, or why none can be asked."""
    anthropic = await anyio.to_thread.run_sync(_anthropic)
    try:
        client = anthropic.AsyncAnthropic(max_retries=RETRIES_MAX, timeout=seconds)
    except anthropic.AnthropicError as error:
        yield Unanswered(kind="refused", why=str(error))
        return
    async with client:
        if client.api_key is None and client.auth_token is None:
            yield Unanswered(kind="refused", why="its worker was started by a program without ANTHROPIC_API_KEY")
        else:
            answer = anthropic.transform_schema(schema)
            yield Claude(client, model=model, wishes=wishes, schema=answer, seconds=seconds)


def _anthropic() -> Any:
    import anthropic

    return anthropic


def prose() -> str:
    """Return what a model is told before it is asked anything."""
    return resources.files("dreamkeep_server.dream.judges").joinpath("claude.md").read_text(encoding="utf-8")
