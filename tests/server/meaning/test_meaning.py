"""Meaning: near texts are found, new ones by every process, and whatever fails says so."""

import math
from pathlib import Path

import anyio
import numpy as np
import pytest

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning, Near
from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import NewEntry, StoreName, TextToEmbed
from dreamkeep_store.store import Stores, open_stores

from .conftest import Remote

USER = StoreName("user")
WORK = StoreName("project/work")


async def remember(stores: Stores, *texts: str, store: StoreName = USER) -> list[str]:
    return [(await stores.remember(store, NewEntry(content=text), actor="agent")).entry_id for text in texts]


async def embed_all(meaning: Meaning, stores: Stores) -> None:
    while await meaning.embed_waiting(stores):
        pass


async def nearest(meaning: Meaning, stores: Stores, query: str, *names: StoreName, count: int = 1) -> list[str]:
    """The texts that are nearest."""
    near = await meaning.near(stores, query, names or (USER,))
    assert near is not None
    texts = await every_text(stores)
    cosines = near.cosines(np.array([text.content_id for text in texts], np.int64)).tolist()
    compared = [(cosine, text.text) for cosine, text in zip(cosines, texts, strict=True) if not math.isnan(cosine)]
    return [text for _, text in sorted(compared, reverse=True)[:count]]


def compared(near: Near) -> int:
    """How many texts the query was compared with."""
    return sum(len(similarities.values) for similarities in near.by_store)


async def every_text(stores: Stores) -> list[TextToEmbed]:
    await stores.use_recipe("for looking", "none", 1)
    return await stores.texts_to_embed("for looking", 1_000)


async def test_what_means_the_same_is_near_whatever_its_words(stores: Stores) -> None:
    await remember(
        stores, "Ana installs packages with pnpm.", "Her cat sleeps on the sofa.", "Releases go out on Tuesday."
    )
    meaning = Meaning("minilm")
    await embed_all(meaning, stores)
    assert await nearest(meaning, stores, "what animal lives with her") == ["Her cat sleeps on the sofa."]
    assert await nearest(meaning, stores, "when do we ship") == ["Releases go out on Tuesday."]


async def test_what_another_process_writes_is_near_at_once(stores: Stores, path: Path) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    meaning, others = Meaning("minilm"), Meaning("minilm")
    await embed_all(meaning, stores)
    await nearest(meaning, stores, "pets")
    async with open_stores(path) as elsewhere:
        await remember(elsewhere, "Releases go out on Tuesday.")
        await embed_all(others, elsewhere)
    assert await nearest(meaning, stores, "when do we ship") == ["Releases go out on Tuesday."]


async def test_what_was_erased_is_not_compared_any_more(stores: Stores) -> None:
    gone, _ = await remember(stores, "Her cat sleeps on the sofa.", "Releases go out on Tuesday.")
    meaning = Meaning("minilm")
    await embed_all(meaning, stores)
    await nearest(meaning, stores, "pets")
    await stores.erase([gone], actor="user")  # pyright: ignore[reportArgumentType]  # an id, as text
    near = await meaning.near(stores, "pets", [USER])
    assert near is not None
    assert compared(near) == 1


async def test_only_the_stores_that_were_named_are_compared(stores: Stores) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    await remember(stores, "Releases go out on Tuesday.", store=WORK)
    meaning = Meaning("minilm")
    await embed_all(meaning, stores)
    near = await meaning.near(stores, "pets", [WORK])
    assert near is not None
    assert compared(near) == 1
    assert len(await nearest(meaning, stores, "pets", USER, WORK, count=5)) == 2


async def test_no_embedder_means_that_nothing_is_near_and_nothing_waits(stores: Stores) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    meaning = Meaning("none")
    assert await meaning.embed_waiting(stores) == 0
    assert await meaning.near(stores, "pets", [USER]) is None


async def test_a_text_that_cannot_be_embedded_is_noted_and_its_neighbours_are_embedded(
    stores: Stores, remote: Remote
) -> None:
    await remember(stores, "abc", "xyz bad", "def")
    remote.refuses = "bad"
    meaning = Meaning(remote.setting)
    await embed_all(meaning, stores)
    (standing,) = await stores.recipes()
    assert (standing.embedded, standing.failed, standing.complete) == (2, 1, True)
    assert await nearest(meaning, stores, "ccbbaa") == ["abc"]


async def test_an_embedder_that_is_down_fails_no_text_and_is_left_alone_for_a_while(
    stores: Stores, remote: Remote
) -> None:
    await remember(stores, "abc", "def")
    meaning = Meaning(remote.setting)
    await embed_all(meaning, stores)
    await remember(stores, "ghi")
    remote.down = True
    with pytest.raises(EmbedderError):
        await meaning.embed_waiting(stores)
    (standing,) = await stores.recipes()
    assert (standing.embedded, standing.failed, standing.texts) == (2, 0, 3)
    with pytest.raises(EmbedderError):
        await meaning.near(stores, "abc", [USER])
    asked = remote.asked
    with pytest.raises(EmbedderError):
        await meaning.near(stores, "abc", [USER])
    assert remote.asked == asked


