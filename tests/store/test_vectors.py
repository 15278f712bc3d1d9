"""Vectors in the store: none is lost, none outlives its text, and every process reads what every other one wrote."""

import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from dreamkeep_store import recipes, vectors
from dreamkeep_store.database import migrations, statements
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import DreamId, Embedded, EntryId, RecipeStanding, StoreName, TextToEmbed
from dreamkeep_store.store import Stores, open_stores

from .dreaming import USER, connect, merge, propose, remember, start, texts

WORK = StoreName("project/work")
RECIPE = "tiny 1"
OTHER = "tiny 2"
DIMENSIONS = 4
SECRET = "Zanzibarq quaggaw xerusv."


def vector_of(text: str, recipe: str = RECIPE) -> bytes:
    """What stands for an embedding: bytes that no other text, and no other recipe, gives."""
    return hashlib.sha256(f"{recipe}: {text}".encode()).digest()[: 2 * DIMENSIONS]


def embed(waiting: TextToEmbed, recipe: str = RECIPE) -> Embedded:
    return Embedded(content_id=waiting.content_id, sha256=waiting.sha256, vector=vector_of(waiting.text, recipe))


def fail(waiting: TextToEmbed) -> Embedded:
    return Embedded(content_id=waiting.content_id, sha256=waiting.sha256, problem="The embedder gave NaN.")


async def use(stores: Stores, recipe: str = RECIPE) -> None:
    await stores.use_recipe(recipe, "tiny", DIMENSIONS)


async def embed_all(
    stores: Stores, recipe: str = RECIPE, become: Callable[[TextToEmbed, str], Embedded] = embed, batch: int = 3
) -> int:
    """Embed whatever waits; gives how many texts that were."""
    done = 0
    while waiting := await stores.texts_to_embed(recipe, batch):
        assert await stores.put_vectors(recipe, [become(text, recipe) for text in waiting]) == len(waiting)
        done += len(waiting)
    return done


async def standing(stores: Stores, recipe: str = RECIPE) -> RecipeStanding:
    (found,) = [one for one in await stores.recipes() if one.recipe == recipe]
    return found


def counts(found: RecipeStanding) -> tuple[int, int, int, bool]:
    return found.texts, found.embedded, found.failed, found.complete


@dataclass(kw_only=True)
class Copy:
    """What a server holds of one recipe in memory, kept up as `read_vectors` says."""

    recipe: str
    held: dict[StoreName, dict[int, bytes]] = field(default_factory=dict[StoreName, dict[int, bytes]])
    editions: dict[StoreName, tuple[int, int, int, int]] = field(
        default_factory=dict[StoreName, tuple[int, int, int, int]]
    )
    last: dict[StoreName, int] = field(default_factory=dict[StoreName, int])

    async def refresh(self, stores: Stores, names: Sequence[StoreName], limit: int = 1_000) -> None:
        more = True
        while more:
            page = await stores.read_vectors(names, self.recipe, after=self.last, limit=limit)
            more = page.more
            for name, read in page.stores.items():
                if self.editions.get(name, read.edition) != read.edition:
                    self.held[name], self.last[name], more = {}, 0, True
                else:
                    self.held.setdefault(name, {}).update(cut(read.content_ids, read.vectors))
                    self.last[name] = read.last
                self.editions[name] = read.edition


def cut(content_ids: Sequence[int], joined: bytes) -> Mapping[int, bytes]:
    width = 2 * DIMENSIONS
    assert len(joined) == width * len(content_ids)
    return {one: joined[place * width : (place + 1) * width] for place, one in enumerate(content_ids)}


async def held(stores: Stores, *names: StoreName, recipe: str = RECIPE, limit: int = 1_000) -> set[bytes]:
    copy = Copy(recipe=recipe)
    await copy.refresh(stores, names or (USER,), limit)
    return {vector for of_store in copy.held.values() for vector in of_store.values()}


# Recipes


