"""Dreams that start by themselves: off by default, one of several servers, and stopped when they come to nothing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from mcp import Client

from dreamkeep_server.settings import Settings
from dreamkeep_server.tools.due import DueDreams
from dreamkeep_server.unasked import remark, start_if_due, why_not
from dreamkeep_server.worker import run_worker
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import Dream, Message, NewDream, NewEntry, StoreName
from dreamkeep_store.store import Stores, open_stores

Call = Callable[..., Awaitable[Any]]
PROJECT = StoreName("project/acme")
SAID = [{"role": "user", "content": "I prefer tabs over spaces."}]


@pytest.fixture
def unasked(settings: Settings) -> Settings:
    """The owner has turned it on."""
    return settings.model_copy(update={"dream_when_due": True})


async def talk(stores: Stores, *, count: int = 5) -> None:
    """Sessions, so many that a dream is due."""
    for number in range(count):
        said = [Message(number=1, role="user", text=f"I prefer tea number {number} over coffee.")]
        await stores.record_session(PROJECT, said, trust="user", redactions=0, actor="user")


async def grow(stores: Stores, *, count: int = 25) -> None:
    """Entries, so many that a dream is due."""
    start = sum((await stores.standing(PROJECT)).by_tier.values()) if await stores.list_stores() else 0
    new = [NewEntry(content=f"Room {number} is on floor {number % 5}.") for number in range(start, start + count)]
    await stores.remember_all(PROJECT, new, actor="agent")


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def started(stores: Stores, settings: Settings, at: datetime | None = None) -> Dream:
    dream = await start_if_due(stores, settings, PROJECT, at or later(0))
    assert dream is not None
    return dream


async def fail(stores: Stores, dream: Dream) -> None:
    claimed = await stores.claim_dream("test", lease_seconds=60)
    assert claimed is not None
    assert claimed.dream_id == dream.dream_id
    await stores.fail_dream(dream.dream_id, claimed.attempt, "judge_unavailable", "Nobody answered.")


async def throw_away(stores: Stores, dream: Dream) -> None:
    await run_worker(stores, idle_seconds=0.0)
    await stores.discard(dream.dream_id, actor="user")


async def test_a_dream_is_queued_when_one_is_due_and_says_who_asked_for_it(stores: Stores, unasked: Settings):
    await talk(stores, count=4)
    assert await start_if_due(stores, unasked, PROJECT, later(0)) is None
    await talk(stores)
    dream = await started(stores, unasked)
    assert (dream.requested_by, dream.policy, dream.judge) == ("policy", "review", "rules")
    assert len(dream.sessions) == 9
    assert "dreaming already" in why_not(await stores.standing(PROJECT), later(0))


async def test_a_server_starts_what_is_due_when_it_starts(
    connect: Callable[..., Client], calling: Callable[[Client], Call], stores: Stores, unasked: Settings
):
    await talk(stores)
    async with connect(unasked) as client:
        call = calling(client)
        with anyio.fail_after(30):
            while isinstance(await call("get_dream"), str):  # noqa: ASYNC110  # it is started beside the answers
                await anyio.sleep(0.05)
            dream = await call("get_dream", wait_seconds=30)
        assert (dream["status"], dream["requested_by"]) == ("completed", "policy")
        assert (await call("memory_status"))["standing"][0]["proposal"] == dream["output_version"]


async def test_a_server_starts_what_its_clients_writes_make_due(
    connect: Callable[..., Client],
    calling: Callable[[Client], Call],
    stores: Stores,
    unasked: Settings,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("dreamkeep_server.tools.due.SETTLE_SECONDS", 0.05)
    async with connect(unasked) as client:
        call = calling(client)
        for number in range(5):
            assert isinstance(await call("get_dream"), str)
            await call("record_session", messages=SAID, session_id=f"talk {number}")
        with anyio.fail_after(30):
            while isinstance(await call("get_dream"), str):  # noqa: ASYNC110  # as above
                await anyio.sleep(0.05)
            ended = await call("get_dream", wait_seconds=30)
        assert ended["requested_by"] == "policy"


async def test_a_store_that_was_merged_away_meanwhile_ends_no_server(stores: Stores, unasked: Settings):
    seen = anyio.Event()

    async def names() -> list[StoreName]:
        return [StoreName("project/gone"), PROJECT]

    async def begin() -> None:
        seen.set()

    await talk(stores)
    due_dreams = DueDreams(stores, unasked, names=names, begin=begin)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(due_dreams.run)
        with anyio.fail_after(5):
            await seen.wait()
        due_dreams.close()


async def test_by_default_nothing_starts_by_itself_and_the_agent_is_asked(
    call: Call, stores: Stores, settings: Settings
):
    async def nobody() -> list[StoreName]:
        raise AssertionError

    await talk(stores)
    with anyio.fail_after(5):
        await DueDreams(stores, settings, names=nobody, begin=nobody).run()
    due = (await call("memory_status"))["standing"][0]["due"]
    assert due.endswith("(5 sessions were not dreamt about yet); start_dream begins one.")
    assert (await call("recall", query="tea"))["note"].endswith(due)


async def test_where_it_is_turned_on_nobody_is_asked_to_start_one(stores: Stores, unasked: Settings):
    await talk(stores)
    told = remark(await stores.standing(PROJECT), unasked, later(0))
    assert told is not None
    assert told.endswith("; it starts by itself.")
    assert "start_dream" not in told


async def test_of_several_servers_one_starts_it(stores: Stores, unasked: Settings):
    await talk(stores)
    dreams: list[Dream | None] = []

    async def serve() -> None:
        async with open_stores(stores.path) as window:
            dreams.append(await start_if_due(window, unasked, PROJECT, later(0)))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(serve)
    assert len([dream for dream in dreams if dream is not None]) == 1


async def test_looking_and_starting_are_one_so_nothing_starts_after_another_dream_ended(
    stores: Stores, unasked: Settings
):
    await talk(stores)
    new = NewDream(store=PROJECT, sessions="new", requested_by="policy")
    assert await stores.start_due_dream(new, lambda standing: standing.new_sessions > 5) is None
    assert (await stores.standing(PROJECT)).dream_id is None
    with pytest.raises(InvalidError, match="instructions"):
        await stores.start_due_dream(
            NewDream(store=PROJECT, instructions="x" * 5_000, requested_by="policy"), lambda _: True
        )


async def test_none_starts_while_a_proposal_waits_and_for_a_day_after_one_was_canceled(
    stores: Stores, unasked: Settings
):
    await talk(stores)
    dream = await started(stores, unasked)
    await run_worker(stores, idle_seconds=0.0)
    assert (await stores.standing(PROJECT)).proposal is not None
    await talk(stores, count=9)
    assert await start_if_due(stores, unasked, PROJECT, later(10)) is None
    assert "waits" in why_not(await stores.standing(PROJECT), later(10))
    await stores.discard(dream.dream_id, actor="user")
    again = await started(stores, unasked, later(1.1))
    await stores.cancel_dream(again.dream_id, actor="user")
    assert await start_if_due(stores, unasked, PROJECT, later(0.9)) is None
    assert await start_if_due(stores, unasked, PROJECT, later(1.1)) is not None


@pytest.mark.parametrize("end", [fail, throw_away])
async def test_after_three_that_came_to_nothing_none_starts_until_one_that_was_asked_for_completes(
    stores: Stores, unasked: Settings, end: Callable[[Stores, Dream], Awaitable[None]]
):
    await talk(stores)
    for attempt in range(3):
        await end(stores, await started(stores, unasked, later(1.1 * attempt)))
        await talk(stores, count=1)  # the same input twice would be the earlier dream
    standing = await stores.standing(PROJECT)
    assert standing.fruitless == 3
    assert await start_if_due(stores, unasked, PROJECT, later(2)) is None
    told = remark(standing, unasked, later(2)) or ""
    assert "No dream of store 'project/acme' starts by itself until" in told
    assert ("Nobody answered" if end is fail else "thrown away") in told
    await stores.start_dream(NewDream(store=PROJECT, sessions="new", requested_by="agent"))
    await run_worker(stores, idle_seconds=0.0)
    standing = await stores.standing(PROJECT)
    assert standing.fruitless == 0
    if standing.dream_id is not None and standing.proposal is not None:
        await stores.discard(standing.dream_id, actor="user")
    assert await start_if_due(stores, unasked, PROJECT, later(2)) is not None


async def test_after_a_week_one_more_is_tried(stores: Stores, unasked: Settings):
    await talk(stores)
    for attempt in range(3):
        await fail(stores, await started(stores, unasked, later(1.1 * attempt)))
    assert await start_if_due(stores, unasked, PROJECT, later(6.9)) is None
    await fail(stores, await started(stores, unasked, later(7.1)))
    assert await start_if_due(stores, unasked, PROJECT, later(6.9)) is None


async def test_a_canceled_dream_neither_counts_nor_ends_the_count(stores: Stores, unasked: Settings):
    await talk(stores)
    await fail(stores, await started(stores, unasked))
    canceled = await started(stores, unasked, later(1.1))
    await stores.cancel_dream(canceled.dream_id, actor="user")
    assert (await stores.standing(PROJECT)).fruitless == 1


async def test_a_proposal_of_which_something_was_taken_was_not_for_nothing(stores: Stores, unasked: Settings):
    await grow(stores)
    await stores.remember_all(
        PROJECT, [NewEntry(content="Tests run with pytest."), NewEntry(content="tests run with pytest")], actor="agent"
    )
    dream = await started(stores, unasked)
    await run_worker(stores, idle_seconds=0.0)
    proposal = (await stores.get_dream(dream.dream_id)).output_version
    assert proposal is not None
    await stores.switch(PROJECT, proposal, actor="user")
    assert (await stores.standing(PROJECT)).fruitless == 0


async def test_it_goes_as_far_as_the_owner_lets_dreams_go(stores: Stores, unasked: Settings):
    await grow(stores)
    await stores.remember_all(
        PROJECT, [NewEntry(content="Tests run with pytest."), NewEntry(content="tests run with pytest")], actor="agent"
    )
    dream = await started(stores, unasked.model_copy(update={"policy_max": "auto_low"}))
    await run_worker(stores, idle_seconds=0.0)
    ended = await stores.get_dream(dream.dream_id)
    assert (await stores.standing(PROJECT)).head == ended.output_version


async def test_without_a_key_no_dream_by_claude_starts_and_the_sentence_says_why(
    stores: Stores, unasked: Settings, monkeypatch: pytest.MonkeyPatch
):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    await talk(stores)
    paid = unasked.model_copy(update={"judge": "claude"})
    with pytest.raises(InvalidError, match="ANTHROPIC_API_KEY"):
        await start_if_due(stores, paid, PROJECT, later(0))
    told = remark(await stores.standing(PROJECT), paid, later(0))
    assert told is not None
    assert "none starts by itself: The judge claude needs ANTHROPIC_API_KEY" in told
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody's")
    dream = await started(stores, paid)
    assert (dream.judge, dream.budget_usd) == ("claude", 1.0)


async def test_an_owner_whose_judge_is_the_agent_gets_the_rules_when_nobody_asked(stores: Stores, unasked: Settings):
    await talk(stores)
    assert (await started(stores, unasked.model_copy(update={"judge": "agent"}))).judge == "rules"
