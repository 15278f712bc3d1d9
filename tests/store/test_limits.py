"""Every limit of the store: what is just inside is kept, what is just outside is refused and nothing is stored."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import EntryId, NewEntry, Search, SessionId, StoreName
from dreamkeep_store.store import Stores

from .dreaming import NEW_DREAM, USER, remember, said

Call = Callable[[Stores], Awaitable[Any]]


def keep(content: str = "Tea.", **fields: Any) -> Call:
    return lambda stores: stores.remember(USER, NewEntry(content=content, **fields), actor="agent")


def record(*messages: str, session_id: str | None = None) -> Call:
    return lambda stores: stores.record_session(
        USER, said(*messages), session_id=session_id, trust="user", redactions=0, actor="agent"
    )


def name(store: str) -> Call:
    return lambda stores: stores.remember(StoreName(store), NewEntry(content="Tea."), actor="agent")


MIB = 1024 * 1024
INSIDE: dict[str, Call] = {
    "content": keep(content="é" * 51_200),
    "tags": keep(tags=tuple(f"tag {number}" for number in range(32))),
    "a tag": keep(tags=("t" * 64,)),
    "a topic's parts": keep(topic="/" + "/".join("abcdefghij" * 2)),
    "a topic's bytes": keep(topic="/" + "t" * 1_023),
    "the clock": keep(asserted_at=datetime.now(UTC) + timedelta(minutes=4)),
    "a store's name": name("n" * 256),
    "a transcript": record("x" * (10 * MIB)),
    "a session's id": record("x", session_id="i" * 200),
}
OUTSIDE: dict[str, Call] = {
    "content": keep(content="é" * 51_200 + "x"),
    "empty content": keep(content=" \n\t "),
    "NUL": keep(content="a\0b"),
    "half a surrogate pair": keep(content="a\ud800"),
    "tags": keep(tags=tuple(f"tag {number}" for number in range(33))),
    "a tag": keep(tags=("t" * 65,)),
    "an empty tag": keep(tags=(" ",)),
    "an unprintable tag": keep(tags=("a\nb",)),
    "a topic's parts": keep(topic="/" + "/".join("abcdefghij" * 2 + "k")),
    "a topic's bytes": keep(topic="/" + "t" * 1_024),
    "an empty part of a topic": keep(topic="/a//b"),
    "the future": keep(asserted_at=datetime.now(UTC) + timedelta(hours=1)),
    "a store's name": name("n" * 257),
    "an empty store's name": name(""),
    "spaces around a store's name": name(" user"),
    "an unprintable store's name": name("a\nb"),
    "a surrogate in a store's name": name("\ud800"),
    "a transcript": record("x" * (10 * MIB), "y"),
    "no messages": record(),
    "NUL in a message": record("a\0b"),
    "a session's id": record("x", session_id="i" * 201),
    "an empty session's id": record("x", session_id=" "),
}


@pytest.mark.parametrize("what", INSIDE)
async def test_what_is_just_inside_a_limit_is_kept(stores: Stores, what: str) -> None:
    await INSIDE[what](stores)
    assert len(await stores.list_stores()) == 1


@pytest.mark.parametrize("what", OUTSIDE)
async def test_what_is_just_outside_a_limit_is_refused_and_nothing_is_stored(stores: Stores, what: str) -> None:
    with pytest.raises(InvalidError) as refused:
        await OUTSIDE[what](stores)
    assert len(str(refused.value)) < 600
    assert await stores.list_stores() == []


async def test_a_session_cannot_outgrow_the_limit_bit_by_bit(stores: Stores) -> None:
    await record("first", "x" * (6 * MIB), session_id="client")(stores)
    with pytest.raises(InvalidError, match="at most 10,485,760"):
        await record("second", "y" * (6 * MIB), session_id="client")(stores)
    (session,) = await stores.list_sessions(USER)
    assert session.messages == 2


TOO_MUCH: dict[str, Call] = {
    "long instructions": lambda stores: stores.start_dream(replace(NEW_DREAM, instructions="x" * 4_097)),
    "NUL in instructions": lambda stores: stores.start_dream(replace(NEW_DREAM, instructions="a\0b")),
    "sessions of a dream": lambda stores: stores.start_dream(
        replace(NEW_DREAM, sessions=tuple(SessionId(f"s_{number:08}") for number in range(101)))
    ),
    "a long query": lambda stores: stores.search(Search(query="x" * 102_401, stores=(USER,))),
    "a search page": lambda stores: stores.search(Search(query="x", stores=(USER,), limit=101)),
    "a page of versions": lambda stores: stores.list_versions(USER, limit=101),
    "a page of sessions": lambda stores: stores.list_sessions(USER, limit=101),
    "ids": lambda stores: stores.get_entries([EntryId(f"e_{number:08}") for number in range(101)]),
    "no ids": lambda stores: stores.get_entries([]),
    "no change": lambda stores: stores.retag([EntryId("e_00000000")], actor="agent"),
    "a version's number": lambda stores: stores.get_version(USER, 2**63),
    "an empty token name": lambda stores: stores.create_token(" ", (), "read"),
    "a long token name": lambda stores: stores.create_token("x" * 101, (), "read"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
async def test_what_is_too_much_to_ask_is_refused_in_a_sentence(stores: Stores, what: str) -> None:
    await remember(stores, "Tea.")
    with pytest.raises(InvalidError) as refused:
        await TOO_MUCH[what](stores)
    assert str(refused.value).endswith(".")
    standing = await stores.standing(USER)
    assert (standing.seq, standing.versions, standing.dream_id) == (1, 1, None)


async def test_a_confirmation_cannot_carry_an_entry_past_its_tags(stores: Stores) -> None:
    await keep(tags=tuple(f"tag {number}" for number in range(20)))(stores)
    with pytest.raises(InvalidError, match="at most 32 tags"):
        await keep(tags=tuple(f"more {number}" for number in range(20)))(stores)


async def test_tokens_are_shown_once_checked_and_revoked(stores: Stores) -> None:
    secret = await stores.create_token("laptop", (USER,), "read")
    token = await stores.check_token(secret)
    assert token is not None
    assert (token.name, token.stores, token.rights, token.revoked_at) == ("laptop", (USER,), "read", None)
    assert secret not in repr(await stores.list_tokens())
    assert await stores.check_token(secret + "x") is None
    assert await stores.check_token("\ud800") is None
    await stores.revoke_token(token.token_id)
    assert await stores.check_token(secret) is None