async def test_a_recipe_is_made_once_and_keeps_the_newest_setting(stores: Stores) -> None:
    first = await stores.use_recipe(RECIPE, "folder:/a", DIMENSIONS)
    assert await stores.use_recipe(RECIPE, "folder:/a", DIMENSIONS) == first
    moved = await stores.use_recipe(RECIPE, "folder:/b", DIMENSIONS)
    assert [(one.recipe, one.setting) for one in await stores.recipes()] == [(RECIPE, "folder:/b")]
    assert (moved.setting, moved.dimensions) == ("folder:/b", DIMENSIONS)


async def test_what_no_recipe_can_be_is_refused_in_a_sentence(stores: Stores) -> None:
    await use(stores)
    for recipe, dimensions in ((RECIPE, DIMENSIONS + 1), (" ", 4), ("new", 0), ("new", recipes.DIMENSIONS_MAX + 1)):
        with pytest.raises(InvalidError):
            await stores.use_recipe(recipe, "tiny", dimensions)
    with pytest.raises(NotFoundError, match="no vectors by the recipe 'none'; there is: tiny 1"):
        await stores.texts_to_embed("none", 1)
    for call in (
        stores.put_vectors("none", []),
        stores.read_vectors([], "none", after={}, limit=1),
        stores.claim_embedding("none", "a", lease_seconds=1),
        stores.forget_vectors("none"),
        stores.drop_recipe("none"),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_limits_of_vectors_are_refused_in_a_sentence(stores: Stores) -> None:
    await remember(stores, "Tea.")
    await use(stores)
    (tea,) = await stores.texts_to_embed(RECIPE, 10)
    wrong = (
        Embedded(content_id=tea.content_id, sha256=tea.sha256),
        Embedded(content_id=tea.content_id, sha256=tea.sha256, vector=vector_of("Tea."), problem="Both."),
        Embedded(content_id=tea.content_id, sha256=tea.sha256, vector=b"\0" * (2 * DIMENSIONS - 1)),
        Embedded(content_id=tea.content_id, sha256=tea.sha256, vector=b""),
    )
    for one in wrong:
        with pytest.raises(InvalidError, match=f"text {tea.content_id} "):
            await stores.put_vectors(RECIPE, [one])
    with pytest.raises(InvalidError, match="Split the call"):
        await stores.put_vectors(RECIPE, [embed(tea)] * (vectors.TEXTS_MAX + 1))
    for limit in (0, vectors.TEXTS_MAX + 1):
        with pytest.raises(InvalidError):
            await stores.texts_to_embed(RECIPE, limit)
    for limit in (0, vectors.PAGE_MAX + 1):
        with pytest.raises(InvalidError):
            await stores.read_vectors([USER], RECIPE, after={}, limit=limit)
    assert await stores.texts_to_embed(RECIPE, 10) == [tea]


async def test_a_recipe_is_complete_when_every_text_was_embedded_or_failed(stores: Stores) -> None:
    await use(stores, OTHER)
    assert (await standing(stores, OTHER)).complete_at is not None, "there was nothing to embed"
    await remember(stores, "Tea.", "Coffee.")
    await remember(stores, "Tea.", store=WORK)
    await use(stores)
    assert counts(await standing(stores)) == (3, 0, 0, False)
    first, *rest = await stores.texts_to_embed(RECIPE, 10)
    await stores.put_vectors(RECIPE, [fail(first)])
    assert counts(await standing(stores)) == (3, 0, 1, False)
    assert (await standing(stores)).complete_at is None
    await stores.put_vectors(RECIPE, [embed(text) for text in rest])
    complete = await standing(stores)
    assert counts(complete) == (3, 2, 1, True)
    await remember(stores, "Water.")
    later = await standing(stores)
    assert counts(later) == (4, 2, 1, False)
    assert later.complete_at == complete.complete_at is not None
    assert [one.embedded for one in await stores.recipes()] == [0, 2]


async def test_the_newest_and_the_oldest_texts_are_had_from_either_end(stores: Stores) -> None:
    await remember(stores, *(f"Fact {number}." for number in range(9)))
    await use(stores)
    newest = await stores.texts_to_embed(RECIPE, 4, newest=True)
    assert [one.text for one in newest] == ["Fact 8.", "Fact 7.", "Fact 6.", "Fact 5."]
    await stores.put_vectors(RECIPE, [embed(one) for one in newest])
    oldest = await stores.texts_to_embed(RECIPE, 100)
    assert [one.text for one in oldest] == [f"Fact {number}." for number in range(5)]
    assert oldest == (await stores.texts_to_embed(RECIPE, 100, newest=True))[::-1]


async def test_how_far_a_recipe_has_come_is_noted_though_nothing_was_left_to_embed(
    stores: Stores, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "ADVANCE_MAX", 2)
    first, *_ = await remember(stores, *(f"Fact {number}." for number in range(9)))
    await use(stores)
    await stores.put_vectors(RECIPE, [embed(one) for one in await stores.texts_to_embed(RECIPE, 100)])
    (last,) = await remember(stores, "One more.")
    await stores.texts_to_embed(RECIPE, 1)
    assert through(path) < 9, "something waits, so a write would be for nothing"
    await stores.erase([first.entry_id, last.entry_id], actor="user")
    assert await stores.texts_to_embed(RECIPE, 1, newest=True) == []
    assert through(path) == 9
    assert (await standing(stores)).complete_at is not None


def through(path: Path) -> int:
    connection = connect(path)
    ((found,),) = connection.execute("SELECT through FROM recipe").fetchall()
    connection.close()
    return found


async def test_the_backlog_is_one_owners_until_the_lease_runs_out_or_is_given_back(stores: Stores) -> None:
    await use(stores)
    assert await stores.claim_embedding(RECIPE, "one", lease_seconds=60)
    assert not await stores.claim_embedding(RECIPE, "two", lease_seconds=60)
    assert await stores.claim_embedding(RECIPE, "one", lease_seconds=0), "claiming again renews"
    assert (await standing(stores)).lease_owner == "one"
    assert await stores.claim_embedding(RECIPE, "two", lease_seconds=60), "it ran out"
    await stores.release_embedding(RECIPE, "one")
    assert not await stores.claim_embedding(RECIPE, "one", lease_seconds=60)
    await stores.release_embedding(RECIPE, "two")
    assert (await standing(stores)).lease_until is None
    assert await stores.claim_embedding(RECIPE, "one", lease_seconds=60)


# Reading


async def test_what_another_process_wrote_is_read_at_once_and_only_what_is_new(stores: Stores, path: Path) -> None:
    await remember(stores, "Tea.")
    await use(stores)
    await embed_all(stores)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    async with open_stores(path) as others:
        await remember(others, "Coffee.")
        await embed_all(others)
    with anyio.fail_after(60):
        await anyio.run_process([sys.executable, "-W", "error", "-c", REMEMBER_AND_EMBED, str(path), RECIPE])
    page = await stores.read_vectors((USER,), RECIPE, after=copy.last, limit=10)
    assert cut(page.stores[USER].content_ids, page.stores[USER].vectors) == {
        2: vector_of("Coffee."),
        3: b"\1" * 2 * DIMENSIONS,
    }
    assert page.stores[USER].edition == copy.editions[USER]


REMEMBER_AND_EMBED = """
import sys, anyio
from pathlib import Path
from dreamkeep_store.models import Embedded, NewEntry, StoreName
from dreamkeep_store.store import open_stores

async def main():
    async with open_stores(Path(sys.argv[1])) as stores:
        await stores.remember(StoreName("user"), NewEntry(content="Water."), actor="agent")
        (text,) = await stores.texts_to_embed(sys.argv[2], 10)
        vector = Embedded(content_id=text.content_id, sha256=text.sha256, vector=bytes([1] * 8))
        await stores.put_vectors(sys.argv[2], [vector])

anyio.run(main)
"""


@pytest.mark.promise("concurrent-windows")
async def test_processes_that_embed_from_both_ends_while_others_write_and_erase_miss_nothing(
    stores: Stores, path: Path
) -> None:
    await remember(stores, *(f"Old {number}." for number in range(150)))
    await use(stores)
    copy = Copy(recipe=RECIPE)
    with anyio.fail_after(120):
        async with anyio.create_task_group() as embedders:
            for end in ("newest", "oldest"):
                embedders.start_soon(
                    anyio.run_process, [sys.executable, "-W", "error", "-c", EMBED_UNTIL_STOP, str(path), RECIPE, end]
                )
            for number in range(60):
                entries = await remember(stores, f"Kept {number}.", f"Erased {number}.", f"Erased too {number}.")
                await copy.refresh(stores, (USER,), limit=7)
                await stores.erase([entry.entry_id for entry in entries[1:]], actor="user")
            await remember(stores, "Stop.")
    await embed_all(stores)
    await copy.refresh(stores, (USER,))
    kept = [*(f"Old {number}." for number in range(150)), *(f"Kept {number}." for number in range(60)), "Stop."]
    assert sorted(copy.held[USER].values()) == sorted(vector_of(text) for text in kept)


EMBED_UNTIL_STOP = """
import hashlib, sys, anyio
from pathlib import Path
from dreamkeep_store.models import Embedded, Search, StoreName
from dreamkeep_store.store import open_stores

async def main():
    recipe, newest = sys.argv[2], sys.argv[3] == "newest"
    stop = Search(query="stop", stores=(StoreName("user"),))
    async with open_stores(Path(sys.argv[1])) as stores:
        while not await stores.search(stop):
            texts = await stores.texts_to_embed(recipe, 4, newest=newest)
            await stores.put_vectors(
                recipe,
                [
                    Embedded(
                        content_id=text.content_id,
                        sha256=text.sha256,
                        vector=hashlib.sha256(f"{recipe}: {text.text}".encode()).digest()[:8],
                    )
                    for text in texts
                ],
            )

anyio.run(main)
"""


async def test_two_that_embed_the_same_text_keep_one_vector(stores: Stores, path: Path) -> None:
    await remember(stores, "Tea.", "Coffee.")
    await use(stores)
    async with open_stores(path) as others:
        mine, theirs = await stores.texts_to_embed(RECIPE, 2), await others.texts_to_embed(RECIPE, 2)
        assert await others.put_vectors(RECIPE, [embed(theirs[0])]) == 1
        assert await stores.put_vectors(RECIPE, [fail(mine[0]), embed(mine[1]), embed(mine[1])]) == 1
    assert await held(stores) == {vector_of("Tea."), vector_of("Coffee.")}


async def test_vectors_come_store_by_store_in_pages_and_never_two_recipes_together(stores: Stores) -> None:
    await remember(stores, *(f"Fact {number}." for number in range(7)))
    await remember(stores, "Tea.", "Fact 1.", store=WORK)
    for recipe in (RECIPE, OTHER):
        await use(stores, recipe)
        await embed_all(stores, recipe)
    for recipe in (RECIPE, OTHER):
        ours = {vector_of(f"Fact {number}.", recipe) for number in range(7)}
        assert await held(stores, recipe=recipe, limit=2) == ours
        assert await held(stores, WORK, recipe=recipe) == {vector_of("Tea.", recipe), vector_of("Fact 1.", recipe)}
        assert await held(stores, USER, WORK, recipe=recipe, limit=3) == ours | {vector_of("Tea.", recipe)}
    page = await stores.read_vectors((USER, WORK), RECIPE, after={}, limit=8)
    assert (len(page.stores[USER].content_ids), len(page.stores[WORK].content_ids), page.more) == (7, 1, True)
    assert not (await stores.read_vectors((USER, WORK), RECIPE, after={}, limit=10)).more


async def test_a_store_that_a_caller_may_not_know_gives_no_vectors(stores: Stores) -> None:
    await remember(stores, "Tea.")
    await remember(stores, "Coffee.", store=WORK)
    await use(stores)
    await embed_all(stores)
    ours = stores.within(frozenset({USER}))
    assert await held(ours) == {vector_of("Tea.")}
    with pytest.raises(NotFoundError):
        await held(ours, USER, WORK)


async def test_a_store_that_took_anothers_name_gives_its_own_vectors(stores: Stores) -> None:
    await remember(stores, "Tea.", "Coffee.")
    await use(stores)
    await embed_all(stores)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    await remember(stores, "Water.", store=WORK)
    await embed_all(stores)
    await stores.rename_store(USER, StoreName("old"), actor="user")
    await stores.rename_store(WORK, USER, actor="user")
    await copy.refresh(stores, (USER,))
    assert set(copy.held[USER].values()) == {vector_of("Water.")}


async def test_what_a_dream_proposes_is_embedded_before_anybody_switches(stores: Stores) -> None:
    one, two = await remember(stores, "Tea.", "Tea!")
    await use(stores)
    await embed_all(stores)
    await propose(stores, merge([one, two], "Tea, twice."))
    assert await embed_all(stores) == 1
    assert vector_of("Tea, twice.") in await held(stores)


# Ends


async def test_an_erased_texts_vector_is_in_no_table_and_no_file(stores: Stores, path: Path) -> None:
    await remember(stores, *(f"Filler {number}." for number in range(50)))
    (entry,) = await remember(stores, SECRET)
    for recipe in (RECIPE, OTHER):
        await use(stores, recipe)
        await embed_all(stores, recipe)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    assert any(vector_of(SECRET) in file.read_bytes() for file in path.parent.iterdir())
    erased = await stores.erase([entry.entry_id], actor="user")
    assert erased.log_emptied
    for recipe in (RECIPE, OTHER):
        for file in path.parent.iterdir():
            content = file.read_bytes()
            assert vector_of(SECRET, recipe) not in content
            assert hashlib.sha256(vector_of(SECRET, recipe)).digest() not in content
    await copy.refresh(stores, (USER,))
    assert vector_of(SECRET) not in copy.held[USER].values()
    assert len(copy.held[USER]) == 50


async def test_a_text_that_takes_an_erased_ones_number_meets_no_old_vector(stores: Stores) -> None:
    """The hole below the last text is the trap: an id at or below `through` that a new text gets."""
    _, two, three = await remember(stores, "One.", "Two.", "Three.")
    await use(stores)
    await embed_all(stores)
    (secret,) = await remember(stores, SECRET)
    (stale,) = await stores.texts_to_embed(RECIPE, 10)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    await stores.erase([two.entry_id], actor="user")
    await stores.put_vectors(RECIPE, [])  # notes how far the recipe has come: over the hole, to the third
    await stores.erase([three.entry_id, secret.entry_id], actor="user")
    await remember(stores, "Four.", "Five.", "Six.")
    waiting = await stores.texts_to_embed(RECIPE, 10)
    assert [text.text for text in waiting] == ["Four.", "Five.", "Six."]
    assert stale.content_id in {text.content_id for text in waiting}
    assert await stores.put_vectors(RECIPE, [embed(stale)]) == 0
    await embed_all(stores)
    await copy.refresh(stores, (USER,))
    assert set(copy.held[USER].values()) == {vector_of(text) for text in ("One.", "Four.", "Five.", "Six.")}


async def test_a_damaged_vector_is_left_out_found_and_made_anew(path: Path) -> None:
    async with open_stores(path) as stores:
        await remember(stores, "Tea.", "Coffee.", "Water.")
        await use(stores)
        await embed_all(stores)
    connection = connect(path)
    connection.execute("UPDATE vector SET vector = zeroblob(8) WHERE content_id = 1")
    connection.execute(
        "UPDATE vector SET vector = zeroblob(6), sha256 = :sha256 WHERE content_id = 2",
        {"sha256": hashlib.sha256(bytes(6)).digest()},
    )
    connection.close()
    async with open_stores(path) as stores:
        problems = await stores.verify()
        assert [problem.where for problem in problems] == ["vector 1 of content 1", "vector 2 of content 2"]
        assert all("dreamkeep reindex" in problem.what for problem in problems)
        page = await stores.read_vectors((USER,), RECIPE, after={}, limit=10)
        assert (page.stores[USER].damaged, page.stores[USER].content_ids, page.stores[USER].last) == (2, (3,), 3)
        await stores.forget_vectors(RECIPE)
        assert await embed_all(stores) == 3
        assert await held(stores) == {vector_of("Tea."), vector_of("Coffee."), vector_of("Water.")}
        assert await stores.verify() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM vector WHERE content_id = 1", "has no vector"),
        ("UPDATE recipe SET through = 3", "not there yet"),
        ("UPDATE vector SET store_id = 2 WHERE content_id = 1", "another store"),
        ("DELETE FROM content WHERE content_id = 1", "not there"),
    ],
)
async def test_vectors_that_do_not_fit_the_texts_are_found(path: Path, damage: str, said: str) -> None:
    async with open_stores(path) as stores:
        await remember(stores, "Tea.")
        await remember(stores, "Coffee.", store=WORK)
        await use(stores)
        await embed_all(stores)
    connection = connect(path)
    connection.execute("DROP TRIGGER content_gone")
    connection.execute(damage)
    connection.close()
    async with open_stores(path) as stores:
        assert any(said in problem.what for problem in await stores.verify())


