"""A server with the embedder that comes with it, through the real client: what an agent sees of meaning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from dreamkeep_server.settings import Settings
from dreamkeep_store.models import NewEntry, StoreName
from dreamkeep_store.store import Stores

from .conftest import Remote

SECONDS_MAX = 60
Calling = Callable[[Client], Any]


@pytest.fixture
def with_meaning(settings: Settings) -> Settings:
    return settings.model_copy(update={"embedder": "minilm"})


async def until_embedded(call: Any) -> None:
    with anyio.fail_after(SECONDS_MAX):
        while "1 of 1 texts" not in (await call("memory_status"))["recall"]:  # noqa: ASYNC110  # a thread embeds
            await anyio.sleep(0.05)


async def test_what_an_agent_remembers_is_found_by_its_meaning_and_told_why(
    connect: Callable[..., Client], with_meaning: Settings, calling: Calling
) -> None:
    async with connect(with_meaning) as client:
        call = calling(client)
        await call("remember", content="Her cat sleeps on the sofa.", tier="persistent")
        await until_embedded(call)
        await call("remember", content="The invoice service listens on port 8443.")
        found = await call("recall", query="which pets does she keep", detail="detailed")
        assert found["entries"][0]["content"] == "Her cat sleeps on the sofa."
        assert "similarity 0." in found["entries"][0]["why"]
        assert "tier +0.02" in found["entries"][0]["why"]
        assert found["entries"][0]["why"].endswith("100% fresh")
        assert "note" not in found
        status = await call("memory_status")
        assert status["recall"].startswith("words and meaning (minilm); ")


async def test_the_first_recall_of_a_server_waits_for_no_model_and_says_so(
    connect: Callable[..., Client], with_meaning: Settings, calling: Calling, stores: Stores
) -> None:
    await stores.remember(StoreName("project/acme"), NewEntry(content="Her cat sleeps on the sofa."), actor="agent")
    async with connect(with_meaning) as client:
        call = calling(client)
        first = await call("recall", query="cat")
        assert [entry["content"] for entry in first["entries"]] == ["Her cat sleeps on the sofa."]
        assert "is being loaded" in first["note"]
        await until_embedded(call)
        with anyio.fail_after(SECONDS_MAX):
            while not (await call("recall", query="which pets does she keep")).get("entries"):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.05)  # the server's own background loads it


async def test_a_server_whose_embedder_is_down_remembers_and_recalls_by_words(
    connect: Callable[..., Client], settings: Settings, calling: Calling, remote: Remote
) -> None:
    remote.down = True
    async with connect(settings.model_copy(update={"embedder": remote.setting})) as client:
        call = calling(client)
        await call("remember", content="Her cat sleeps on the sofa.")
        with anyio.fail_after(SECONDS_MAX):
            while "is being loaded" in (found := await call("recall", query="cat")).get("note", ""):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.05)  # the server's own background loads it
        assert [entry["content"] for entry in found["entries"]] == ["Her cat sleeps on the sofa."]
        assert found["note"].startswith("By words only: ")
        assert (await call("memory_status"))["recall"].startswith("words: ")


async def test_a_damaged_model_leaves_recall_by_words_and_is_named(
    connect: Callable[..., Client],
    with_meaning: Settings,
    calling: Calling,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "minilm").mkdir()
    (tmp_path / "minilm" / "model.onnx").write_bytes(b"not a model")
    monkeypatch.setattr("dreamkeep_server.embedding.builtin.open_minilm.__defaults__", (tmp_path / "minilm",))
    async with connect(with_meaning) as client:
        call = calling(client)
        await call("remember", content="Her cat sleeps on the sofa.")
        with anyio.fail_after(SECONDS_MAX):
            while "is being loaded" in (found := await call("recall", query="cat")).get("note", ""):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.05)  # the server's own background loads it
        assert [entry["content"] for entry in found["entries"]] == ["Her cat sleeps on the sofa."]
        assert "damaged" in found["note"]


async def test_an_older_figure_comes_after_the_newer_one_and_names_it(
    connect: Callable[..., Client], with_meaning: Settings, calling: Calling
) -> None:
    async with connect(with_meaning) as client:
        call = calling(client)
        older = await call("remember", content="The marketing budget of the Oslo team is $600")
        await until_embedded(call)
        newer = await call("remember", content="The marketing budget of the Oslo team was increased to $650")
        found = await call("recall", query="What is the marketing budget of the Oslo team?")
        assert [entry["id"] for entry in found["entries"]] == [newer["entry_id"], older["entry_id"]]
        assert [entry.get("newer") for entry in found["entries"]] == [None, newer["entry_id"]]
        assert "`newer` names an entry that may replace" in found["note"]
