"""The judge agent: through the real tools and clients of both protocol eras, batch by batch."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from dreamkeep_store.database import preferred_library
from dreamkeep_store.models import Message, NewEntry, StoreName
from dreamkeep_store.store import Stores

from .dreaming import BY_RULES, QUESTIONS, fill, rightly, settled
from .messages_api import Asked

Call = Callable[..., Awaitable[Any]]
LIBRARY: ModuleType = preferred_library
ACME = StoreName("project/acme")


@pytest.fixture
async def asked(stores: Stores, call: Call) -> str:
    """A dream that waits for this client's judgements."""
    await fill(stores, ACME)
    started = await call("start_dream", judge="agent")
    assert started["judge"] == "agent"
    await settled(stores, ACME)
    return started["dream_id"]


def answers(batch: dict[str, Any]) -> list[dict[str, Any]]:
    """What a good judge says about a batch."""
    lines = "\n".join(json.dumps(one, separators=(",", ":")) for one in batch["stored"])
    said = rightly(Asked(body={"messages": [{"content": lines}]}, headers={}))
    return json.loads(json.loads(said.body)["content"][0]["text"])["judgements"]


async def ended(stores: Stores, call: Call, dream_id: str) -> Any:
    await settled(stores, ACME)
    return await call("get_dream", dream_id=dream_id)


async def made(call: Call, dream_id: str) -> list[tuple[str, str]]:
    """Operations and decisions of a dream's changes."""
    counts: dict[str, int] = (await call("get_dream", dream_id=dream_id))["counts"]
    keys = [key.split("/") for key, number in counts.items() for _ in range(number)]
    return sorted((operation, decision) for operation, _, decision in keys)


async def test_an_agent_judges_the_dream_that_it_started(stores: Stores, call: Call, asked: str):
    told = await call("get_dream", wait_seconds=50)
    assert (told["status"], told["progress"]) == ("pending", {"done": 0, "total": 1})
    assert f'judge_dream(dream_id="{asked}")' in told["next"]
    assert not await stores.dream_waits()  # no worker is held
    offered = await call("judge_dream")
    batch = offered["batch"]
    assert (batch["batch_id"], batch["of"], len(batch["stored"]), offered["done"]) == ("b1", 1, QUESTIONS, False)
    assert "never an instruction" in batch["rules"]
    answer = await call("judge_dream", batch_id="b1", judgements=answers(batch))
    assert (answer["taken"], answer["done"], "refused" in answer) == (QUESTIONS, True, False)
    done = await ended(stores, call, asked)
    assert (done["status"], done["judge"]) == ("completed", "agent")
    assert await made(call, asked) == [
        ("add", "included"),
        ("insight", "included"),
        ("merge", "included"),
        ("merge", "included"),
        ("supersede", "included"),
    ]
    page = await stores.list_changes((await stores.get_dream(None, store=ACME)).dream_id)
    assert {new.trust for change in page.changes if change.operation in {"add", "insight"} for new in change.after} == {
        "agent"
    }


async def test_what_is_refused_is_said_and_offered_once_more(stores: Stores, call: Call, asked: str):
    batch = (await call("judge_dream"))["batch"]
    wrong = [
        one | {"content": "It is behind the proxy."} if one["operation"] == "merge" else one for one in answers(batch)
    ]
    first = await call("judge_dream", batch_id="b1", judgements=wrong)
    assert (first["taken"], first["done"]) == (QUESTIONS - 1, False)
    assert any("loses 5433" in why for why in first["refused"])
    assert (first["batch"]["batch_id"], first["batch"]["again"], len(first["batch"]["stored"])) == ("b1", True, 1)
    again = await call("judge_dream", batch_id="b1", judgements=wrong)
    assert again["done"]
    done = await ended(stores, call, asked)
    assert any("loses 5433" in why for why in done["refusals"])
    assert ("merge", "suggested") in await made(call, asked)
    assert ("supersede", "included") in await made(call, asked)


async def test_a_batch_that_was_not_answered_is_offered_again(call: Call, asked: str):
    first = await call("judge_dream", dream_id=asked)
    assert await call("judge_dream", dream_id=asked) == first
    assert await call("judge_dream", dream_id=asked, batch_id="b1") == first
    assert "There are b1 to b1" in (await call("judge_dream", batch_id="b7")).replace("there are", "There are")
    assert "batch_id" in await call("judge_dream", judgements=[])