async def test_what_failed_is_tried_again_when_it_is_asked_for(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "FORGET_MAX", 2)
    await remember(stores, *(f"Fact {number}." for number in range(10)))
    await use(stores)
    await embed_all(stores, become=lambda text, _: fail(text) if text.content_id % 2 else embed(text))
    before = await standing(stores)
    assert counts(before) == (10, 5, 5, True)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    await stores.forget_vectors(RECIPE, failed_only=True)
    assert counts(await standing(stores)) == (10, 5, 0, False)
    assert (await standing(stores)).complete_at == before.complete_at
    page = await stores.read_vectors((USER,), RECIPE, after=copy.last, limit=10)
    assert (page.stores[USER].edition, page.stores[USER].content_ids) == (copy.editions[USER], ())
    assert await embed_all(stores) == 5
    assert len(await held(stores)) == 10


async def test_forgetting_a_recipes_vectors_lets_every_text_wait_again(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "FORGET_MAX", 3)
    await remember(stores, *(f"Fact {number}." for number in range(10)))
    for recipe in (RECIPE, OTHER):
        await use(stores, recipe)
        await embed_all(stores, recipe)
    copy = Copy(recipe=RECIPE)
    await copy.refresh(stores, (USER,))
    await stores.forget_vectors(RECIPE)
    assert counts(await standing(stores)) == (10, 0, 0, False)
    assert (await standing(stores)).complete_at is None
    await copy.refresh(stores, (USER,))
    assert copy.held[USER] == {}
    assert counts(await standing(stores, OTHER)) == (10, 10, 0, True)
    assert await embed_all(stores) == 10
    assert (await standing(stores)).complete_at is not None


