"""A dream's input, checked before it is read: too large, moved to another store, damaged."""

from dataclasses import replace

import pytest

from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import DREAM_ENTRIES_MAX, StoreName
from dreamkeep_store.store import Stores

from .dreaming import NEW_DREAM, USER, connect, remember, said, start

OTHER = StoreName("other")
COPIES = """
INSERT INTO revision (
    store_id, entry_id, content_id, tier, tags, trust, asserted_at, from_seq, opened_at
)
WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number WHERE at < ?)
SELECT store_id, printf('e_%08d', at), content_id, tier, tags, trust, asserted_at, from_seq, opened_at
FROM revision CROSS JOIN number WHERE revision_id = ?
"""


async def test_what_can_be_read_is_fit(stores: Stores) -> None:
    await remember(stores, "One.")
    await stores.record_session(USER, said("Hi."), trust="user", redactions=0, actor="user")
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    assert await stores.check_input(dream.dream_id) is None


async def test_a_renamed_store_and_what_is_written_meanwhile_are_no_hindrance(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    await remember(stores, "Two.")
    await stores.forget([one.entry_id], actor="agent")
    await stores.rename_store(USER, OTHER, actor="user")
    assert await stores.check_input(dream.dream_id) is None
    assert [entry.content for entry in (await stores.material(dream.dream_id)).entries] == ["One."]


async def test_a_store_that_was_merged_into_another_is_unavailable_to_its_dream(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = await start(stores)
    await stores.merge_stores(USER, OTHER, actor="user")
    unfit = await stores.check_input(dream.dream_id)
    assert unfit is not None
    assert unfit.code == "input_memory_store_unavailable"
    assert 'start_dream(store="other")' in unfit.message


async def test_a_store_that_another_was_merged_into_dreams_on(stores: Stores) -> None:
    await remember(stores, "One.")
    await remember(stores, "Two.", store=OTHER)
    dream = await start(stores)
    await stores.merge_stores(OTHER, USER, actor="user")
    assert await stores.check_input(dream.dream_id) is None


async def test_a_store_dreams_again_over_what_was_remembered_after_it_was_merged_away(stores: Stores) -> None:
    await remember(stores, "One.")
    await stores.merge_stores(USER, OTHER, actor="user")
    await remember(stores, "Two.")
    dream = await start(stores)
    assert await stores.check_input(dream.dream_id) is None


async def test_a_session_that_went_to_another_store_is_unavailable_and_cannot_be_erased_from_meanwhile(
    stores: Stores,
) -> None:
    session = await stores.record_session(USER, said("Hi."), trust="user", redactions=0, actor="user")
    (there,) = await remember(stores, "Hi.", store=OTHER)
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    await stores.merge_stores(USER, OTHER, actor="user")
    unfit = await stores.check_input(dream.dream_id)
    assert unfit is not None
    assert unfit.code == "input_session_unavailable"
    assert session.session_id in unfit.message
    with pytest.raises(ConflictError, match=f"Dream {dream.dream_id} reads store other"):
        await stores.erase([there.entry_id], actor="user")
    await stores.cancel_dream(dream.dream_id, actor="user")
    await stores.erase([there.entry_id], actor="user")


async def test_a_session_that_lost_messages_is_unavailable(stores: Stores) -> None:
    session = await stores.record_session(USER, said("Hi.", "Ho."), trust="user", redactions=0, actor="user")
    dream = await start(stores, replace(NEW_DREAM, sessions="new"))
    behind = connect(stores.path)
    (lost,) = behind.execute("SELECT number, role, text FROM message WHERE number = 2").fetchall()
    behind.execute("DELETE FROM message WHERE number = 2")
    unfit = await stores.check_input(dream.dream_id)
    assert unfit is not None
    assert unfit.code == "input_session_unavailable"
    assert "1 of the 2 messages" in unfit.message
    behind.execute("INSERT INTO message (session_id, number, role, text) VALUES (?, ?, ?, ?)",
                   (session.session_id, *lost))  # fmt: skip
    behind.close()
    assert await stores.check_input(dream.dream_id) is None


async def test_a_version_with_a_damaged_text_is_unavailable_and_names_the_entry(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    behind = connect(stores.path)
    behind.execute("UPDATE content SET text = 'Ome.'")
    unfit = await stores.check_input(dream.dream_id)
    assert unfit is not None
    assert unfit.code == "input_memory_store_unavailable"
    assert one.entry_id in unfit.message
    behind.execute("UPDATE content SET text = 'One.'")
    behind.close()
    assert await stores.check_input(dream.dream_id) is None


@pytest.mark.parametrize(
    ("text", "copies"), [("One.", DREAM_ENTRIES_MAX), ("x" * 102_400, 2_622)], ids=["entries", "bytes"]
)
async def test_a_store_that_is_too_large_is_said_to_be_before_any_of_it_is_read(
    stores: Stores, text: str, copies: int
) -> None:
    (one,) = await remember(stores, text)
    behind = connect(stores.path)
    behind.execute(COPIES, (copies, one.revision_id))
    dream = await start(stores)
    unfit = await stores.check_input(dream.dream_id)
    assert unfit is not None
    assert unfit.code == "input_memory_store_too_large"
    assert f"{copies + 1:,} entries" in unfit.message
    with pytest.raises(ConflictError, match="500,000 entries"):
        await stores.prospective_material(USER, base=None, wanted=())
    behind.execute("DELETE FROM revision WHERE revision_id != ?", (one.revision_id,))
    behind.close()
    assert await stores.check_input(dream.dream_id) is None
