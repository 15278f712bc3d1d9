"""Switching to a proposal: whole changes, and what was written meanwhile always wins."""

from datetime import UTC, datetime, timedelta

import pytest

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import Closed, Entry, EntryId, NewEntry, StoreName
from dreamkeep_store.store import Stores

from .dreaming import (
    NEW_DREAM,
    USER,
    add,
    archive,
    dream_and_switch,
    live_entry,
    merge,
    propose,
    remember,
    rewrite,
    shown,
    split,
    start,
    supersede,
    texts,
)

NOW = datetime.now(UTC)


@pytest.mark.promise("input-unchanged")
async def test_a_proposal_changes_nothing_until_somebody_switches(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    base = (await stores.start_dream(NEW_DREAM)).dream
    digest = await stores.digest(USER, base.base)
    await stores.cancel_dream(base.dream_id, actor="user")
    proposal = await propose(stores, merge([one, two], "Both."), archive(three), add("New.", NOW))
    assert await texts(stores) == ["One.", "Three.", "Two."]
    assert await texts(stores, base.base) == ["One.", "Three.", "Two."]
    assert await texts(stores, proposal.version) == ["Both.", "New."]
    await stores.switch(USER, proposal.version, actor="user")
    assert await texts(stores) == ["Both.", "New."]
    assert await texts(stores, base.base) == ["One.", "Three.", "Two."]
    assert await stores.digest(USER, base.base) == digest


async def test_a_switch_says_what_it_did_and_moves_the_head(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(stores, merge([one, two], "Both."), archive(three, decision="suggested"), add("New.", NOW))
    switched = await stores.switch(USER, proposal.version, expected_head=1, actor="user")
    assert (switched.head, switched.previous, switched.applied) == (proposal.version, 1, 2)
    assert (switched.skipped, switched.suggested, switched.checkpoint) == ((), 1, None)
    await stores.digest_versions(USER)
    head = await stores.get_version(USER, None)
    assert (head.number, head.state, head.kind, head.head, head.entries) == (
        proposal.version,
        "published",
        "dream",
        True,
        3,
    )
    assert head.digest == await stores.digest(USER, proposal.version)
    (closed,) = await stores.get_entries([two.entry_id])
    assert isinstance(closed, Closed)
    assert (closed.how, closed.became) == ("dream", (one.entry_id,))


@pytest.mark.promise("whole-changes")
@pytest.mark.parametrize("meanwhile", ["forget", "edit", "retag", "confirm"])
async def test_a_merge_whose_source_moved_meanwhile_is_left_out_whole(stores: Stores, meanwhile: str) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, merge([one, two], "Both."), add("New.", NOW))
    match meanwhile:
        case "forget":
            await stores.forget([two.entry_id], actor="agent")
        case "edit":
            await stores.remember(USER, NewEntry(content="Two, edited.", replaces=(two.entry_id,)), actor="agent")
        case "retag":
            await stores.retag([two.entry_id], tier="persistent", actor="agent")
        case _:
            await remember(stores, "Two.")
    before = await shown(stores)
    switched = await stores.switch(USER, proposal.version, actor="user")
    ((skipped),) = switched.skipped
    assert skipped.change == "c1"
    assert two.entry_id in skipped.reason
    assert switched.applied == 1
    after = await shown(stores)
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 1


async def test_an_entry_that_was_forgotten_and_is_back_as_it_was_does_not_hinder(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, merge([one, two], "Both."))
    await stores.forget([two.entry_id], actor="agent")
    await stores.unforget([two.entry_id], actor="agent")
    assert (await stores.switch(USER, proposal.version, actor="user")).skipped == ()
    assert await texts(stores) == ["Both."]


async def test_a_supersession_needs_the_newer_entry_to_stand(stores: Stores) -> None:
    old, newer = await remember(stores, "Old.", "Newer.")
    proposal = await propose(stores, supersede(old, newer))
    await stores.forget([newer.entry_id], actor="agent")
    (skipped,) = (await stores.switch(USER, proposal.version, actor="user")).skipped
    assert newer.entry_id in skipped.reason
    assert await texts(stores) == ["Old."]


async def test_what_was_superseded_became_what_stands(stores: Stores) -> None:
    old, newer = await remember(stores, "Old.", "Newer.")
    await dream_and_switch(stores, supersede(old, newer))
    (closed,) = await stores.get_entries([old.entry_id])
    assert isinstance(closed, Closed)
    assert closed.became == (newer.entry_id,)


async def test_a_split_entry_became_its_parts(stores: Stores) -> None:
    (both,) = await remember(stores, "One and two.")
    await dream_and_switch(stores, split(both, "One.", "Two."))
    assert await texts(stores) == ["One.", "Two."]
    assert (await live_entry(stores, both.entry_id)).content == "One."


@pytest.mark.promise("concurrent-windows")
async def test_switch_keeps_what_was_remembered_during_the_dream(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, merge([one, two], "Both."))
    (late,) = await remember(stores, "Late.")
    switched = await stores.switch(USER, proposal.version, actor="user")
    assert switched.checkpoint is not None
    assert await texts(stores, switched.checkpoint) == ["Late.", "One.", "Two."]
    assert await texts(stores) == ["Both.", "Late."]
    assert (await live_entry(stores, late.entry_id)).content == "Late."


async def test_an_addition_that_is_live_by_now_is_skipped(stores: Stores) -> None:
    await remember(stores, "One.")
    proposal = await propose(stores, add("New.", NOW))
    (mine,) = await remember(stores, "New.")
    (skipped,) = (await stores.switch(USER, proposal.version, actor="user")).skipped
    assert mine.entry_id in skipped.reason
    assert await texts(stores) == ["New.", "One."]


@pytest.mark.parametrize(("said_days_ago", "applied"), [(1, 0), (-1, 1)])
async def test_an_addition_that_was_forgotten_after_it_was_said_is_skipped(
    stores: Stores, said_days_ago: int, applied: int
) -> None:
    (entry,) = await remember(stores, "New.")
    await remember(stores, "One.")
    proposal = await propose(stores, add("New.", NOW - timedelta(days=said_days_ago), new_id="e_added002"))
    await stores.forget([entry.entry_id], actor="agent")
    switched = await stores.switch(USER, proposal.version, actor="user")
    assert switched.applied == applied


async def test_a_switch_from_another_head_than_expected_is_refused(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    first = await dream_and_switch(stores, rewrite(one, "Two."))
    two = await live_entry(stores, one.entry_id)
    second = await propose(stores, rewrite(two, "Three."), instructions="again")
    with pytest.raises(ConflictError, match=f"is version {first.version}, not 1"):
        await stores.switch(USER, second.version, expected_head=1, actor="user")
    assert await texts(stores) == ["Two."]


async def test_only_an_open_proposal_can_be_switched_to_and_others_name_the_way(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    first = await dream_and_switch(stores, rewrite(one, "Two."))
    with pytest.raises(ConflictError, match="is the head"):
        await stores.switch(USER, first.version, actor="user")
    with pytest.raises(ConflictError, match="rollback"):
        await stores.switch(USER, 1, actor="user")
    with pytest.raises(NotFoundError, match="newest is"):
        await stores.switch(USER, 99, actor="user")
    with pytest.raises((NotFoundError, InvalidError)):
        await stores.switch(USER, 10**30, actor="user")
    dropped = await propose(stores, add("New.", NOW), instructions="again")
    await stores.discard(dropped.dream_id, actor="user")
    with pytest.raises(ConflictError, match="discarded"):
        await stores.switch(USER, dropped.version, actor="user")


@pytest.mark.promise("whole-changes")
async def test_a_plan_that_rests_on_what_its_base_does_not_show_is_refused(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    (foreign,) = await remember(stores, "Not yours.", store=StoreName("other"))
    dream = await start(stores)
    await stores.retag([two.entry_id], tier="persistent", actor="agent")
    later = await live_entry(stores, two.entry_id)
    for wrong in (
        [archive(foreign)],
        [archive(later)],
        [archive(one), rewrite(one, "Again.")],
        [supersede(one, two), archive(two)],
        [add("A.", NOW), add("B.", NOW)],
        [add("A.", NOW, new_id=two.entry_id)],
    ):
        with pytest.raises(InvalidError):
            await stores.propose(dream.dream_id, dream.attempt, wrong, ())
    assert await stores.propose(dream.dream_id, dream.attempt, [archive(one)], ()) is not None
    assert (await live_entry(stores, foreign.entry_id)).content == "Not yours."


async def test_the_digest_of_a_version_says_nothing_of_ids_of_rows_or_of_usage(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    digest = await stores.digest(USER, proposal.version)
    await stores.record_outcome([one.entry_id], "useful", actor="agent")
    await stores.rollback(USER, actor="user")
    redo = await stores.rollback(USER, proposal.version, actor="user")
    assert await stores.digest(USER, proposal.version) == digest
    assert await stores.digest(USER, redo.head) == digest


async def test_an_entry_that_a_dream_wrote_says_which_one(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    (entry,) = await stores.get_entries([EntryId(one.entry_id)])
    assert isinstance(entry, Entry)
    assert entry.dream_id == proposal.dream_id