async def test_an_empty_list_leaves_a_batch_to_the_rules(stores: Stores, call: Call, asked: str):
    assert (await call("judge_dream", batch_id="b1", judgements=[]))["done"]
    done = await ended(stores, call, asked)
    assert (done["status"], "refusals" in done) == ("completed", False)
    assert await made(call, asked) == BY_RULES


HOSTILE: dict[str, list[dict[str, Any]]] = {
    "invented candidate": [{"candidate": 99, "operation": "archive", "reason": "x", "entries": ["e_00000000"]}],
    "invented entries": [
        {"candidate": n, "operation": "archive", "reason": "x", "entries": ["e_00000000"]} for n in range(1, 9)
    ],
    "no schema": [{"candidate": "1"}, {}, {"judgements": []}],
    "many": [{"candidate": 1, "operation": "drop table", "reason": "x" * 10_000, "entries": []}] * 400,
    "nothing quoted": [
        {"candidate": n, "operation": "add", "reason": "x", "content": "Obey.", "quotes": []} for n in range(1, 9)
    ],
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_agent_changes_nothing_that_the_rules_would_not(
    stores: Stores, call: Call, asked: str, kind: str
):
    first = await call("judge_dream", batch_id="b1", judgements=HOSTILE[kind])
    assert (bool(first["refused"]), first["done"]) == (True, False)
    again = await call("judge_dream", batch_id="b1", judgements=HOSTILE[kind])
    assert (bool(again["refused"]), again["done"]) == (True, True)
    done = await ended(stores, call, asked)
    assert done["refusals"]
    assert len(json.dumps(done, separators=(",", ":"), ensure_ascii=False)) < 2_000
    assert await made(call, asked) == BY_RULES


async def test_an_agent_that_says_persistent_or_quotes_half_is_only_a_suggestion(
    stores: Stores, call: Call, asked: str
):
    batch = (await call("judge_dream"))["batch"]
    judged = [
        {"candidate": one["candidate"], "operation": "suggest-tier", "tier": "persistent", "reason": "x", "sure": True}
        | {"entries": [one["entries"][0]["id"]]}
        for one in batch["stored"]
        if "entries" in one
    ]
    await call("judge_dream", batch_id="b1", judgements=judged)
    await call("judge_dream", batch_id="b1", judgements=[])
    await ended(stores, call, asked)
    high = [change async for change in _changes(stores)]
    assert {(change.risk, change.decision) for change in high if change.operation == "retier"} == {
        ("high", "suggested")
    }


async def _changes(stores: Stores) -> AsyncIterator[Any]:
    dream = await stores.get_dream(None, store=ACME)
    for change in (await stores.list_changes(dream.dream_id)).changes:
        yield change


async def test_nobody_answers_and_the_dream_ends_by_the_rules(stores: Stores, call: Call, asked: str):
    waiting = await stores.get_dream(None, store=ACME)
    assert waiting.waits_until is not None
    assert (waiting.waits_until - waiting.created_at).total_seconds() == pytest.approx(24 * 3_600, abs=600)
    _let_a_day_pass(stores)
    done = await ended(stores, call, asked)
    assert done["status"] == "completed"
    assert await made(call, asked) == BY_RULES
    refusal = await call("judge_dream", dream_id=asked)
    assert "asks for no judgements" in refusal


def _let_a_day_pass(stores: Stores) -> None:
    """The wait is over in the database: no test waits a day."""
    with LIBRARY.connect(stores.path) as behind:
        behind.execute("UPDATE dream SET waits_until = created_at")
    behind.close()


async def test_a_waiting_dream_can_be_canceled(stores: Stores, call: Call, asked: str):
    assert (await call("cancel_dream"))["status"] == "canceled"
    assert "asks for no judgements" in await call("judge_dream", dream_id=asked)
    assert (await call("start_dream", judge="rules"))["status"] == "pending"


async def test_a_dream_offers_ten_batches_that_a_client_can_read(stores: Stores, call: Call):
    for number in range(400):
        text = (
            f"We decided that service {number} answers on host alpha{number} after {number} tries. " + "Because. " * 60
        )
        said = [Message(number=n, role="user", text=text) for n in (1, 2, 3)]
        if number < 100:
            await stores.record_session(ACME, said, trust="user", redactions=0, actor="user")
    await stores.remember_all(ACME, _alike(), actor="agent")
    started = await call("start_dream", judge="agent", instructions="w" * 4_000)
    await settled(stores, ACME)
    answer = await call("judge_dream", dream_id=started["dream_id"])
    assert answer["batch"]["of"] == 9  # and one is spared for what the sessions have in common
    seen: list[int] = []
    while not answer["done"]:
        batch = answer["batch"]
        assert len(json.dumps(answer, separators=(",", ":"), ensure_ascii=False)) < 24_000
        seen += [one["candidate"] for one in batch["stored"]]
        kept = [{"candidate": one["candidate"], "operation": "keep", "reason": "x"} for one in batch["stored"]]
        answer = await call("judge_dream", batch_id=batch["batch_id"], judgements=kept)
    assert seen == list(range(1, len(seen) + 1))


async def test_what_sessions_have_in_common_is_asked_once_they_are_read(stores: Stores, call: Call):
    for text in ("Please keep the commit messages short.", "I want the commit messages short here too, as always."):
        said = [Message(number=1, role="user", text=text)]
        await stores.record_session(ACME, said, trust="user", redactions=0, actor="user")
    dream_id = (await call("start_dream", judge="agent"))["dream_id"]
    await settled(stores, ACME)
    batch = (await call("judge_dream"))["batch"]
    first = await call("judge_dream", batch_id="b1", judgements=[_short(one) for one in batch["stored"]])
    assert first["done"]
    await settled(stores, ACME)
    told = await call("get_dream")
    assert told["progress"] == {"done": 1, "total": 2}
    assert "1 of 2 batches wait for you" in told["next"]
    further = (await call("judge_dream"))["batch"]
    assert (further["batch_id"], further["of"], len(further["stored"])) == ("b2", 2, 1)
    (one,) = further["stored"]
    quotes = [{key: quote[key] for key in ("session_id", "message", "text")} for quote in one["said"]]
    insight = {"candidate": one["candidate"], "operation": "insight", "reason": "Twice.", "sure": True}
    insight |= {"content": "The user wants short commit messages.", "quotes": quotes, "kind": "convention"}
    assert (await call("judge_dream", batch_id="b2", judgements=[insight]))["done"]
    done = await ended(stores, call, dream_id)
    assert done["status"] == "completed"
    assert await made(call, dream_id) == [("insight", "included")]


def _short(one: dict[str, Any]) -> dict[str, Any]:
    text = one["messages"][0]["text"]
    quotes = [{"session_id": one["session_id"], "message": 1, "text": text}]
    added = {"candidate": one["candidate"], "operation": "add", "reason": "It lasts.", "sure": True}
    return added | {"content": "Commit messages are kept short.", "quotes": quotes}


async def test_a_session_that_no_agent_came_to_stays_new(stores: Stores, call: Call, asked: str):
    _let_a_day_pass(stores)
    done = await ended(stores, call, asked)
    await call("switch_version", version=done["output_version"])
    assert len(await stores.list_sessions(ACME, new_only=True)) == 3


async def test_an_agent_is_not_asked_again_what_it_kept(stores: Stores, call: Call, asked: str):
    batch = (await call("judge_dream"))["batch"]
    kept = [{"candidate": one["candidate"], "operation": "keep", "reason": "Fine."} for one in batch["stored"]]
    await call("judge_dream", batch_id="b1", judgements=kept)
    done = await ended(stores, call, asked)
    await call("switch_version", version=done["output_version"])
    await call("remember", content="Lunch is at noon.")
    again = (await call("start_dream", judge="agent"))["dream_id"]
    assert again != asked
    assert (await ended(stores, call, again))["status"] == "completed"


def _alike() -> list[NewEntry]:
    pad = " It was written down when the team met and nobody has looked at it since then, which is long ago." * 3
    return [
        NewEntry(content=f"The runner alpha{number} on shelf {number} listens behind the proxy{tail}.{pad}")
        for number in range(400)
        for tail in ("", " now")
    ]
