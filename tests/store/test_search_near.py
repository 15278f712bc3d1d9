"""Words and near texts together: filters, versions and proposals hold for both, and no entry comes twice."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamkeep_store import search
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import Found, NewEntry, Search, StoreName, Tier
from dreamkeep_store.store import Stores, open_stores

from .dreaming import USER, add, archive, connect, dream_and_switch, propose, remember, rewrite

NOW = datetime.now(UTC)
WORK = StoreName("project/work")


def numbers(stores: Stores, *wanted: str, store: StoreName = USER) -> list[int]:
    """The numbers of these texts, as whoever holds their vectors knows them."""
    connection = connect(stores.path)
    found = dict(
        connection.execute(
            "SELECT text, content_id FROM content JOIN store USING (store_id) WHERE name = :name", {"name": store}
        ).fetchall()
    )
    connection.close()
    return [found[text] for text in wanted]


async def find(stores: Stores, query: str, near: Sequence[int], *names: StoreName, **filters: Any) -> Found:
    return await stores.search_near(Search(query=query, stores=names or (USER,), **filters), near)


async def found(stores: Stores, query: str, near: Sequence[int], *names: StoreName, **filters: Any) -> list[str]:
    return [match.entry.content for match in (await find(stores, query, near, *names, **filters)).matches]


async def test_near_ones_come_behind_those_found_by_words_in_the_order_given_and_none_comes_twice(
    stores: Stores,
) -> None:
    await remember(stores, "Tea.", "Coffee.", "Water.", "Green tea, and more of it.")
    near = numbers(stores, "Water.", "Tea.", "Coffee.")
    result = await find(stores, "tea", [*near, *near, 999])
    assert [match.entry.content for match in result.matches] == [
        "Tea.",
        "Green tea, and more of it.",
        "Water.",
        "Coffee.",
    ]
    assert [match.score > 0 for match in result.matches] == [True, True, False, False]
    assert [match.content_id for match in result.matches][2:] == [near[0], near[2]]
    assert result.words_exhausted
    plain = await stores.search(Search(query="tea", stores=(USER,)))
    assert plain == list(result.matches[:2])


async def test_near_ones_are_found_though_no_text_has_a_word_of_the_query(stores: Stores) -> None:
    await remember(stores, "Tea.", "Coffee.")
    near = numbers(stores, "Coffee.")
    for query in ("beverage", "🍵", "??"):
        result = await find(stores, query, near)
        assert [(match.entry.content, match.score, match.words) for match in result.matches] == [("Coffee.", 0.0, ())]
        assert result.words_exhausted
    assert await found(stores, "beverage", []) == []


@pytest.mark.parametrize("query", ["", "  \n"])
async def test_nothing_is_near_to_an_empty_query(stores: Stores, query: str) -> None:
    await remember(stores, "Tea.")
    with pytest.raises(InvalidError, match="An empty query"):
        await find(stores, query, [1])


async def test_a_near_one_far_behind_by_words_has_its_bm25_too(stores: Stores) -> None:
    long_text = "A long text about many things, of which only one, far behind the others, is that drink: tea."
    await stores.remember_all(USER, [NewEntry(content=f"Tea tea tea {number}.") for number in range(900)], actor="user")
    await remember(stores, long_text, "Water.")
    result = await find(stores, "tea", numbers(stores, "Water.", long_text), limit=8)
    *said, water, far = result.matches
    assert not result.words_exhausted
    assert len(said) == search.FETCH_FIRST
    assert (water.entry.content, water.score) == ("Water.", 0.0)
    assert far.entry.content == long_text
    assert 0 < far.score < said[-1].score
    assert [far] == await stores.search(Search(query="tea", stores=(USER,), limit=1, offset=900))


async def test_found_by_words_are_as_many_as_the_page_ends_at_whatever_the_filters_take(stores: Stores) -> None:
    noise = [NewEntry(content=f"Tea tea tea {number}.", tags=("noise",)) for number in range(1_500)]
    rare = [NewEntry(content=f"Tea with this and that, such as milk {number}.", tags=("rare",)) for number in range(30)]
    await stores.remember_all(USER, [*noise, *rare], actor="user")
    few = await find(stores, "tea", [], tags=("rare",), limit=20)
    assert len(few.matches) >= 20
    everything = await find(stores, "tea", [], tags=("rare",), limit=20, offset=20)
    assert (len(everything.matches), everything.words_exhausted) == (30, True)
    assert {match.entry.tags for match in everything.matches} == {("rare",)}


async def test_filters_hold_for_what_is_near_as_for_what_says_the_words(stores: Stores) -> None:
    old = NOW - timedelta(days=400)
    for text in ("Tea.", "Near."):
        await stores.remember(
            USER,
            NewEntry(content=text, tier="persistent", tags=("a", "b"), topic="/drinks/hot", asserted_at=old),
            actor="user",
        )
    await remember(stores, "Tea, but not so.", "Near, but not so.")
    near = numbers(stores, "Near.", "Near, but not so.")
    passing: list[dict[str, Any]] = [
        {"tiers": ("persistent",)},
        {"tags": ("b",)},
        {"tags": ("a", "b")},
        {"topic": "/drinks"},
        {"topic": "/drinks/hot"},
        {"until": old},
        {"since": old - timedelta(days=1), "until": old, "tags": ("a",)},
    ]
    for filters in passing:
        assert await found(stores, "tea", near, **filters) == ["Tea.", "Near."], filters
    for filters in ({"topic": "/drink"}, {"tags": ("c",)}, {"until": old - timedelta(days=1)}):
        assert await found(stores, "tea", near, **filters) == [], filters


async def test_a_near_text_of_another_store_or_unknown_store_is_not_given(stores: Stores) -> None:
    await remember(stores, "Tea.")
    await remember(stores, "Water.", store=WORK)
    near = [*numbers(stores, "Tea."), *numbers(stores, "Water.", store=WORK)]
    assert await found(stores, "milk", near) == ["Tea."]
    assert await found(stores, "milk", near, WORK) == ["Water."]
    assert await found(stores, "milk", near, USER, WORK) == ["Tea.", "Water."]
    with pytest.raises(NotFoundError):
        await find(stores.within(frozenset({USER})), "milk", near, WORK)


async def test_what_is_forgotten_is_near_only_in_the_version_that_shows_it(stores: Stores) -> None:
    one, two, _ = await remember(stores, "Green tea.", "Black coffee.", "Milk.")
    near = numbers(stores, "Black coffee.", "Green tea.", "Milk.")
    proposal = await dream_and_switch(stores, rewrite(one, "Black tea."), archive(two))
    near += numbers(stores, "Black tea.")
    assert await found(stores, "drink", near, version=proposal.version - 1) == ["Black coffee.", "Green tea.", "Milk."]
    assert await found(stores, "drink", near, version=proposal.version) == ["Milk.", "Black tea."]
    assert await found(stores, "black", near) == ["Black tea.", "Milk."]


async def test_a_proposal_is_searched_by_nearness_as_its_base_with_what_is_included(stores: Stores) -> None:
    one, two, three = await remember(stores, "Green tea.", "Tea spoon.", "Tea pot.")
    proposal = await propose(
        stores,
        rewrite(one, "Black tea."),
        archive(two),
        archive(three, decision="suggested"),
        add("Tea time.", NOW, decision="suggested"),
    )
    near = numbers(stores, "Tea time.", "Tea pot.", "Tea spoon.", "Black tea.", "Green tea.")
    assert await found(stores, "kitchen", near, version=proposal.version) == ["Tea pot.", "Black tea."]
    assert await found(stores, "black", near, version=proposal.version) == ["Black tea.", "Tea pot."]
    assert await found(stores, "kitchen", near) == ["Tea pot.", "Tea spoon.", "Green tea."]
    await stores.decide(proposal.dream_id, accept=[4], reject=[2], actor="user")
    assert await found(stores, "kitchen", near, version=proposal.version) == [
        "Tea time.",
        "Tea pot.",
        "Tea spoon.",
        "Black tea.",
    ]


async def test_a_common_word_counts_for_a_near_one_only_where_it_was_searched_for(stores: Stores) -> None:
    await stores.remember_all(
        WORK, [NewEntry(content=f"Report {number} of the day.") for number in range(5_100)], actor="user"
    )
    await remember(stores, "The report that matters.", "A zebra.", "Milk.")
    near = numbers(stores, "Milk.", "The report that matters.")
    result = await find(stores, "zebra report", near, limit=50)
    assert [match.entry.content for match in result.matches] == ["A zebra.", "The report that matters.", "Milk."]
    assert [match.score > 0 for match in result.matches] == [True, True, False]
    enough = await find(stores, "zebra report", near, limit=1)
    assert [(match.entry.content, match.words) for match in enough.matches] == [
        ("A zebra.", ("zebra",)),
        ("Milk.", ("zebra",)),
        ("The report that matters.", ("zebra",)),
    ]
    assert [match.score > 0 for match in enough.matches] == [True, False, False]
    long_text = "A text of many words in which, behind quite a lot of others, there is a report."
    await remember(stores, long_text, "A zebra.", store=WORK)
    behind = (await find(stores, "zebra report", numbers(stores, long_text, store=WORK), WORK, limit=5)).matches[-1]
    assert behind.entry.content == long_text
    assert behind.score > 0


WORDS = ("tea", "milk", "zebra")
TEXTS = [f"{one} {other}" for one in WORDS for other in WORDS]


@given(
    said=st.lists(
        st.tuples(
            st.sampled_from((USER, WORK)),
            st.sampled_from(TEXTS),
            st.sampled_from(("persistent", "standard")),
            st.sampled_from(((), ("x",), ("x", "y"))),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[:2],
    ),
    names=st.sampled_from(((USER,), (WORK,), (USER, WORK))),
    query=st.sampled_from((*WORDS, "tea zebra", "none")),
    tiers=st.sampled_from(((), ("persistent",))),
    tags=st.sampled_from(((), ("x",), ("x", "y"))),
    near=st.lists(st.integers(1, 14), max_size=8),
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_asked_each_entry_that_passes_and_is_near_or_says_a_word_is_there_once(
    said: list[tuple[StoreName, str, Tier, tuple[str, ...]]],
    names: tuple[StoreName, ...],
    query: str,
    tiers: tuple[Tier, ...],
    tags: tuple[str, ...],
    near: list[int],
) -> None:
    async def ask() -> Found:
        async with open_stores(Path(folder) / "dreamkeep.db") as stores:
            for name in (USER, WORK):
                await remember(stores, "nothing", store=name)
            for store, text, tier, tag in said:
                await stores.remember(store, NewEntry(content=text, tier=tier, tags=tag), actor="agent")
            result = await find(stores, query, near, *names, tiers=tiers, tags=tags)
            assert await stores.verify() == []
            return result

    with tempfile.TemporaryDirectory() as folder, start_blocking_portal() as portal:
        result = portal.call(ask)
    expected = {
        (store, text)
        for number, (store, text, tier, tag) in enumerate(said, start=3)
        if store in names
        and (not tiers or tier in tiers)
        and set(tags) <= set(tag)
        and (number in near or set(query.split()) & set(text.split()))
    }
    if not tiers and not tags:
        expected |= {
            (store, "nothing") for number, store in ((1, USER), (2, WORK)) if store in names and number in near
        }
    there = [(match.entry.store, match.entry.content) for match in result.matches]
    assert len(there) == len(set(there))
    assert set(there) == expected
    assert result.words_exhausted
    assert {where for where, match in zip(there, result.matches, strict=True) if match.score > 0} == {
        (store, text) for store, text in expected if set(query.split()) & set(text.split())
    }
