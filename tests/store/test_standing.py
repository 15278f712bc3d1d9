"""How a store stands: what a dream read, and which of the latest dreams came to nothing."""

from dataclasses import replace

from dreamkeep_store.models import NewEntry
from dreamkeep_store.store import Stores

from .dreaming import NEW_DREAM, USER, Proposal, archive, merge, propose, remember, shown, start


async def test_the_entries_that_a_dream_read_are_counted_whatever_was_written_since(stores: Stores) -> None:
    one, two, three, four = await remember(stores, "One.", "Two.", "Three.", "Four.")
    await stores.forget([four.entry_id], actor="agent")
    proposal = await propose(stores, merge([one, two], "Both."))
    assert (await stores.standing(USER)).entries_at_dream == 3
    await stores.switch(USER, proposal.version, actor="user")
    await remember(stores, "Five.", "Six.")
    await stores.remember(USER, NewEntry(content="Three!", replaces=(three.entry_id,)), actor="agent")
    await stores.unforget([four.entry_id], actor="agent")
    await stores.forget([one.entry_id], actor="agent")
    await stores.rollback(USER, actor="user")
    assert (await stores.standing(USER)).entries_at_dream == 3
    for version in await stores.list_versions(USER):
        if version.state == "published":
            dream = await start(stores, replace(NEW_DREAM, base=version.number, instructions=f"{version.number}"))
            await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
            standing = await stores.standing(USER)
            assert standing.entries_at_dream == len(await shown(stores, version.number))
            assert standing.dream_ended_at == standing.dreamed_at


async def failed(stores: Stores, *, instructions: str) -> None:
    dream = await start(stores, replace(NEW_DREAM, instructions=instructions))
    await stores.fail_dream(dream.dream_id, dream.attempt, "timeout", f"It broke {instructions}.")


async def test_failed_dreams_in_a_row_are_counted_until_one_completes(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    for attempt in ("once", "twice", "three times", "four times"):
        await failed(stores, instructions=attempt)
    standing = await stores.standing(USER)
    assert (standing.fruitless, standing.failure) == (3, "timeout: It broke four times.")
    assert standing.dreamed_at is None
    proposal = await propose(stores, archive(one))
    await stores.discard(proposal.dream_id, actor="user")
    assert (await stores.standing(USER)).fruitless == 0
    await failed(stores, instructions="again")
    assert (await stores.standing(USER)).fruitless == 1


async def by_itself(stores: Stores, instructions: str) -> Proposal:
    (one,) = await remember(stores, f"Fact {instructions}.")
    dream = await start(stores, replace(NEW_DREAM, instructions=instructions, requested_by="policy"))
    number = await stores.propose(dream.dream_id, dream.attempt, [archive(one)], ())
    assert number is not None
    await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)
    return Proposal(dream_id=dream.dream_id, version=number)


async def test_a_proposal_that_nobody_asked_for_came_to_nothing_once_it_is_thrown_away(stores: Stores) -> None:
    for number in ("1", "2"):
        proposal = await by_itself(stores, number)
        await stores.discard(proposal.dream_id, actor="user")
    standing = await stores.standing(USER)
    assert (standing.fruitless, standing.failure) == (2, None)
    proposal = await by_itself(stores, "3")
    assert (await stores.standing(USER)).fruitless == 0
    await stores.switch(USER, proposal.version, actor="user")
    assert (await stores.standing(USER)).fruitless == 0


async def test_a_dream_whose_budget_ended_with_a_proposal_was_a_dream(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    await stores.propose(dream.dream_id, dream.attempt, [archive(one)], ())
    await stores.fail_dream(dream.dream_id, dream.attempt, "budget_exceeded", "It ran out.")
    standing = await stores.standing(USER)
    assert (standing.fruitless, standing.entries_at_dream) == (0, 1)
    assert standing.dreamed_at is not None
    await stores.discard(dream.dream_id, actor="user")
    await remember(stores, "Two.")
    other = await start(stores, replace(NEW_DREAM, instructions="again"))
    await stores.fail_dream(other.dream_id, other.attempt, "budget_exceeded", "It ran out.")
    assert (await stores.standing(USER)).fruitless == 1
