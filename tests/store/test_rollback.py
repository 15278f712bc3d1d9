"""Rolling back: reverting change by change, restoring exactly, redoing; history is never rewritten."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dreamkeep_store import names, rollback
from dreamkeep_store.database import Transaction, open_database
from dreamkeep_store.errors import ConflictError, NotFoundError
from dreamkeep_store.models import Closed, NewEntry
from dreamkeep_store.store import Stores, open_stores

from .dreaming import (
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
    texts,
)

NOW = datetime.now(UTC)


@pytest.mark.promise("rollback-exact")
async def test_reverting_a_switch_returns_to_the_same_digest(stores: Stores) -> None:
    one, two, three, four = await remember(stores, "One.", "Two.", "Three.", "Four and five.")
    before = await shown(stores)
    proposal = await dream_and_switch(
        stores, merge([one, two], "Both."), archive(three), split(four, "Four.", "Five."), add("New.", NOW)
    )
    base = (await stores.get_version(USER, proposal.version)).parent
    assert base is not None
    rolled = await stores.rollback(USER, actor="user")
    assert (rolled.applied, rolled.skipped, rolled.undone, rolled.kept) == (4, (), (proposal.version,), 0)
    assert {key: entry.content for key, entry in (await shown(stores)).items()} == {
        key: entry.content for key, entry in before.items()
    }
    assert await stores.digest(USER, rolled.head) == await stores.digest(USER, base)
    head = await stores.get_version(USER, None)
    assert (head.kind, head.parent, head.note) == ("rollback", proposal.version, f"undoes version {proposal.version}")


@pytest.mark.promise("concurrent-windows")
async def test_reverting_keeps_what_was_written_since(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    await dream_and_switch(stores, merge([one, two], "Both."))
    await remember(stores, "Late.")
    rolled = await stores.rollback(USER, actor="user")
    assert rolled.kept == 1
    assert rolled.checkpoint is not None
    assert await texts(stores) == ["Late.", "One.", "Two."]
    assert await texts(stores, rolled.checkpoint) == ["Both.", "Late."]


@pytest.mark.promise("whole-changes")
@pytest.mark.parametrize("meanwhile", ["edit", "forget", "confirm"])
async def test_a_change_whose_result_was_touched_since_is_left_whole_and_reported(
    stores: Stores, meanwhile: str
) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await dream_and_switch(stores, merge([one, two], "Both."), archive(three))
    match meanwhile:
        case "edit":
            await stores.remember(USER, NewEntry(content="Both!", replaces=(one.entry_id,)), actor="agent")
        case "forget":
            await stores.forget([one.entry_id], actor="agent")
        case _:
            await remember(stores, "Both.")
    before = await texts(stores)
    rolled = await stores.rollback(USER, actor="user")
    (left,) = rolled.skipped
    assert left.change == f"v{proposal.version} c1"
    assert one.entry_id in left.reason
    assert await texts(stores) == sorted([*before, "Three."])
    (closed,) = await stores.get_entries([two.entry_id])
    assert isinstance(closed, Closed)


async def test_a_change_whose_text_was_remembered_again_is_left_whole(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    await dream_and_switch(stores, archive(one))
    (again,) = await remember(stores, "One.")
    (left,) = (await stores.rollback(USER, actor="user")).skipped
    assert again.entry_id in left.reason
    assert await texts(stores) == ["One."]


@pytest.mark.promise("rollback-exact")
async def test_a_rollback_does_not_rely_on_a_plan_that_something_was_written_after(path: Path) -> None:
    async with open_stores(path) as stores, open_database(path) as database:
        one, two = await remember(stores, "One.", "Two.")
        proposal = await dream_and_switch(stores, merge([one, two], "Both."))

        def holds(tx: Transaction) -> bool:
            return rollback.still_holds(tx, names.find(tx, USER, None), planned)

        planned = await database.read(lambda tx: rollback.plan(tx, names.find(tx, USER, None), None, "revert"))
        assert await database.read(holds)
        await stores.remember(USER, NewEntry(content="Both.", tags=("again",)), actor="agent")
        assert not await database.read(holds)
        rolled = await stores.rollback(USER, actor="user")
        assert [skipped.change for skipped in rolled.skipped] == [f"v{proposal.version} c1"]
        assert await texts(stores) == ["Both."]


async def test_undo_redo_undo_walks_between_the_same_two_states(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await dream_and_switch(stores, merge([one, two], "Both."), add("New.", NOW))
    after = await stores.digest(USER, proposal.version)
    undone = await stores.rollback(USER, actor="user")
    with pytest.raises(ConflictError, match="No switch"):
        await stores.rollback(USER, actor="user")
    redone = await stores.rollback(USER, proposal.version, actor="user")
    assert await stores.digest(USER, redone.head) == after
    again = await stores.rollback(USER, actor="user")
    assert again.undone == (proposal.version,)
    assert await stores.digest(USER, again.head) == await stores.digest(USER, undone.head)


async def test_reverting_by_number_undoes_every_switch_after_it_newest_first(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    first = await dream_and_switch(stores, rewrite(one, "Two."))
    second = await dream_and_switch(stores, rewrite(await live_entry(stores, one.entry_id), "Three."), instructions="2")
    third = await dream_and_switch(stores, rewrite(await live_entry(stores, one.entry_id), "Four."), instructions="3")
    rolled = await stores.rollback(USER, first.version, actor="user")
    assert rolled.undone == (third.version, second.version)
    assert await texts(stores) == ["Two."]
    rolled = await stores.rollback(USER, actor="user")
    assert rolled.undone[-1] == first.version
    assert await texts(stores) == ["One."]


async def test_a_version_that_nothing_came_after_has_nothing_to_revert(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    with pytest.raises(ConflictError, match="restore"):
        await stores.rollback(USER, proposal.version, actor="user")
    with pytest.raises(NotFoundError):
        await stores.rollback(USER, 99, actor="user")
    opened = await propose(stores, add("New.", NOW), instructions="again")
    for mode in ("revert", "restore"):
        with pytest.raises(ConflictError, match="proposed"):
            await stores.rollback(USER, opened.version, mode=mode, actor="user")


@pytest.mark.promise("rollback-exact")
async def test_restoring_returns_to_exactly_what_the_version_was(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await dream_and_switch(stores, merge([one, two], "Both."))
    await stores.forget([three.entry_id], actor="agent")
    await stores.remember(USER, NewEntry(content="Both!", replaces=(one.entry_id,)), actor="agent")
    await remember(stores, "Late.")
    rolled = await stores.rollback(USER, proposal.version, mode="restore", actor="user")
    assert await texts(stores) == ["Both.", "Three."]
    assert await stores.digest(USER, rolled.head) == await stores.digest(USER, proposal.version)
    assert rolled.checkpoint is not None
    back = await stores.rollback(USER, rolled.checkpoint, mode="restore", actor="user")
    assert await stores.digest(USER, back.head) == await stores.digest(USER, rolled.checkpoint)
    assert await texts(stores) == ["Both!", "Late."]


async def test_restoring_by_default_returns_to_just_before_the_newest_switch(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, rewrite(one, "Two."))
    await remember(stores, "Between.")
    await stores.switch(USER, proposal.version, actor="user")
    await remember(stores, "Late.")
    await stores.rollback(USER, mode="restore", actor="user")
    assert await texts(stores) == ["Between.", "One."]


async def test_a_restore_can_be_reverted_and_the_switch_that_it_undid_stands_again(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    restored = await stores.rollback(USER, 1, mode="restore", actor="user")
    assert await shown(stores) == {}
    assert restored.undone == (proposal.version,)
    await stores.rollback(USER, proposal.version, actor="user")
    assert await texts(stores) == ["Two."]
    assert (await stores.rollback(USER, actor="user")).undone[-1] == proposal.version


@pytest.mark.promise("rollback-exact")
async def test_a_switch_that_a_restore_brings_back_can_be_undone_again(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    await stores.rollback(USER, actor="user")
    restored = await stores.rollback(USER, proposal.version, mode="restore", actor="user")
    assert await texts(stores) == ["Two."]
    rolled = await stores.rollback(USER, actor="user")
    assert set(rolled.undone) <= {proposal.version, restored.head, restored.head - 1}
    assert proposal.version in rolled.undone
    assert await texts(stores) == ["One."]


async def test_a_rollback_stands_in_the_list_with_every_version_before_it(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    rolled = await stores.rollback(USER, actor="user")
    listed = await stores.list_versions(USER)
    assert [version.number for version in listed] == list(range(rolled.head, 0, -1))
    assert [version.kind for version in listed] == ["rollback", "dream", "checkpoint", "initial"]
    assert [version.head for version in listed] == [True, False, False, False]
    page = await stores.list_versions(USER, limit=1, before=proposal.version)
    assert [version.number for version in page] == [proposal.version - 1]


async def test_what_a_rollback_took_back_says_how_to_get_it_again(stores: Stores) -> None:
    await remember(stores, "One.")
    await dream_and_switch(stores, add("New.", NOW, new_id="e_added003"))
    await stores.rollback(USER, actor="user")
    with pytest.raises(ConflictError, match="taken back by a rollback"):
        await stores.retag([add("New.", NOW, new_id="e_added003").opens[0].entry_id], tier="ephemeral", actor="agent")