async def test_an_embedder_that_hangs_is_waited_for_only_so_long(
    stores: Stores, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remember(stores, "abc")
    meaning = Meaning(remote.setting)
    await embed_all(meaning, stores)
    monkeypatch.setattr("dreamkeep_server.meaning.meaning.EMBED_SECONDS_MAX", 0.05)
    remote.held.clear()
    with pytest.raises(EmbedderError, match="longer than"):
        await meaning.near(stores, "abc", [USER])
    remote.held.set()


async def test_another_embedder_takes_over_once_it_has_covered_everything(
    stores: Stores, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamkeep_server.meaning.meaning.CHOOSE_SECONDS", 0.0)
    monkeypatch.setattr("dreamkeep_server.meaning.waiting.TEXTS_AT_ONCE", 1)
    await remember(stores, "Her cat sleeps on the sofa.", "abc")
    await embed_all(Meaning("minilm"), stores)
    changed = Meaning(remote.setting)
    near = await changed.near(stores, "what animal lives with her", [USER])
    assert near is not None
    assert (near.covered, compared(near)) == (False, 2)
    assert await nearest(changed, stores, "what animal lives with her") == ["Her cat sleeps on the sofa."]
    assert await changed.embed_waiting(stores) == 1
    assert await nearest(changed, stores, "what animal lives with her") == ["Her cat sleeps on the sofa."]
    await embed_all(changed, stores)
    near = await changed.near(stores, "bca", [USER])
    assert near is not None
    assert near.covered
    assert await nearest(changed, stores, "bca") == ["abc"]


async def test_many_recalls_at_once_load_the_embedder_and_the_vectors_once(stores: Stores, remote: Remote) -> None:
    await remember(stores, "abc")
    await embed_all(Meaning(remote.setting), stores)
    meaning = Meaning(remote.setting)
    before = remote.asked
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(nearest, meaning, stores, "cba")
    opening = remote.asked - before - 8
    assert opening <= 1


async def test_an_endpoint_that_the_owner_has_unset_is_asked_nothing(stores: Stores, remote: Remote) -> None:
    await remember(stores, "abc")
    await embed_all(Meaning(remote.setting), stores)
    asked = remote.asked
    with pytest.raises(EmbedderError, match="still being embedded"):
        await Meaning("minilm").near(stores, "a private question", [USER])
    assert remote.asked == asked


async def test_a_query_that_cannot_be_embedded_stops_nobody_elses(stores: Stores, remote: Remote) -> None:
    await remember(stores, "abc", "xyz")
    meaning = Meaning(remote.setting)
    await embed_all(meaning, stores)
    remote.refuses = "???"
    with pytest.raises(EmbedderError):
        await meaning.near(stores, "???", [USER])
    assert await nearest(meaning, stores, "ccbbaa") == ["abc"]


async def test_a_window_goes_on_when_another_has_dropped_its_vectors(stores: Stores) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    meaning = Meaning("minilm")
    await embed_all(meaning, stores)
    await nearest(meaning, stores, "pets")
    (recipe,) = [one.recipe for one in await stores.recipes() if one.setting == "minilm"]
    await stores.drop_recipe(recipe)
    with pytest.raises(EmbedderError, match="still being embedded"):
        await meaning.near(stores, "pets", [USER])
    await embed_all(meaning, stores)
    assert await nearest(meaning, stores, "pets") == ["Her cat sleeps on the sofa."]


async def test_what_failed_while_the_embedder_was_in_trouble_is_tried_again(stores: Stores, remote: Remote) -> None:
    await remember(stores, "abc", "xyz bad")
    remote.refuses = "bad"
    await embed_all(Meaning(remote.setting), stores)
    remote.refuses = None
    later = Meaning(remote.setting)
    await later.try_failed_again(stores)
    await embed_all(later, stores)
    (standing,) = await stores.recipes()
    assert (standing.embedded, standing.failed) == (2, 0)


async def test_embedding_that_was_killed_half_way_is_finished_by_the_next_worker(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamkeep_server.meaning.waiting.TEXTS_AT_ONCE", 4)
    monkeypatch.setattr("dreamkeep_server.meaning.backlog.LEASE_SECONDS", 1.0)
    await remember(stores, *(f"Text number {number}." for number in range(30)))
    killed = Meaning("minilm")
    assert await killed.texts_wait(stores)
    (standing,) = await stores.recipes()
    assert await stores.claim_embedding(standing.recipe, "the one that is killed", lease_seconds=1.0)
    await killed.embed_waiting(stores)
    with anyio.fail_after(60):
        await run_worker(stores, Meaning("minilm"), idle_seconds=0.0)
    (standing,) = await stores.recipes()
    assert (standing.embedded, standing.complete) == (30, True)
