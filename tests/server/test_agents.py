"""Several agents over one memory: whose sessions an insight rests on is told; a preference stays where it was said."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mcp import Client
from mcp.types import Implementation

from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import DreamId, NewDream, StoreName
from dreamkeep_store.store import Stores

from .conftest import Call

ACME = StoreName("project/acme")
AT = datetime.fromisoformat("2026-01-05T10:00:00+00:00")


async def record(connect: Callable[..., Client], calling: Callable[[Client], Call], agent: str, *said: str) -> str:
    """A session that this agent records, a minute a message; gives its id."""
    async with connect(client_info=Implementation(name=agent, version="1")) as client:
        messages = [
            {"role": "user", "content": text, "at": (AT + timedelta(minutes=at)).isoformat()}
            for at, text in enumerate(said)
        ]
        return (await calling(client)("record_session", messages=messages))["session_id"]


async def dream(stores: Stores) -> DreamId:
    started = await stores.start_dream(NewDream(store=ACME, sessions="new", requested_by="user"))
    await run_worker(stores, idle_seconds=0.0)
    return started.dream.dream_id


async def test_an_insight_says_which_agents_recorded_what_it_rests_on(
    connect: Callable[..., Client], calling: Callable[[Client], Call], stores: Stores
):
    one = await record(connect, calling, "editor", "Always run the linter before committing.")
    other = await record(connect, calling, "terminal", "Hello.", "Always run the linter before you commit.")
    assert (await stores.get_session(one)).recorded_by == "editor"  # pyright: ignore[reportArgumentType] - as answered
    (insight,) = (await stores.list_changes(await dream(stores))).changes
    assert (insight.operation, insight.decision) == ("insight", "suggested")
    assert {quote.session_id for quote in insight.quotes} == {one, other}
    assert "recorded by 2 agents: editor, terminal" in insight.evidence


async def test_one_agent_that_says_it_twice_is_no_agreement(
    connect: Callable[..., Client], calling: Callable[[Client], Call], stores: Stores
):
    for said in ("Always run the linter before committing.", "Always run the linter before you commit."):
        await record(connect, calling, "editor", said)
    (insight,) = (await stores.list_changes(await dream(stores))).changes
    assert not any("agents" in told for told in insight.evidence)


async def test_a_preference_is_suggested_where_it_was_said_and_nowhere_else(
    connect: Callable[..., Client], calling: Callable[[Client], Call], stores: Stores
):
    for agent in ("editor", "terminal"):
        await record(connect, calling, agent, "I prefer dark mode in every editor.")
    changes = (await stores.list_changes(await dream(stores))).changes
    assert [change.decision for change in changes] == ["suggested"]
    assert await stores.list_stores() == [ACME]


async def test_a_client_without_a_sound_name_is_nobody_in_particular(
    connect: Callable[..., Client], calling: Callable[[Client], Call], stores: Stores
):
    kept = await record(connect, calling, " \n\x1b ", "Hello there.")
    assert (await stores.get_session(kept)).recorded_by is None  # pyright: ignore[reportArgumentType] - as answered
