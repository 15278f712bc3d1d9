"""Bad arguments: a sentence that helps, and nothing stored."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dreamkeep_store.models import Search, StoreName
from dreamkeep_store.store import Stores

Call = Callable[..., Awaitable[Any]]
PROJECT = StoreName("project/acme")
NO_ENTRY = "e_zzzzzzzz"
LONG = "x" * 102_401

WRONG: list[tuple[str, dict[str, object], tuple[str, ...]]] = [
    # remember
    ("remember", {}, ("remember needs content", "a text")),
    ("remember", {"content": 7}, ("content takes a text", "the number 7")),
    ("remember", {"content": None}, ("needs content",)),
    ("remember", {"content": ["a"]}, ("content takes a text", "a list of 1")),
    ("remember", {"content": ""}, ("empty",)),
    ("remember", {"content": "  \n\t"}, ("empty",)),
    ("remember", {"content": LONG}, ("102,400",)),
    ("remember", {"content": "a\0b"}, ("NUL",)),
    ("remember", {"content": "a\ud800b"}, ("surrogate",)),
    ("remember", {"content": "a fact", "teir": "persistent"}, ("no argument", "teir", "Did you mean tier?")),
    ("remember", {"content": "a fact", "zzz": 1}, ("no argument", "It takes content, tier, tags")),
    ("remember", {"content": "a fact", "tier": "forever"}, ("persistent, standard, ephemeral", "forever")),
    ("remember", {"content": "a fact", "tier": True}, ("tier takes one of", "true")),
    ("remember", {"content": "a fact", "tags": 5}, ("tags takes a list", "the number 5")),
    ("remember", {"content": "a fact", "tags": ["t" * 65]}, ("64",)),
    ("remember", {"content": "a fact", "tags": [f"t{n}" for n in range(33)]}, ("32",)),
    ("remember", {"content": "a fact", "tags": ["a", 1]}, ("tags[1] takes a text", "the number 1")),
    ("remember", {"content": "a fact", "tags": ["a\0"]}, ("tags", "NUL")),
    ("remember", {"content": "a fact", "topic": "/".join("abcdefghijklmnopqrstuvw")}, ("20",)),
    ("remember", {"content": "a fact", "store": "s" * 300}, ("store",)),
    ("remember", {"content": "a fact", "store": " padded "}, ("store",)),
    ("remember", {"content": "a fact", "asserted_at": "yesterday"}, ("asserted_at", "ISO 8601", "yesterday")),
    ("remember", {"content": "a fact", "asserted_at": "9999-01-01"}, ("future",)),
    ("remember", {"content": "a fact", "asserted_at": 5}, ("asserted_at takes a text",)),
    ("remember", {"content": "a fact", "replaces": [NO_ENTRY]}, (NO_ENTRY,)),
    ("remember", {"content": "a fact", "session_id": "s_zzzzzzzz"}, ("s_zzzzzzzz",)),
    # recall
    ("recall", {"query": 5}, ("query takes a text",)),
    ("recall", {"querry": "x"}, ("Did you mean query?",)),
    ("recall", {"query": "port", "limit": True}, ("limit takes a whole number from 1 to 100", "true")),
    ("recall", {"query": "port", "limit": 0}, ("from 1 to 100", "the number 0")),
    ("recall", {"query": "port", "limit": 101}, ("from 1 to 100", "101")),
    ("recall", {"query": "port", "limit": 2.5}, ("whole number", "2.5")),
    ("recall", {"query": "port", "limit": "8"}, ("whole number", '"8"')),
    ("recall", {"query": "x" * 100_001}, ("100,001", "100,000")),
    ("recall", {"query": "a\0b"}, ("NUL",)),
    ("recall", {"query": "port", "store": "nowhere"}, ("nowhere", "project/acme")),
    ("recall", {"query": "port", "store": 5}, ("store takes a list",)),
    ("recall", {"query": "port", "tiers": ["gold"]}, ("persistent, standard, ephemeral", "gold")),
    ("recall", {"query": "port", "since": "last week"}, ("since", "ISO 8601")),
    ("recall", {"query": "port", "version": 99}, ("version 99",)),
    ("recall", {"query": "port", "version": True}, ("version takes", "true")),
    ("recall", {"query": "port", "version": 0}, ("version takes", "the number 0")),
    ("recall", {"query": "port", "version": "newest"}, ("version takes", '"head"', "newest")),
    ("recall", {"query": "port", "version": 1, "store": ["project/acme", "user"]}, ("one store",)),
    ("recall", {"query": "port", "cursor": "8-00000000"}, ("cursor", "does not belong")),
    ("recall", {"query": "port", "cursor": "nonsense"}, ("cursor", "first page")),
    ("recall", {"entry_ids": [NO_ENTRY]}, (NO_ENTRY,)),
    ("recall", {"entry_ids": []}, ("entry_ids is empty",)),
    ("recall", {"entry_ids": [NO_ENTRY], "query": "port"}, ("leave the other arguments out",)),
    ("recall", {"entry_ids": ["x"] * 101}, ("100",)),
    ("recall", {"query": "port", "detail": "all"}, ("concise, detailed",)),
    # tag_tier
    ("tag_tier", {}, ("needs entry_ids",)),
    ("tag_tier", {"entry_ids": [NO_ENTRY]}, ("Nothing to change",)),
    ("tag_tier", {"entry_ids": [NO_ENTRY], "tier": "standard"}, (NO_ENTRY,)),
    ("tag_tier", {"entry_ids": [], "tier": "standard"}, ("entry_ids is empty",)),
    ("tag_tier", {"entry_ids": [NO_ENTRY], "tier": "hot"}, ("persistent, standard, ephemeral",)),
    ("tag_tier", {"entry_ids": [NO_ENTRY], "tag": "x"}, ("no argument",)),
    # forget
    ("forget", {}, ("needs entry_ids",)),
    ("forget", {"entry_ids": [NO_ENTRY]}, (NO_ENTRY,)),
    ("forget", {"entry_ids": [NO_ENTRY], "undo": True}, (NO_ENTRY,)),
    ("forget", {"entry_ids": [NO_ENTRY], "undo": "yes"}, ("undo takes true or false", '"yes"')),
    ("forget", {"entry_ids": [NO_ENTRY], "undo": 1}, ("true or false", "the number 1")),
    ("forget", {"entry_ids": {"a": 1}}, ("entry_ids takes a list", "an object")),
    # record_outcome
    ("record_outcome", {"entry_ids": [NO_ENTRY]}, ("needs outcome", "useful, wrong, outdated")),
    ("record_outcome", {"entry_ids": [NO_ENTRY], "outcome": "good"}, ("useful, wrong, outdated",)),
    ("record_outcome", {"entry_ids": [NO_ENTRY], "outcome": "useful"}, (NO_ENTRY,)),
    # record_session
    ("record_session", {}, ("messages", "transcript_path")),
    ("record_session", {"messages": []}, ("list of messages is empty",)),
    ("record_session", {"messages": [{"role": "user", "content": " "}]}, ("nothing is said",)),
    ("record_session", {"messages": [{"role": "robot", "content": "hi"}]}, ("messages[0].role", "assistant")),
    ("record_session", {"messages": [{"content": "hi"}]}, ("messages[0].role",)),
    ("record_session", {"messages": [{"role": "user", "content": "hi", "x": 1}]}, ("messages[0].x",)),
    ("record_session", {"messages": [{"role": "user", "content": "hi", "at": "noon"}]}, ("messages[0].at",)),
    ("record_session", {"messages": [{"role": "user", "content": "h\0i"}]}, ("messages", "NUL")),
    ("record_session", {"messages": "hello"}, ("messages takes a list",)),
    ("record_session", {"messages": [], "transcript_path": "/x"}, ("not both",)),
    ("record_session", {"transcript_path": "/etc/passwd"}, ("outside the transcript folders",)),
    ("record_session", {"transcript_path": "~root/x"}, ("transcript",)),
    ("record_session", {"transcript_path": "../../etc/passwd"}, ("outside",)),
    # dreams
    ("start_dream", {"store": "nowhere"}, ("nowhere",)),
    ("start_dream", {"version": 99}, ("99",)),
    ("start_dream", {"sessions": "all"}, ("sessions takes one of new, none", "all")),
    ("start_dream", {"sessions": ["new"]}, ("do not go in a list",)),
    ("start_dream", {"sessions": ["s_zzzzzzzz"]}, ("s_zzzzzzzz",)),
    ("start_dream", {"sessions": ["s"] * 101}, ("100",)),
    ("start_dream", {"instructions": "i" * 4_097}, ("4,096",)),
    ("start_dream", {"judge": "claude"}, ("spends money", "no consent", 'judge = "claude" in')),
    ("judge_dream", {"judgements": [{}]}, ("has not dreamt yet",)),
    ("judge_dream", {"judgements": [{}] * 501}, ("500",)),
    ("start_dream", {"judge": "jury"}, ("auto, rules, claude, agent",)),
    ("start_dream", {"policy": "yolo"}, ("review, auto_low, auto_medium",)),
    ("start_dream", {"budget_usd": 0}, ("above 0",)),
    ("start_dream", {"budget_usd": True}, ("budget_usd takes a number", "true")),
    ("start_dream", {"budget_tokens": -5}, ("at least 1",)),
    ("start_dream", {"estimate_only": "no"}, ("true or false",)),
    ("get_dream", {}, ("dream",)),
    ("get_dream", {"dream_id": "d_zzzzzzzz"}, ("d_zzzzzzzz",)),
    ("get_dream", {"wait_seconds": 51}, ("from 0 to 50",)),
    ("get_dream", {"wait_seconds": -1}, ("from 0 to 50",)),
    ("get_dream", {"wait": 5}, ("Did you mean wait_seconds?",)),
    ("cancel_dream", {}, ("dream",)),
    ("cancel_dream", {"dream_id": 4}, ("dream_id takes a text",)),
    ("cancel_dream", {"dream_id": "d_zzzzzzzz"}, ("d_zzzzzzzz",)),
    ("judge_dream", {"judgements": "keep"}, ("judgements takes a list",)),
    ("judge_dream", {"dream_id": "d_zzzzzzzz"}, ("d_zzzzzzzz",)),
    ("review_dream", {}, ("dream",)),
    ("review_dream", {"dream_id": "d_zzzzzzzz"}, ("d_zzzzzzzz",)),
    ("review_dream", {"dream_id": "d_zzzzzzzz", "accept": ["c1"]}, ("d_zzzzzzzz",)),
    ("review_dream", {"edit": {"change": "c1"}}, ("edit.content",)),
    ("review_dream", {"edit": "c1"}, ("edit takes an object",)),
    ("review_dream", {"discard": "yes"}, ("true or false",)),
    # versions
    ("list_versions", {"store": "nowhere"}, ("nowhere",)),
    ("list_versions", {"limit": 1_000}, ("from 1 to 100",)),
    ("list_versions", {"cursor": "x"}, ("cursor",)),
    ("diff_versions", {}, ("no open proposal",)),
    ("diff_versions", {"base": 1, "target": 99}, ("99",)),
    ("diff_versions", {"base": "old"}, ("base takes",)),
    ("switch_version", {}, ("needs version",)),
    ("switch_version", {"version": 99}, ("99",)),
    ("switch_version", {"version": "head"}, ("whole number",)),
    ("switch_version", {"version": 1}, ("head",)),
    ("rollback", {"version": 99}, ("99",)),
    ("rollback", {"mode": "restore"}, ("needs a version",)),
    ("rollback", {"mode": "undo"}, ("revert, restore",)),
    ("rollback", {}, ()),
    ("memory_status", {"store": "nowhere"}, ("nowhere",)),
    ("memory_status", {"verbose": True}, ("no argument",)),
    ("forgett", {}, ("no tool", "forget")),
]
HOSTILE = [
    'user:alice AND (NEAR "',
    "well-known OR NOT",
    '"',
    "''; DROP TABLE entry; --",
    "*",
    "^port NEAR/2 acme",
    "content : {a b}",
    "-port",
    "(((((((",
    "\u202e\u200b",
    "🦊" * 50,
    "a" * 100_000,
    "%_",
]


async def everything(stores: Stores) -> object:
    standing = await stores.standing(PROJECT)
    found = await stores.search(Search(query="", stores=(PROJECT,)))
    return (await stores.list_stores(), standing.seq, standing.sessions, standing.versions, standing.dream_id, found)


async def refused(call: Call, stores: Stores, tool: str, arguments: dict[str, object], told: tuple[str, ...]):
    before = await everything(stores)
    refusal = await call(tool, **arguments)
    assert isinstance(refusal, str), refusal
    for part in told:
        assert part in refusal
    assert "pydantic" not in refusal
    assert "Error executing" not in refusal
    assert len(refusal) < 800
    assert refusal[-1] in ".?`"
    assert await everything(stores) == before


@pytest.mark.promise("bad-input")
@pytest.mark.parametrize("era", ["auto"], indirect=True)
@pytest.mark.parametrize(
    ("tool", "arguments", "told"), WRONG, ids=[f"{n}-{tool}" for n, (tool, _, _) in enumerate(WRONG)]
)
async def test_a_wrong_call_is_refused_with_a_sentence_that_helps_and_stores_nothing(
    call: Call, stores: Stores, tool: str, arguments: dict[str, object], told: tuple[str, ...]
):
    await call("remember", content="The API of acme listens on port 5433.")
    await refused(call, stores, tool, arguments, told)


@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_the_handshake_era_refuses_the_same_calls(call: Call, stores: Stores):
    await call("remember", content="The API of acme listens on port 5433.")
    for tool, arguments, told in WRONG:
        await refused(call, stores, tool, arguments, told)


@pytest.mark.parametrize("query", HOSTILE)
async def test_hostile_search_syntax_is_only_words(call: Call, query: str):
    await call("remember", content="The API of acme listens on port 5433.")
    answer = await call("recall", query=query)
    assert isinstance(answer["entries"], list)


async def test_null_means_that_an_argument_was_left_out(call: Call):
    answer = await call("remember", content="Acme deploys on Fridays.", tier=None, tags=None, topic=None)
    assert answer["outcome"] == "new"


async def test_one_name_stands_for_a_list_of_one(call: Call):
    kept = await call("remember", content="Acme deploys on Fridays.", tags="deploy")
    shown = await call("recall", entry_ids=kept["entry_id"])
    assert shown["entries"][0]["tags"] == ["deploy"]