async def test_an_old_recipe_goes_with_all_its_vectors_and_may_come_back(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "FORGET_MAX", 3)
    await remember(stores, *(f"Fact {number}." for number in range(6)))
    for recipe in (RECIPE, OTHER):
        await use(stores, recipe)
        await embed_all(stores, recipe)
    copy = Copy(recipe=OTHER)
    await copy.refresh(stores, (USER,))
    await stores.drop_recipe(OTHER)
    assert [one.recipe for one in await stores.recipes()] == [RECIPE]
    with pytest.raises(NotFoundError):
        await copy.refresh(stores, (USER,))
    await use(stores, OTHER)
    await copy.refresh(stores, (USER,))
    assert copy.held[USER] == {}
    await embed_all(stores, OTHER, become=lambda text, _: embed(text, "another"))
    await copy.refresh(stores, (USER,))
    assert set(copy.held[USER].values()) == {vector_of(f"Fact {number}.", "another") for number in range(6)}


async def test_a_database_from_before_the_vectors_gets_them(path: Path) -> None:
    make_first_database(path)
    async with open_stores(path) as stores:
        assert await texts(stores) == ["Tea.", "Zebra."]
        assert await stores.recipes() == []
        await use(stores)
        assert await embed_all(stores) == 2
        assert await held(stores) == {vector_of("Tea."), vector_of("Zebra.")}
        assert await stores.verify() == []


