"""The difference between two versions, with who made it and why."""

from datetime import UTC, datetime

import pytest

from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import Difference, EntryId, NewEntry
from dreamkeep_store.store import Stores

from .dreaming import USER, add, archive, dream_and_switch, live_entry, merge, propose, remember, rewrite

NOW = datetime.now(UTC)


async def differences(stores: Stores, base: int | None, target: int | None) -> dict[EntryId, Difference]:
    page = await stores.diff(USER, base, target)
    assert page.total == len(page.differences)
    return {one.entry_id: one for one in page.differences}


async def test_plain_writes_say_what_they_did(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await dream_and_switch(stores, add("New.", NOW))
    await stores.remember(USER, NewEntry(content="One!", replaces=(one.entry_id,)), actor="agent")
    await stores.forget([two.entry_id], actor="agent")
    (three,) = await remember(stores, "Three.")
    found = await differences(stores, proposal.version, None)
    assert {entry_id: one.how for entry_id, one in found.items()} == {
        one.entry_id: "edited",
        two.entry_id: "forgotten",
        three.entry_id: "remembered",
    }
    assert all((one.version, one.change, one.reason) == (None, None, None) for one in found.values())


async def test_a_proposal_is_compared_with_its_base_and_later_writes_are_not_its_own(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(stores, merge([one, two], "Both."), archive(three, decision="suggested"), add("New.", NOW))
    await remember(stores, "Late.")
    found = await differences(stores, None, proposal.version)
    assert {entry_id: (one.how, one.change) for entry_id, one in found.items()} == {
        one.entry_id: ("merge", 1),
        two.entry_id: ("merge", 1),
        EntryId("e_added001"): ("add", 3),
    }
    merged = found[one.entry_id]
    assert merged.before is not None
    assert merged.after is not None
    assert (merged.before.content, merged.after.content) == ("One.", "Both.")
    assert (merged.version, merged.reason) == (proposal.version, "Because.")
    assert found[two.entry_id].after is None


async def test_a_switch_differs_from_what_was_before_by_its_changes(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(stores, merge([one, two], "Both."), archive(three))
    proposed = await differences(stores, None, proposal.version)
    switched = await stores.switch(USER, proposal.version, actor="user")
    after = await differences(stores, proposal.version - 1, switched.head)
    assert {key: (one.how, one.change) for key, one in after.items()} == {
        key: (one.how, one.change) for key, one in proposed.items()
    }


async def test_a_difference_backwards_swaps_before_and_after(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    there = (await differences(stores, proposal.version - 1, proposal.version))[one.entry_id]
    back = (await differences(stores, proposal.version, proposal.version - 1))[one.entry_id]
    assert (there.before, there.after) == (back.after, back.before)


async def test_what_a_rollback_undid_is_no_difference(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await dream_and_switch(stores, rewrite(one, "Two."))
    await stores.rollback(USER, actor="user")
    assert await differences(stores, proposal.version - 1, None) == {}
    (undone,) = (await differences(stores, proposal.version, None)).values()
    assert undone.how == "revert"
    assert undone.reason == f"Undoes v{proposal.version} c1 (supersede)."


async def test_differences_come_in_pages_in_order_of_id(stores: Stores) -> None:
    await remember(stores, "First.")
    proposal = await dream_and_switch(stores, add("New.", NOW))
    await remember(stores, *[f"Fact {number}." for number in range(7)])
    first = await stores.diff(USER, proposal.version, None, limit=5)
    second = await stores.diff(USER, proposal.version, None, limit=5, offset=5)
    assert (first.total, second.total) == (7, 7)
    ids = [one.entry_id for one in (*first.differences, *second.differences)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 7
    for wrong in ({"limit": 0}, {"limit": 101}, {"limit": 5, "offset": -1}):
        with pytest.raises(InvalidError):
            await stores.diff(USER, 1, None, **wrong)
    with pytest.raises(NotFoundError, match="no version 44"):
        await stores.diff(USER, 44, None)


async def test_a_version_does_not_differ_from_itself(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, rewrite(one, "Two."))
    for version in (1, proposal.version, None):
        assert await differences(stores, version, version) == {}
    assert (await live_entry(stores, one.entry_id)).content == "One."
