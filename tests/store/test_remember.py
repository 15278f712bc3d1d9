"""Remembering, confirming, replacing, retagging, forgetting, and what becomes of ids."""

from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import Closed, Entry, EntryId, NewEntry, Recalled, StoreName, Trust
from dreamkeep_store.store import Stores

from .dreaming import USER, live_entry, remember, said, shown, texts

WORK = StoreName("project/work")


async def test_a_new_fact_is_kept_with_what_was_said_about_it(stores: Stores) -> None:
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    kept = await stores.remember(
        USER,
        NewEntry(
            content=" Ana prefers pnpm. ", tier="persistent", tags=("b", "a", "b"), topic="tools/", asserted_at=at
        ),
        actor="agent",
    )
    assert (kept.outcome, kept.seq, kept.tier, kept.closed) == ("new", 1, "persistent", ())
    entry = await live_entry(stores, kept.entry_id)
    assert (entry.content, entry.tags, entry.topic, entry.asserted_at) == (
        "Ana prefers pnpm.",
        ("a", "b"),
        "/tools",
        at,
    )


async def test_the_same_text_again_confirms_and_never_lowers_the_tier(stores: Stores) -> None:
    first = await stores.remember(
        USER, NewEntry(content="Tea.", tier="persistent", tags=("x",), trust="user"), actor="user"
    )
    again = await stores.remember(USER, NewEntry(content="Tea. ", tier="ephemeral", tags=("y",)), actor="agent")
    assert (again.entry_id, again.outcome, again.tier) == (first.entry_id, "confirmed", "persistent")
    entry = await live_entry(stores, first.entry_id)
    assert (entry.tags, entry.trust) == (("x", "y"), "user")


async def test_a_confirmation_that_says_nothing_new_writes_nothing(stores: Stores) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    first = await stores.remember(USER, NewEntry(content="Tea.", asserted_at=at), actor="agent")
    again = await stores.remember(USER, NewEntry(content="Tea.", asserted_at=at - timedelta(days=1)), actor="agent")
    assert again.seq == first.seq
    assert (await stores.standing(USER)).seq == 1


async def test_whoever_says_tea_coffee_tea_means_tea(stores: Stores) -> None:
    tea, coffee = await remember(stores, "Tea.", "Coffee.")
    await remember(stores, "Tea.")
    assert (await live_entry(stores, tea.entry_id)).asserted_at > coffee.asserted_at