def make_first_database(path: Path) -> None:
    """A database as the first release wrote it, with two entries."""
    path.parent.mkdir(parents=True)
    connection = connect(path)
    for statement in statements(migrations()[0][1]):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO store (store_id, name, seq, head, created_at) VALUES (1, 'user', 2, 1, 0)")
    connection.execute(
        """
        INSERT INTO version (store_id, number, kind, state, seq, created_at, published_at)
        VALUES (1, 1, 'initial', 'published', 0, 0, 0)
        """
    )
    for number, text in enumerate(("Tea.", "Zebra."), start=1):
        row = {"id": number, "text": text, "sha256": hashlib.sha256(text.encode()).digest(), "salt": bytes(16)}
        connection.execute(
            "INSERT INTO content (content_id, store_id, sha256, salt, text) VALUES (:id, 1, :sha256, :salt, :text)", row
        )
        connection.execute("INSERT INTO content_fts (rowid, text) VALUES (:id, :text)", row)
        connection.execute(
            """
            INSERT INTO revision (
                store_id, entry_id, content_id, tier, tags, trust, asserted_at, from_seq, opened_at
            ) VALUES (1, 'e_first00' || :id, :id, 'standard', '[]', 'agent', 0, :id, 0)
            """,
            row,
        )
    connection.close()


