"""Reviewing a dream: accepting, rejecting, editing, overlaps, and what a switch left over."""

from datetime import UTC, datetime

import pytest

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import NewEntry
from dreamkeep_store.store import Stores

from .dreaming import (
    NEW_DREAM,
    USER,
    add,
    archive,
    edited,
    live_entry,
    merge,
    propose,
    remember,
    rewrite,
    split,
    start,
    texts,
)

NOW = datetime.now(UTC)


async def test_changes_are_listed_riskiest_first_with_what_they_read_and_write(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(
        stores, merge([one, two], "Both."), archive(three, risk="high"), add("New.", NOW, decision="suggested")
    )
    page = await stores.list_changes(proposal.dream_id)
    assert [(change.number, change.risk) for change in page.changes] == [(2, "high"), (3, "medium"), (1, "low")]
    assert page.total == 3
    merged = page.changes[2]
    assert {entry.entry_id for entry in merged.before} == {one.entry_id, two.entry_id}
    assert set(merged.closes) == {one.revision_id, two.revision_id}
    assert [(new.entry_id, new.content) for new in merged.after] == [(one.entry_id, "Both.")]
    assert (merged.applied, merged.decided_by) == (None, "judge")


async def test_changes_are_filtered_and_paged(stores: Stores) -> None:
    entries = await remember(stores, *[f"Fact {number}." for number in range(20)])
    proposal = await propose(
        stores, *[archive(entry, decision="suggested" if at % 2 else "included") for at, entry in enumerate(entries)]
    )
    page = await stores.list_changes(proposal.dream_id, decisions=["suggested"], limit=4, offset=8)
    assert [change.number for change in page.changes] == [18, 20]
    assert page.total == 10
    assert (await stores.list_changes(proposal.dream_id, operations=["merge"])).total == 0
    assert (await stores.list_changes(proposal.dream_id, risks=["low"], numbers=[3, 4])).total == 2
    with pytest.raises(NotFoundError, match="c1 to c20"):
        await stores.list_changes(proposal.dream_id, numbers=[21])
    dream = await stores.get_dream(proposal.dream_id)
    assert dream.counts == {"archive/low/included": 10, "archive/low/suggested": 10}


async def test_accepting_and_rejecting_moves_changes_in_and_out_of_the_proposal(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, archive(one), archive(two, decision="suggested"))
    page = await stores.decide(proposal.dream_id, accept=[2], reject=[1], actor="user")
    assert {(change.number, change.decision, change.decided_by) for change in page.changes} == {
        (1, "rejected", "user"),
        (2, "included", "user"),
    }
    assert await texts(stores, proposal.version) == ["One."]
    await stores.decide(proposal.dream_id, accept=[1], actor="agent")
    assert await texts(stores, proposal.version) == []


@pytest.mark.promise("whole-changes")
async def test_accepting_what_overlaps_is_refused_and_names_the_other(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(
        stores, merge([one, two], "Both."), archive(two, decision="suggested"), archive(three, decision="suggested")
    )
    with pytest.raises(ConflictError, match="c2 cannot be accepted beside c1"):
        await stores.decide(proposal.dream_id, accept=[3, 2], actor="user")
    assert await texts(stores, proposal.version) == ["Both.", "Three."]
    await stores.decide(proposal.dream_id, accept=[2], reject=[1], actor="user")
    assert await texts(stores, proposal.version) == ["One.", "Three."]


async def test_one_call_cannot_both_accept_and_reject_a_change(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, archive(one))
    with pytest.raises(InvalidError, match="both accepted and rejected"):
        await stores.decide(proposal.dream_id, accept=[1], reject=[1], actor="user")
    with pytest.raises(InvalidError, match="No change was named"):
        await stores.decide(proposal.dream_id, actor="user")
    with pytest.raises(NotFoundError, match="no change c7"):
        await stores.decide(proposal.dream_id, accept=[7], actor="user")


async def test_an_edited_change_writes_the_new_text_with_the_trust_of_who_edited(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, merge([one, two], "Both."))
    page = await stores.decide(proposal.dream_id, edit=edited(1, " One and two. "), actor="user")
    assert [(new.content, new.trust) for new in page.changes[0].after] == [("One and two.", "user")]
    assert "edited in review" in page.changes[0].reason
    await stores.switch(USER, proposal.version, actor="user")
    entry = await live_entry(stores, one.entry_id)
    assert (entry.content, entry.trust) == ("One and two.", "user")


async def test_a_change_that_writes_two_entries_or_none_cannot_be_edited(stores: Stores) -> None:
    one, two = await remember(stores, "One and three.", "Two.")
    proposal = await propose(stores, split(one, "One.", "Three."), archive(two))
    for number in (1, 2):
        with pytest.raises(InvalidError, match="can be edited"):
            await stores.decide(proposal.dream_id, edit=edited(number, "Else."), actor="user")
    with pytest.raises(InvalidError, match="empty"):
        await stores.decide(proposal.dream_id, edit=edited(1, "  "), actor="user")


async def test_a_discarded_proposal_is_closed_for_good(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, archive(one))
    version = await stores.discard(proposal.dream_id, actor="user")
    assert (version.number, version.state, version.seq) == (proposal.version, "discarded", None)
    with pytest.raises(ConflictError, match="discarded"):
        await stores.decide(proposal.dream_id, accept=[1], actor="user")
    with pytest.raises(ConflictError, match="no open proposal"):
        await stores.discard(proposal.dream_id, actor="user")
    with pytest.raises(ConflictError, match="discarded"):
        await stores.diff(USER, None, proposal.version)


async def test_a_change_that_was_switched_to_cannot_be_decided_again(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, archive(one))
    await stores.switch(USER, proposal.version, actor="user")
    with pytest.raises(ConflictError, match="rollback"):
        await stores.decide(proposal.dream_id, reject=[1], actor="user")


async def test_accepting_what_a_switch_left_over_opens_the_next_proposal_on_todays_head(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, archive(one), archive(two, decision="suggested"))
    await stores.switch(USER, proposal.version, actor="user")
    await remember(stores, "Late.")
    await stores.decide(proposal.dream_id, accept=[2], actor="user")
    dream = await stores.get_dream(proposal.dream_id)
    assert dream.output_version is not None
    assert dream.output_version > proposal.version
    assert await texts(stores, dream.output_version) == ["Late."]
    switched = await stores.switch(USER, dream.output_version, actor="user")
    assert (switched.applied, switched.suggested) == (1, 0)
    assert await texts(stores) == ["Late."]


@pytest.mark.promise("whole-changes")
async def test_a_leftover_whose_source_was_edited_since_cannot_be_accepted_any_more(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, archive(one), rewrite(two, "Two!", decision="suggested"))
    await stores.switch(USER, proposal.version, actor="user")
    await stores.remember(USER, NewEntry(content="Mine.", replaces=(two.entry_id,)), actor="agent")
    with pytest.raises(ConflictError, match=f"{two.entry_id} was changed since"):
        await stores.decide(proposal.dream_id, accept=[2], actor="user")
    assert (await stores.get_dream(proposal.dream_id)).output_version == proposal.version
    assert await texts(stores) == ["Mine."]


async def test_a_leftover_fits_again_when_a_rollback_brought_its_source_back(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, merge([one, two], "Both."), archive(one, decision="suggested"))
    await stores.switch(USER, proposal.version, actor="user")
    with pytest.raises(ConflictError, match="was changed since"):
        await stores.decide(proposal.dream_id, accept=[2], actor="user")
    await stores.rollback(USER, actor="user")
    await stores.decide(proposal.dream_id, accept=[2], actor="user")
    dream = await stores.get_dream(proposal.dream_id)
    assert dream.output_version is not None
    assert await texts(stores, dream.output_version) == ["Two."]
    assert (await stores.switch(USER, dream.output_version, actor="user")).skipped == ()
    assert await texts(stores) == ["Two."]


async def test_rejecting_a_leftover_opens_nothing(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, archive(one), archive(two, decision="suggested"))
    await stores.switch(USER, proposal.version, actor="user")
    await stores.decide(proposal.dream_id, reject=[2], actor="user")
    assert (await stores.standing(USER)).proposal is None


async def test_a_leftover_waits_while_another_proposal_is_open(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    first = await propose(stores, archive(one), archive(two, decision="suggested"))
    await stores.switch(USER, first.version, actor="user")
    second = await propose(stores, add("New.", NOW), instructions="again")
    with pytest.raises(ConflictError, match=f"version {second.version} of dream {second.dream_id}"):
        await stores.decide(first.dream_id, accept=[2], actor="user")


async def test_what_somebody_rejected_is_known_to_the_next_dream(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    change = archive(one)
    proposal = await propose(stores, change)
    await stores.decide(proposal.dream_id, reject=[1], actor="user")
    await stores.discard(proposal.dream_id, actor="user")
    dream = await start(stores)
    assert (await stores.material(dream.dream_id)).rejected == {change.fingerprint}
    assert (await stores.prospective_material(USER, base=None, wanted=())).rejected == {change.fingerprint}
    assert NEW_DREAM.store == dream.store


async def test_a_policy_holds_back_what_is_riskier(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    dream = await start(stores)
    number = await stores.propose(dream.dream_id, 1, [archive(one), archive(two, risk="high")], ())
    assert number is not None
    await stores.hold_back(dream.dream_id, 1, above="low")
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert await texts(stores, number) == ["Two."]
    held = await stores.list_changes(dream.dream_id, decisions=["suggested"])
    assert [(change.number, change.decided_by) for change in held.changes] == [(2, "policy")]