async def test_replacing_keeps_the_first_id_and_closes_the_others_into_it(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    await stores.retag([one.entry_id], tier="persistent", add_tags=["kept"], actor="agent")
    kept = await stores.remember(
        USER, NewEntry(content="All.", replaces=(one.entry_id, two.entry_id, one.entry_id)), actor="agent"
    )
    assert (kept.entry_id, kept.outcome, kept.closed) == (one.entry_id, "replaced", (two.entry_id,))
    entry = await live_entry(stores, one.entry_id)
    assert (entry.content, entry.tier, entry.tags) == ("All.", "persistent", ("kept",))
    (closed,) = await stores.get_entries([two.entry_id])
    assert isinstance(closed, Closed)
    assert (closed.how, closed.became) == ("replaced", (one.entry_id,))
    assert await texts(stores) == ["All.", "Three."]
    assert three.entry_id in await shown(stores)


async def test_what_an_entry_became_is_followed_through_every_edit(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    await stores.remember(USER, NewEntry(content="A.", replaces=(two.entry_id, one.entry_id)), actor="agent")
    await stores.remember(USER, NewEntry(content="B.", replaces=(three.entry_id, two.entry_id)), actor="agent")
    (closed,) = await stores.get_entries([one.entry_id])
    assert isinstance(closed, Closed)
    assert closed.became == (three.entry_id,)
    with pytest.raises(ConflictError, match=three.entry_id):
        await stores.retag([one.entry_id], tier="ephemeral", actor="agent")
    await stores.forget([three.entry_id], actor="agent")
    (closed,) = await stores.get_entries([one.entry_id])
    assert isinstance(closed, Closed)
    assert closed.became == ()


async def test_replacing_an_entry_of_another_store_is_refused_and_says_where_it_is(stores: Stores) -> None:
    (entry,) = await remember(stores, "Here.", store=WORK)
    with pytest.raises(InvalidError, match="project/work"):
        await stores.remember(USER, NewEntry(content="There.", replaces=(entry.entry_id,)), actor="agent")
    assert await stores.list_stores() == [WORK]


async def test_many_at_once_are_all_kept_or_none(stores: Stores) -> None:
    with pytest.raises(InvalidError, match="empty"):
        await stores.remember_all(USER, [NewEntry(content="Kept."), NewEntry(content="  ")], actor="agent")
    assert await stores.list_stores() == []


async def test_the_same_text_twice_in_one_call_is_one_entry(stores: Stores) -> None:
    first, second = await stores.remember_all(USER, [NewEntry(content="Tea.")] * 2, actor="agent")
    assert first.entry_id == second.entry_id


async def test_the_same_text_in_two_stores_is_two_entries(stores: Stores) -> None:
    (here,) = await remember(stores, "Tea.")
    (there,) = await remember(stores, "Tea.", store=WORK)
    assert here.entry_id != there.entry_id


async def test_forgetting_can_be_undone_and_brings_the_entry_back_as_it_was(stores: Stores) -> None:
    (entry,) = await remember(stores, "Tea.")
    (closed,) = await stores.forget([entry.entry_id], reason="Not so.", actor="agent")
    assert (closed.how, closed.reason, closed.became) == ("forgotten", "Not so.", ())
    assert await stores.forget([entry.entry_id], actor="agent") == [closed]
    assert await shown(stores) == {}
    (back,) = await stores.unforget([entry.entry_id], actor="agent")
    assert (back.content, back.asserted_at) == (entry.content, entry.asserted_at)
    assert await stores.unforget([entry.entry_id], actor="agent") == [back]


async def test_only_what_was_forgotten_comes_back_by_unforgetting(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    await stores.remember(USER, NewEntry(content="Both.", replaces=(one.entry_id, two.entry_id)), actor="agent")
    with pytest.raises(ConflictError, match=f"became {one.entry_id}"):
        await stores.unforget([two.entry_id], actor="agent")
    with pytest.raises(ConflictError, match=f"became {one.entry_id}"):
        await stores.forget([one.entry_id, two.entry_id], actor="agent")
    assert await texts(stores) == ["Both."]


async def test_retagging_changes_tier_and_tags_and_nothing_else(stores: Stores) -> None:
    session = await stores.record_session(USER, said("Hi."), trust="user", redactions=0, actor="user")
    kept = await stores.remember(
        USER,
        NewEntry(content="Tea.", tags=("a", "b"), topic="/drinks", trust="user", session_id=session.session_id),
        actor="user",
    )
    was = await live_entry(stores, kept.entry_id)
    (now,) = await stores.retag(
        [kept.entry_id], tier="ephemeral", add_tags=["c"], remove_tags=["a", "zebra"], actor="agent"
    )
    assert (now.tier, now.tags) == ("ephemeral", ("b", "c"))
    assert (now.content, now.topic, now.trust, now.asserted_at, now.session_id) == (
        was.content,
        was.topic,
        was.trust,
        was.asserted_at,
        was.session_id,
    )
    seq = (await stores.standing(USER)).seq
    await stores.retag([kept.entry_id], tier="ephemeral", actor="agent")
    assert (await stores.standing(USER)).seq == seq


async def test_ids_are_answered_in_the_order_asked_and_unknown_ones_are_named(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    found = await stores.get_entries([two.entry_id, one.entry_id])
    assert [entry.entry_id for entry in found] == [two.entry_id, one.entry_id]
    with pytest.raises(NotFoundError, match="e_nothing"):
        await stores.get_entries([one.entry_id, EntryId("e_nothing")])


@pytest.mark.parametrize("hostile", ["", "e_\0", "'; DROP TABLE entry; --", "é" * 1000, "\ud800"])
async def test_a_hostile_id_is_refused_in_a_sentence(stores: Stores, hostile: str) -> None:
    await remember(stores, "One.")
    with pytest.raises((NotFoundError, InvalidError)):
        await stores.get_entries([EntryId(hostile)])
    with pytest.raises((NotFoundError, InvalidError)):
        await stores.standing(StoreName(hostile))


async def test_an_outcome_counts_as_usage_and_gets_no_seq(stores: Stores) -> None:
    (entry,) = await remember(stores, "Tea.")
    await stores.record_outcome([entry.entry_id], "useful", note="It helped.", actor="agent")
    (now,) = await stores.record_outcome([entry.entry_id], "wrong", actor="agent")
    assert (now.usage.useful, now.usage.wrong, now.usage.outdated) == (1, 1, 0)
    assert now.usage.useful_at is not None
    assert (await stores.standing(USER)).seq == 1


async def test_another_store_reads_as_not_found_where_it_may_not_be_seen(stores: Stores) -> None:
    (entry,) = await remember(stores, "Secret.", store=WORK)
    await remember(stores, "Mine.")
    narrow = stores.within(frozenset({USER}))
    assert await narrow.list_stores() == [USER]
    for wrong in (
        narrow.get_entries([entry.entry_id]),
        narrow.forget([entry.entry_id], actor="agent"),
        narrow.standing(WORK),
        narrow.remember(WORK, NewEntry(content="x"), actor="agent"),
        narrow.rename_store(WORK, StoreName("mine"), actor="agent"),
        narrow.list_versions(WORK),
    ):
        with pytest.raises(NotFoundError) as refused:
            await wrong
        assert "Secret" not in str(refused.value)


async def test_merging_stores_moves_entries_and_sessions_and_old_ids_say_where_they_went(stores: Stores) -> None:
    moved, double = await remember(stores, "Moved.", "Double.", store=WORK)
    (there,) = await remember(stores, "Double.")
    session = await stores.record_session(WORK, said("Hi."), trust="user", redactions=0, actor="user")
    assert await stores.merge_stores(WORK, USER, actor="user") == 2
    assert await texts(stores) == ["Double.", "Moved."]
    assert await texts(stores, store=WORK) == []
    assert (await stores.get_session(session.session_id)).store == USER
    was_moved, was_double = await stores.get_entries([moved.entry_id, double.entry_id])
    assert isinstance(was_moved, Closed)
    assert isinstance(was_double, Closed)
    assert was_double.became == (there.entry_id,)
    (now,) = await stores.get_entries(was_moved.became)
    assert isinstance(now, Entry)
    assert (now.content, now.store) == ("Moved.", USER)


async def test_a_merge_of_large_stores_that_was_cut_short_is_finished_by_merging_again(stores: Stores) -> None:
    await stores.remember_all(WORK, [NewEntry(content=f"Fact {n}.") for n in range(2_000)], actor="user")
    with anyio.CancelScope() as cut:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(stores.merge_stores, WORK, USER, actor="user"))
            while USER not in await stores.list_stores() or not await texts(stores):
                await anyio.lowlevel.checkpoint()
            cut.cancel()
    # The batch that was cut is still written, on SQLite's own thread; this write waits for it.
    await stores.remember(StoreName("other"), NewEntry(content="Afterwards."), actor="user")
    here, there = await texts(stores, store=WORK), await texts(stores)
    assert here
    assert not {*here} & {*there}
    assert len(here) + len(there) == 2_000
    assert await stores.merge_stores(WORK, USER, actor="user") == len(here)
    assert (len(await texts(stores)), await texts(stores, store=WORK)) == (2_000, [])


async def test_a_store_is_renamed_but_never_onto_another(stores: Stores) -> None:
    await remember(stores, "Here.", store=WORK)
    await remember(stores, "Mine.")
    with pytest.raises(ConflictError, match="merge"):
        await stores.rename_store(WORK, USER, actor="user")
    await stores.rename_store(WORK, StoreName("project/play"), actor="user")
    assert await stores.list_stores() == ["project/play", "user"]


async def test_export_gives_every_entry_in_order_of_id_page_after_page(stores: Stores) -> None:
    kept = await stores.remember_all(USER, [NewEntry(content=f"Fact {n}.") for n in range(1_001)], actor="user")
    exported = [entry.entry_id async for entry in stores.export_entries(USER)]
    assert exported == sorted(one.entry_id for one in kept)


async def test_a_moved_entry_keeps_its_session_and_how_it_served(stores: Stores) -> None:
    session = await stores.record_session(WORK, said("Hi."), trust="user", redactions=0, actor="user")
    new = NewEntry(content="Moved.", session_id=session.session_id)
    kept = await stores.remember(WORK, new, actor="user")
    await stores.record_outcome([kept.entry_id], "useful", actor="user")
    await stores.merge_stores(WORK, USER, actor="user")
    (moved,) = [entry async for entry in stores.export_entries(USER)]
    assert moved.session_id == session.session_id
    assert moved.usage.useful == 1


async def test_a_token_goes_with_the_store_that_it_is_bound_to(stores: Stores) -> None:
    await remember(stores, "Here.", store=WORK)
    secret = await stores.create_token("laptop", [WORK], "read")
    await stores.rename_store(WORK, StoreName("project/play"), actor="user")
    token = await stores.check_token(secret)
    assert token is not None
    assert token.stores == ("project/play",)


@pytest.mark.parametrize(("again", "trust"), [("agent", "external"), ("external", "external"), ("user", "user")])
async def test_only_the_users_words_make_an_entry_more_trusted(stores: Stores, again: Trust, trust: Trust) -> None:
    await stores.remember(USER, NewEntry(content="Said somewhere.", trust="external"), actor="agent")
    await stores.remember(USER, NewEntry(content="Said somewhere.", trust=again), actor="agent")
    (entry,) = [entry async for entry in stores.export_entries(USER)]
    assert entry.trust == trust


async def test_a_recall_of_a_store_that_was_renamed_since_is_let_go(stores: Stores) -> None:
    (entry,) = await remember(stores, "Here.", store=WORK)
    await stores.rename_store(WORK, StoreName("project/play"), actor="user")
    now = datetime.now(UTC)
    await stores.record_recalls([Recalled(store=WORK, query="here", entry_ids=(entry.entry_id,), at=now)])
    assert await stores.recorded_recalls(StoreName("project/play"), before=now, limit=5) == []
