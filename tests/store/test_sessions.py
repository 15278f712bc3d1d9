"""Sessions: recording, growing, paging, and which ones no dream has read yet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import DraftChange, Message, RollbackMode, Session, SessionId, StoreName, Trust
from dreamkeep_store.store import Stores

from .dreaming import NEW_DREAM, USER, archive, remember, said, start


async def record(stores: Stores, *messages: str, session_id: str | None = "client-1", trust: Trust = "user") -> Session:
    return await stores.record_session(
        USER, said(*messages), session_id=session_id, trust=trust, redactions=1, actor="agent"
    )


async def spoken(stores: Stores, session: Session) -> list[str]:
    return [message.text for message in (await stores.get_transcript(session.session_id)).messages]


async def test_a_session_is_kept_with_its_messages(stores: Stores) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    messages = [
        Message(number=1, role="user", text="Hello.", name="Ana", at=at),
        Message(number=2, role="assistant", text="Good day.", at=at + timedelta(seconds=5)),
    ]
    session = await stores.record_session(USER, messages, session_id=None, trust="agent", redactions=2, actor="agent")
    assert (session.messages, session.read_messages, session.redactions, session.trust) == (2, 0, 2, "agent")
    assert (session.external_id, session.started_at) == (None, at)
    assert (await stores.get_transcript(session.session_id)).messages == tuple(messages)
    assert (await stores.standing(USER)).seq == 0


async def test_the_whole_conversation_again_brings_what_is_new(stores: Stores) -> None:
    first = await record(stores, "a", "b")
    grown = await record(stores, "a", "b", "c")
    assert grown.session_id == first.session_id
    assert await spoken(stores, grown) == ["a", "b", "c"]
    assert (await record(stores, "a", "b")) == grown


async def test_what_was_kept_of_a_session_never_changes(stores: Stores) -> None:
    await record(stores, "hello", "I prefer Postgres.")
    grown = await record(stores, "hello", "I prefer Oracle.", "ok")
    assert await spoken(stores, grown) == ["hello", "I prefer Postgres.", "hello", "I prefer Oracle.", "ok"]


async def test_messages_that_begin_otherwise_are_added(stores: Stores) -> None:
    first = await record(stores, "a", "b")
    added = await record(stores, "c", "d", session_id=first.session_id)
    assert await spoken(stores, added) == ["a", "b", "c", "d"]
    assert added.redactions == 2
    numbers = [message.number for message in (await stores.get_transcript(first.session_id)).messages]
    assert numbers == [1, 2, 3, 4]


async def test_an_addition_that_is_sent_twice_is_added_once(stores: Stores) -> None:
    await record(stores, "a", "b")
    await record(stores, "c", "d")
    again = await record(stores, "c", "d")
    assert await spoken(stores, again) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("first", "second"), [("agent", "user"), ("tool", "agent"), ("user", "user"), ("external", "user")]
)
async def test_a_recording_never_makes_a_session_more_trusted(stores: Stores, first: Trust, second: Trust) -> None:
    await record(stores, "a", trust=first)
    assert (await record(stores, "b", trust=second)).trust == first


@pytest.mark.parametrize(("first", "second"), [("user", "agent"), ("agent", "external"), ("agent", "tool")])
async def test_the_less_trusted_add_nothing_to_a_session(stores: Stores, first: Trust, second: Trust) -> None:
    kept = await record(stores, "a", trust=first)
    with pytest.raises(ConflictError, match="nothing less trusted is added"):
        await record(stores, "a", "b", trust=second)
    assert await record(stores, "a", trust=second) == kept
    assert await spoken(stores, kept) == ["a"]


async def test_two_stores_may_use_one_clients_id_but_not_one_of_ours(stores: Stores) -> None:
    here = await record(stores, "a")
    there = await stores.record_session(
        StoreName("other"), said("a"), session_id="client-1", trust="user", redactions=0, actor="agent"
    )
    assert here.session_id != there.session_id
    with pytest.raises(InvalidError, match="in store other"):
        await record(stores, "b", session_id=there.session_id)
    with pytest.raises(NotFoundError, match="no session 's_00000000'"):
        await record(stores, "b", session_id="s_00000000")


async def test_a_session_is_new_until_a_dream_that_read_it_is_switched_to(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    session = await record(stores, "a", "b")
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    assert dream.sessions == (session.session_id,)
    await record(stores, "a", "b", "c")
    (transcript,) = (await stores.material(dream.dream_id)).transcripts
    assert [message.text for message in transcript.messages] == ["a", "b"]
    number = await stores.propose(dream.dream_id, 1, [archive(one)], ())
    assert number is not None
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert (await stores.get_session(session.session_id)).read_messages == 0
    await stores.switch(USER, number, actor="user")
    assert (await stores.get_session(session.session_id)).read_messages == 2
    (new,) = await stores.list_sessions(USER, new_only=True)
    assert new.messages == 3


async def switched(stores: Stores, *drafts: DraftChange, unread: Sequence[SessionId] = ()) -> int:
    """Dream over the new sessions and switch; gives the version."""
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    if unread:
        await stores.leave_unread(dream.dream_id, dream.attempt, unread)
    number = await stores.propose(dream.dream_id, dream.attempt, drafts, ())
    await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
    assert number is not None
    await stores.switch(USER, number, actor="user")
    return number


async def read_of(stores: Stores, *kept: Session) -> list[int]:
    """How much of these sessions is read for good."""
    return [(await stores.get_session(session.session_id)).read_messages for session in kept]


@pytest.mark.parametrize("mode", ["revert", "restore"])
async def test_the_sessions_of_a_switch_that_is_rolled_back_are_new_until_it_stands_again(
    stores: Stores, mode: RollbackMode
) -> None:
    (one,) = await remember(stores, "One.")
    session = await record(stores, "a", "b")
    number = await switched(stores, archive(one))
    await record(stores, "a", "b", "c")
    await stores.rollback(USER, mode=mode, actor="user")
    assert await read_of(stores, session) == [0]
    assert (await stores.standing(USER)).new_sessions == 1
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    assert dream.sessions == (session.session_id,)
    await stores.cancel_dream(dream.dream_id, actor="user")
    await stores.rollback(USER, number, mode=mode, actor="user")
    assert await read_of(stores, session) == [2]
    await stores.rollback(USER, 1, actor="user")
    assert await read_of(stores, session) == [0]


async def test_a_session_stays_read_that_a_dream_read_whose_switch_stands(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    first = await record(stores, "a")
    earliest = await switched(stores, archive(one))
    second = await record(stores, "b", session_id="client-2")
    await record(stores, "a", "c")
    await switched(stores, archive(two))
    third = await record(stores, "d", session_id="client-3")
    await found_nothing(stores, third)
    assert await read_of(stores, first, second, third) == [2, 1, 1]
    await stores.rollback(USER, actor="user")
    assert await read_of(stores, first, second, third) == [1, 0, 1]
    await stores.rollback(USER, actor="user")
    assert await read_of(stores, first, second, third) == [0, 0, 1]
    await stores.rollback(USER, earliest, mode="restore", actor="user")
    assert await read_of(stores, first, second, third) == [1, 0, 1]


async def found_nothing(stores: Stores, *read: Session) -> None:
    """A dream over these sessions that proposes nothing."""
    sessions = tuple(session.session_id for session in read)
    dream = await start(stores, replace(NEW_DREAM, sessions=sessions))
    assert await stores.propose(dream.dream_id, dream.attempt, [], ()) is None
    await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)


async def test_what_a_dream_that_found_nothing_read_stays_read_unless_an_undone_switch_had_taught_it(
    stores: Stores,
) -> None:
    (one,) = await remember(stores, "One.")
    before, after = await record(stores, "a"), await record(stores, "b", session_id="client-2")
    await found_nothing(stores, before)
    await record(stores, "a", "c")
    number = await switched(stores, archive(one))
    await record(stores, "b", "d", session_id="client-2")
    await found_nothing(stores, after)
    assert await read_of(stores, before, after) == [2, 2]
    await stores.rollback(USER, actor="user")
    assert await read_of(stores, before, after) == [1, 0]
    await stores.rollback(USER, number, actor="user")
    assert await read_of(stores, before, after) == [2, 2]


async def test_a_session_that_no_judge_came_to_stays_new_whatever_is_undone_and_redone(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    reached, left = await record(stores, "a"), await record(stores, "b", session_id="client-2")
    await switched(stores, archive(one), unread=[left.session_id])
    assert await read_of(stores, reached, left) == [1, 0]
    undone = await stores.rollback(USER, actor="user")
    await stores.rollback(USER, undone.previous, actor="user")
    assert await read_of(stores, reached, left) == [1, 0]


async def test_a_dream_that_found_nothing_has_read_its_sessions(stores: Stores) -> None:
    await record(stores, "a")
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    assert await stores.propose(dream.dream_id, 1, [], ()) is None
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert await stores.list_sessions(USER, new_only=True) == []
    assert (await stores.standing(USER)).new_sessions == 0


async def test_sessions_are_paged_oldest_first(stores: Stores) -> None:
    kept = [await record(stores, "a", session_id=f"client-{number}") for number in range(5)]
    pages = [await stores.list_sessions(USER, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [session.session_id for page in pages for session in page] == [session.session_id for session in kept]


async def test_a_session_of_another_store_cannot_be_read_or_dreamt_of(stores: Stores) -> None:
    session = await record(stores, "a")
    await remember(stores, "One.", store=StoreName("other"))
    narrow = stores.within(frozenset({StoreName("other")}))
    with pytest.raises(NotFoundError):
        await narrow.get_transcript(session.session_id)
    with pytest.raises(NotFoundError):
        await narrow.start_dream(replace(NEW_DREAM, store=StoreName("other"), sessions=(session.session_id,)))
    with pytest.raises(InvalidError, match="in store user"):
        await stores.start_dream(replace(NEW_DREAM, store=StoreName("other"), sessions=(session.session_id,)))
    with pytest.raises(NotFoundError):
        await stores.get_session(SessionId("s_nothing0"))
