"""What a dream has to compare: everything, or what is new since the last one that compared everything."""

from collections.abc import Iterable
from dataclasses import replace

from dreamkeep_store.models import DraftChange, DreamId, Embedded, Entry, EntryId, NewEntry
from dreamkeep_store.store import Stores

from .dreaming import NEW_DREAM, USER, archive, merge, remember, rewrite, shown, start

WAY = "rules 1"
RECIPE = "test 1"


async def dream(
    stores: Stores, *drafts: DraftChange, way: str = WAY, base: int | None = None, until: int | None = None
) -> tuple[DreamId, int | None]:
    """Dream these changes, having compared everything in that way; gives the version that it proposes."""
    started = await start(stores, replace(NEW_DREAM, base=base))
    await stores.mark_compared(started.dream_id, started.attempt, way, until=until)
    number = await stores.propose(started.dream_id, started.attempt, drafts, ())
    await stores.complete_dream(started.dream_id, started.attempt, recall_checked=0, recall_kept=0)
    return started.dream_id, number


async def fresh(stores: Stores, way: str = WAY, base: int | None = None) -> frozenset[EntryId] | None:
    """What a dream that starts now has to compare."""
    started = await start(stores, replace(NEW_DREAM, base=base))
    found = await stores.fresh_entries(started.dream_id, way)
    await stores.cancel_dream(started.dream_id, actor="user")
    return found


def ids(entries: Iterable[Entry]) -> frozenset[EntryId]:
    return frozenset(entry.entry_id for entry in entries)


async def test_the_first_dream_compares_everything(stores: Stores) -> None:
    await remember(stores, "One.", "Two.")
    assert await fresh(stores) is None


async def test_after_a_dream_that_found_nothing_only_what_is_new_is_compared(stores: Stores) -> None:
    await remember(stores, "One.", "Two.")
    await dream(stores)
    new = await remember(stores, "Three.", "Four.")
    assert await fresh(stores) == ids(new)


async def test_what_the_last_dream_changed_or_only_suggested_is_compared_again(stores: Stores) -> None:
    one, two, three, four, _ = await remember(stores, "One.", "Two.", "Three.", "Four.", "Five.")
    _, proposal = await dream(
        stores, merge([one, two], "Both."), rewrite(three, "Three!"), archive(four, decision="suggested")
    )
    assert proposal is not None
    await stores.switch(USER, proposal, actor="user")
    assert await fresh(stores) == {one.entry_id, three.entry_id, four.entry_id}


async def test_a_discarded_proposal_settles_nothing(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    dream_id, _ = await dream(stores, merge([one, two], "Both."))
    await stores.discard(dream_id, actor="user")
    await remember(stores, "Three.")
    assert await fresh(stores) is None


async def test_another_way_of_comparing_begins_anew(stores: Stores) -> None:
    await remember(stores, "One.", "Two.")
    await dream(stores)
    await remember(stores, "Three.")
    assert await fresh(stores, "rules 2") is None


async def test_an_entry_that_was_edited_since_is_compared_again(stores: Stores) -> None:
    one, *_ = await remember(stores, "One.", "Two.")
    await dream(stores)
    edited = NewEntry(content="One, of two.", replaces=(one.entry_id,))
    await stores.remember(USER, edited, actor="agent")
    assert await fresh(stores) == {one.entry_id}


async def test_what_a_rollback_brings_back_is_compared_again(stores: Stores) -> None:
    one, two, _ = await remember(stores, "One.", "Two.", "Three.")
    _, proposal = await dream(stores, merge([one, two], "Both."))
    assert proposal is not None
    await stores.switch(USER, proposal, actor="user")
    await stores.rollback(USER, actor="user")
    assert await fresh(stores) == {one.entry_id, two.entry_id}


async def test_a_text_that_got_its_vector_since_is_compared_again(stores: Stores) -> None:
    await stores.use_recipe(RECIPE, "test", 2)
    one, two = await remember(stores, "One.", "Two.")
    await embed(stores, "One.")
    await dream(stores, until=await stores.last_vector(RECIPE))
    await remember(stores, "Three.")
    await embed(stores, "Two.")
    assert await fresh(stores) == ids(e for e in (await shown(stores)).values() if e.content != one.content)
    assert two.content == "Two."


async def embed(stores: Stores, *texts: str) -> None:
    waiting = [text for text in await stores.texts_to_embed(RECIPE, 100) if text.text in texts]
    made = [Embedded(content_id=one.content_id, sha256=one.sha256, vector=b"\x00<\x00\x00") for one in waiting]
    await stores.put_vectors(RECIPE, made)
