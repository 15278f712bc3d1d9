"""Reviewing a dream: accepting, rejecting, editing, overlaps, and what a switch left over."""

import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import EntryId, NewEntry
from dreamkeep_store.store import Stores, open_stores

from .dreaming import (
    NEW_DREAM,
    USER,
    Proposal,
    add,
    archive,
    draft,
    edited,
    live_entry,
    merge,
    opening,
    propose,
    remember,
    rewrite,
    split,
    start,
    supersede,
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


async def test_of_a_change_that_writes_several_entries_the_edited_one_is_named(stores: Stores) -> None:
    (one,) = await remember(stores, "One and three.")
    proposal = await propose(stores, split(one, "One.", "Three."))
    for wrong in (None, EntryId("e_nothere")):
        with pytest.raises(InvalidError, match=f"name the entry .*{one.entry_id} 'One.', e_split001 'Three.'"):
            await stores.decide(proposal.dream_id, edit=replace(edited(1, "Four."), entry_id=wrong), actor="user")
    with pytest.raises(InvalidError, match="empty"):
        await stores.decide(proposal.dream_id, edit=edited(1, "  "), actor="user")
    named = replace(edited(1, "Four."), entry_id=EntryId("e_split001"))
    await stores.decide(proposal.dream_id, edit=named, actor="user")
    assert await texts(stores, proposal.version) == ["Four.", "One."]


async def test_where_one_entry_stays_for_others_an_edit_is_of_its_text(stores: Stores) -> None:
    one, two, three, four = await remember(stores, "One.", "Two.", "Three.", "Four.")
    stays = draft("merge", [one, two], [two])
    proposal = await propose(stores, stays, supersede(three, four, decision="suggested"))
    await stores.decide(proposal.dream_id, accept=[2], edit=edited(1, "One and two."), actor="user")
    await stores.decide(proposal.dream_id, edit=edited(2, "Four, not three."), actor="user")
    assert await texts(stores, proposal.version) == ["Four, not three.", "One and two."]
    assert (await stores.switch(USER, proposal.version, actor="user")).applied == 2
    assert (await live_entry(stores, one.entry_id)).content == "One and two."
    await stores.rollback(USER, actor="user")
    assert await texts(stores) == ["Four.", "One.", "Three.", "Two."]


async def test_a_change_that_writes_nothing_cannot_be_edited(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, archive(one))
    with pytest.raises(InvalidError, match="writes no text"):
        await stores.decide(proposal.dream_id, edit=edited(1, "Else."), actor="user")


async def test_an_edit_may_not_make_two_included_changes_one(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, rewrite(one, "One!"), rewrite(two, "Two!"))
    with pytest.raises(ConflictError, match="c2 cannot be accepted beside c1"):
        await stores.decide(proposal.dream_id, edit=edited(2, "One!"), actor="user")
    await stores.decide(proposal.dream_id, edit=edited(2, "One!"), reject=[1], actor="user")
    assert await texts(stores, proposal.version) == ["One!", "One."]


async def test_of_what_is_accepted_where_it_fits_the_rest_stays_and_is_named(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(
        stores,
        merge([one, two], "Both."),
        archive(two, decision="suggested"),
        archive(three, decision="suggested"),
        add("New.", NOW, decision="suggested"),
    )
    page = await stores.decide(proposal.dream_id, accept_fitting=[2, 3, 4], actor="user")
    assert [(change.number, change.decision) for change in sorted(page.changes, key=lambda one: one.number)] == [
        (2, "suggested"),
        (3, "included"),
        (4, "included"),
    ]
    assert [reason[:35] for reason in page.left_out] == ["c2 cannot be accepted beside c1: bo"]
    assert await texts(stores, proposal.version) == ["Both.", "New."]
    with pytest.raises(ConflictError, match="None of these"):
        await stores.decide(proposal.dream_id, accept_fitting=[2], actor="user")


async def test_leftovers_of_which_none_fits_open_no_proposal(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    proposal = await propose(stores, archive(one), rewrite(two, "Two!", decision="suggested"))
    await stores.switch(USER, proposal.version, actor="user")
    await stores.remember(USER, NewEntry(content="Mine.", replaces=(two.entry_id,)), actor="agent")
    with pytest.raises(ConflictError, match="was changed since"):
        await stores.decide(proposal.dream_id, accept_fitting=[2], actor="user")
    assert (await stores.standing(USER)).proposal is None


async def test_a_change_of_what_was_edited_meanwhile_says_so_and_cannot_be_accepted(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(stores, archive(one), merge([two, three], "Both.", decision="suggested"))
    await stores.forget([one.entry_id], actor="user")
    await stores.remember(USER, NewEntry(content="Mine.", replaces=(three.entry_id,)), actor="agent")
    changes = (await stores.list_changes(proposal.dream_id)).changes
    assert {change.number: change.outdated for change in changes} == {
        1: f"{one.entry_id} was changed since the dream read it",
        2: f"{three.entry_id} was changed since the dream read it",
    }
    with pytest.raises(ConflictError, match=f"{three.entry_id} was changed since"):
        await stores.decide(proposal.dream_id, accept=[2], actor="user")
    switched = await stores.switch(USER, proposal.version, actor="user")
    assert [skipped.change for skipped in switched.skipped] == ["c1"]
    assert [change.outdated for change in (await stores.list_changes(proposal.dream_id, numbers=[1])).changes] == [None]
    assert await texts(stores) == ["Mine.", "Two."]


async def test_an_entry_erased_while_its_proposal_waits_takes_its_changes_along(stores: Stores) -> None:
    one, two, three = await remember(stores, "One.", "Two.", "Three.")
    proposal = await propose(
        stores, archive(one, decision="suggested"), merge([two, three], "Both.", decision="suggested")
    )
    await stores.erase([one.entry_id], actor="user")
    with pytest.raises(NotFoundError, match=r"c1 of dream .* is gone: what it spoke of was erased"):
        await stores.decide(proposal.dream_id, accept=[1], actor="user")
    await stores.decide(proposal.dream_id, accept=[2], actor="user")
    assert (await stores.switch(USER, proposal.version, actor="user")).skipped == ()
    assert await texts(stores) == ["Both."]


async def test_parts_are_shown_in_the_order_in_which_they_were_proposed(stores: Stores) -> None:
    (one,) = await remember(stores, "One and three.")
    proposal = await propose(stores, split(one, "One.", "Three.", new_id="e_00000001"))
    (change,) = (await stores.list_changes(proposal.dream_id)).changes
    assert [new.content for new in change.after] == ["One.", "Three."]


numbers = st.lists(st.integers(1, 13), max_size=5)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["accept", "accept_fitting", "reject"]), numbers),
        st.tuples(st.just("edit"), st.tuples(st.integers(1, 13), st.sampled_from(["Edited.", "Told.", "A merged."]))),
    ),
    max_size=8,
)