async def test_a_dream_reads_the_vectors_of_its_own_version_up_to_a_number(stores: Stores, path: Path) -> None:
    await use(stores)
    kept = await remember(stores, "tea", "coffee", "milk", "salt")
    await remember(stores, "elsewhere", store=WORK)
    await stores.forget([kept[3].entry_id], reason="", actor="agent")
    dream = await start(stores)
    while_it_runs = await remember(stores, "later")
    await embed_all(stores)
    until = await stores.last_vector(RECIPE)
    await stores.forget([kept[0].entry_id], reason="", actor="agent")
    read = [one async for one in pages(stores, dream.dream_id, until)]
    assert read == sorted((one.entry_id, vector_of(one.content)) for one in kept[:3])
    assert while_it_runs[0].entry_id not in dict(read)
    assert [one async for one in pages(stores, dream.dream_id, 0)] == []
    behind = connect(path)
    (sound,) = behind.execute("SELECT vector FROM vector WHERE vector_id = 1").fetchone()
    behind.execute("UPDATE vector SET vector = zeroblob(8) WHERE vector_id = 1")
    assert [vector for _, vector in [one async for one in pages(stores, dream.dream_id, until)]].count(None) == 1
    behind.execute("UPDATE vector SET vector = :sound WHERE vector_id = 1", {"sound": sound})
    with pytest.raises(NotFoundError):
        await stores.vectors_of_dream(dream.dream_id, OTHER, until=until, after=EntryId(""), limit=1)


async def pages(stores: Stores, dream_id: DreamId, until: int) -> AsyncIterator[tuple[EntryId, bytes | None]]:
    after = EntryId("")
    while page := await stores.vectors_of_dream(dream_id, RECIPE, until=until, after=after, limit=2):
        for one in page:
            yield one
        after = page[-1][0]
