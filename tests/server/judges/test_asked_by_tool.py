"""Claude as a client gets it: by the owner's setting, estimated before, counted after."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from dreamkeep_server.settings import Settings
from dreamkeep_store.models import StoreName
from dreamkeep_store.store import Stores

from .dreaming import QUESTIONS, fill, rightly, settled
from .messages_api import endpoint

if TYPE_CHECKING:
    from mcp import Client

Call = Callable[..., Awaitable[Any]]


async def test_claude_judges_when_the_owner_says_so(
    stores: Stores,
    settings: Settings,
    connect: "Callable[..., Client]",
    calling: "Callable[[Client], Call]",
    monkeypatch: pytest.MonkeyPatch,
):
    await fill(stores, StoreName("project/acme"))
    with endpoint(rightly) as opened:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", opened.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody's")
        async with connect(settings.model_copy(update={"judge": "claude"})) as client:
            call = calling(client)
            before = await call("start_dream", estimate_only=True)
            assert before["judge"] == "claude"
            assert 0 < before["estimate"]["cost_usd"] < 1
            assert "answered_before" not in before["estimate"]
            assert opened.asked == []
            started = await call("start_dream", budget_usd=3.0)
            assert "1.00 dollars" in started["note"]
            await settled(stores, StoreName("project/acme"))
            done = await call("get_dream")
            await call("review_dream", discard=True)
            after = (await call("start_dream", estimate_only=True))["estimate"]
            assert (after["answered_before"], after["input_tokens"], after["cost_usd"]) == (QUESTIONS, 0, 0)
    assert done["status"] == "completed"
    assert done["usage"] == {
        "input_tokens": 900,
        "output_tokens": 120,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
    assert done["cost_usd"] == 0.003
    assert done["estimated_tokens"] > 0
    assert done["estimated_usd"] == before["estimate"]["cost_usd"]
    assert done["counts"]["supersede/medium/included"] == 1
    assert len(json.dumps(done, separators=(",", ":"), ensure_ascii=False)) < 2_000