async def proposed_of_all_kinds(stores: Stores) -> Proposal:
    """Changes of every operation, of which many want the same entries."""
    a, b, c, d, e, f, g = await remember(stores, "A.", "B.", "C.", "D.", "E.", "F one. F two.", "G.")
    moved = [replace(opening(one, one.content), topic="/letters") for one in (f, g)]
    return await propose(
        stores,
        merge([a, b], "A merged."),
        merge([b, c], "B merged.", decision="suggested"),
        archive(c, decision="suggested", risk="high"),
        supersede(d, e),
        draft("conflict", [d, e], [e], decision="suggested", risk="medium"),
        replace(split(f, "F one.", "F two."), decision="suggested"),
        draft("move", [f, g], [f, g], moved, decision="suggested", risk="medium"),
        draft("retier", [g], [g], [opening(g, "G.", tier="persistent")], decision="suggested", risk="high"),
        add("Told.", NOW, decision="suggested"),
        add("Told.", NOW, new_id="e_added002", decision="suggested"),
        replace(add("Insight.", NOW, new_id="e_added003", decision="suggested"), operation="insight"),
        archive(a, decision="suggested"),
        draft("merge", [d, e], [e], decision="suggested", risk="medium"),
    )


async def refusal(stores: Stores, proposal: Proposal, verb: str, what: Any) -> str:
    """Why a decision is refused; empty when it is taken."""
    arguments: dict[str, Any] = {"edit": edited(*what)} if verb == "edit" else {verb: what}
    try:
        await stores.decide(proposal.dream_id, **arguments, actor="user")
    except (ConflictError, InvalidError) as refused:
        return str(refused)
    return ""


@settings(max_examples=60, deadline=None)
@given(steps)
def test_whatever_is_accepted_rejected_and_edited_the_proposal_is_a_version_that_can_be_switched_to(
    taken: list[tuple[str, Any]],
) -> None:
    async def review() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_stores(Path(folder) / "dreamkeep.db") as stores:
                proposal = await proposed_of_all_kinds(stores)
                for verb, what in taken:
                    before = (await stores.list_changes(proposal.dream_id, limit=20)).changes
                    refused = await refusal(stores, proposal, verb, what)
                    after = (await stores.list_changes(proposal.dream_id, limit=20)).changes
                    assert not refused or (after == before and re.search(r"\bc\d+|No change was named", refused))
                assert await stores.verify() == []
                seen = await texts(stores, proposal.version)
                changes = (await stores.list_changes(proposal.dream_id, limit=20)).changes
                switched = await stores.switch(USER, proposal.version, actor="user")
                assert switched.skipped == ()
                assert switched.applied == sum(change.decision == "included" for change in changes)
                assert await texts(stores) == seen
                assert await stores.verify() == []
                await stores.rollback(USER, actor="user")
                assert await texts(stores) == ["A.", "B.", "C.", "D.", "E.", "F one. F two.", "G."]

    anyio.run(review)


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
