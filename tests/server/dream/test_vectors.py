"""Which vectors a dream goes by: fixed once, whatever is embedded or fails later."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dreamkeep_server.dream.pipeline import Progress, run_dream
from dreamkeep_server.dream.vectors import fixed_vectors
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.models import Dream, EntryId, NewDream, NewEntry, StoreName
from dreamkeep_store.store import Stores, open_stores

USER = StoreName("user")
ONE = "The physician treats children on Tuesdays"
SAME = "The doctor treats kids on Tuesdays"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "dreamkeep.db") as opened:
        yield opened
        assert await opened.verify() == []


async def remember(stores: Stores, *texts: str) -> list[EntryId]:
    return [(await stores.remember(USER, NewEntry(content=text), actor="agent")).entry_id for text in texts]


async def claimed(stores: Stores) -> Dream:
    await stores.start_dream(
        NewDream(store=USER, requested_by="test"),
    )
    dream = await stores.claim_dream("test", lease_seconds=60)
    assert dream is not None
    return dream


def ignore(_count: int) -> None:
    """Watch nothing."""


async def test_what_has_no_vector_gets_one_before_the_dream_looks_for_candidates(stores: Stores):
    ids = await remember(stores, ONE, SAME)
    counted: list[int] = []
    vectors = await fixed_vectors(stores, await claimed(stores), Meaning("minilm"), counted.append)
    assert vectors is not None
    cosine = vectors.of(ids).cosine(0, 1)
    assert cosine is not None
    assert cosine > 0.9
    assert counted == [2]


async def test_a_dream_finds_what_means_the_same_and_only_suggests_it(stores: Stores):
    await remember(stores, ONE, SAME)
    dream = await run_dream(stores, await claimed(stores), Progress(), Meaning("minilm"))
    assert dream.status == "completed"
    assert list(dream.counts) == ["merge/medium/suggested"]


async def test_without_an_embedder_a_dream_goes_by_words(stores: Stores):
    await remember(stores, ONE, SAME)
    dream = await run_dream(stores, await claimed(stores), Progress(), Meaning("none"))
    assert dream.status == "completed"
    assert dream.counts == {}


async def test_a_later_attempt_goes_by_the_vectors_of_the_first(stores: Stores):
    ids = await remember(stores, ONE, SAME)
    dream = await claimed(stores)
    first = await fixed_vectors(stores, dream, Meaning("minilm"), ignore)
    again = await fixed_vectors(stores, dream, None, ignore)
    assert first is not None
    assert again is not None
    assert again.places == first.places == {one: at for at, one in enumerate(sorted(ids))}
    assert again.rows.tolist() == first.rows.tolist()


async def test_a_dream_whose_embedder_failed_goes_by_words_to_its_end(stores: Stores):
    await remember(stores, ONE, SAME)
    dream = await claimed(stores)
    broken = Meaning("model2vec:/there/is/no/such/folder")
    assert await fixed_vectors(stores, dream, broken, ignore) is None
    assert await fixed_vectors(stores, dream, Meaning("minilm"), ignore) is None


async def test_a_recipe_that_was_taken_away_leaves_the_dream_to_words(stores: Stores):
    await remember(stores, ONE, SAME)
    dream = await claimed(stores)
    meaning = Meaning("minilm")
    assert await fixed_vectors(stores, dream, meaning, ignore) is not None
    embedder = await meaning.embedder()
    assert embedder is not None
    await stores.drop_recipe(embedder.recipe)
    assert await fixed_vectors(stores, dream, meaning, ignore) is None
