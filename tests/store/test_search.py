"""Full-text search: hostile queries, every language, filters that lose nothing, versions, proposals, pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import Match, NewEntry, Recalled, Search, StoreName
from dreamkeep_store.store import Stores

from .dreaming import USER, add, archive, dream_and_switch, propose, remember, rewrite

NOW = datetime.now(UTC)
WORK = StoreName("project/work")


async def find(stores: Stores, query: str, *names: StoreName, **filters: Any) -> list[Match]:
    return await stores.search(Search(query=query, stores=names or (USER,), **filters))


async def found(stores: Stores, query: str, *names: StoreName, **filters: Any) -> list[str]:
    return [match.entry.content for match in await find(stores, query, *names, **filters)]


@pytest.mark.parametrize(
    "query",
    [
        "user:alice",
        "well-known",
        'an "open quote',
        "tea AND",
        "NOT tea",
        "NEAR(tea coffee)",
        "tea*",
        "^tea",
        "{text} : tea",
        "'; DROP TABLE content; --",
        "()",
        '""""',
        "%_%",
        "tea" * 5_000,
        "- + ~ / \\",
        "\u202e\u200b",
    ],
)
async def test_no_query_is_read_as_syntax(stores: Stores, query: str) -> None:
    await remember(stores, "Tea for user alice, a well-known quote.")
    await find(stores, query)


async def test_words_are_found_in_text_that_looks_like_syntax(stores: Stores) -> None:
    await remember(stores, "The port is 8080:http, see well-known/config_file.json.")
    for query in ("8080", "well-known", "config_file", "what is the PORT?", "ports"):
        assert len(await found(stores, query)) == 1, query


@pytest.mark.parametrize("query", ["a\0b", "\ud800"])
async def test_what_cannot_be_text_is_refused(stores: Stores, query: str) -> None:
    await remember(stores, "Tea.")
    with pytest.raises(InvalidError):
        await find(stores, query)


async def test_a_query_of_stop_words_only_finds_what_says_them(stores: Stores) -> None:
    await remember(stores, "To be or not to be.", "Tea.")
    assert await found(stores, "to be or not to be") == ["To be or not to be."]
    assert await found(stores, "the of and") == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Wohnt in der Hauptstraße.", "hauptstraße"),
        ("Wohnt in der Hauptstraße.", "HAUPTSTRASSE Hauptstraße"),
        ("Café Müller", "cafe muller"),
        ("Cafe\u0301 in NFD", "café"),
        ("Люблю чай", "ЧАЙ"),
        ("Ελληνικός καφές", "καφές"),
        ("喜欢 绿茶", "绿茶"),
        ("השוק פתוח", "השוק"),
        ("🍵 tea", "🍵 tea"),
    ],
)
async def test_words_are_found_in_every_language(stores: Stores, text: str, query: str) -> None:
    await remember(stores, text, "Something else.")
    assert await found(stores, query) == [text]


async def test_an_empty_query_lists_the_newest_first(stores: Stores) -> None:
    for days, text in ((3, "Old."), (1, "New."), (2, "Middle.")):
        await stores.remember(USER, NewEntry(content=text, asserted_at=NOW - timedelta(days=days)), actor="agent")
    matches = await find(stores, "  ")
    assert [match.entry.content for match in matches] == ["New.", "Middle.", "Old."]
    assert {match.score for match in matches} == {0.0}
    assert await found(stores, "🍵") == []


async def test_the_better_match_comes_first(stores: Stores) -> None:
    await remember(stores, "Tea is nice, and so is everything else in the long list of other drinks.", "Green tea.")
    matches = await find(stores, "green tea")
    assert matches[0].entry.content == "Green tea."
    assert matches[0].score > matches[1].score > 0


async def test_filters_never_make_results_fewer_than_there_are(stores: Stores) -> None:
    noise = [NewEntry(content=f"Tea tea tea {number}.", tags=("noise",)) for number in range(2_500)]
    await stores.remember_all(WORK, noise, actor="user")
    await stores.remember_all(USER, noise[:1_000], actor="user")
    long_text = "A long text about many things, of which only one, far behind the others, is that drink: tea. " * 3
    kept = await stores.remember(
        USER,
        NewEntry(
            content=long_text,
            tier="persistent",
            tags=("drink", "rare"),
            topic="/user/drinks/hot",
            asserted_at=NOW - timedelta(days=400),
        ),
        actor="user",
    )
    filters: list[dict[str, Any]] = [
        {"tiers": ("persistent",)},
        {"tags": ("rare",)},
        {"tags": ("drink", "rare")},
        {"topic": "/user/drinks"},
        {"topic": "user/drinks/"},
        {"topic": "/user/drinks/hot"},
        {"until": NOW - timedelta(days=300)},
        {"since": NOW - timedelta(days=500), "until": NOW - timedelta(days=300), "tiers": ("persistent",)},
    ]
    for chosen in filters:
        assert [match.entry.entry_id for match in await find(stores, "tea", **chosen)] == [kept.entry_id], chosen
    for wrong in ({"topic": "/user/drink"}, {"tags": ("rare", "none")}, {"tiers": ("ephemeral",)}, {"since": NOW}):
        assert kept.entry_id not in {match.entry.entry_id for match in await find(stores, "tea", **wrong)}
    alone = StoreName("alone")
    await remember(stores, long_text, store=alone)
    assert len(await find(stores, "tea", alone)) == 1
    assert len(await find(stores, "tea", USER, WORK, alone, limit=100)) == 100


async def test_pages_follow_each_other_without_gaps_or_repeats(stores: Stores) -> None:
    texts = [f"Tea number {number}." for number in range(450)]
    await stores.remember_all(USER, [NewEntry(content=text) for text in texts], actor="user")
    paged: list[str] = []
    while page := await found(stores, "tea", limit=50, offset=len(paged)):
        paged += page
    assert sorted(paged) == sorted(texts)
    for wrong in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 10**30}):
        with pytest.raises(InvalidError):
            await find(stores, "tea", **wrong)


async def test_an_old_version_is_searched_as_it_was(stores: Stores) -> None:
    one, two = await remember(stores, "Green tea.", "Black coffee.")
    proposal = await dream_and_switch(stores, rewrite(one, "Black tea."), archive(two))
    assert await found(stores, "green coffee tea", version=proposal.version - 1) == ["Green tea.", "Black coffee."]
    assert await found(stores, "black", version=proposal.version) == ["Black tea."]
    await remember(stores, "Black ink.")
    assert await found(stores, "ink", version=proposal.version) == []
    assert await found(stores, "ink") == ["Black ink."]


async def test_a_proposal_is_searched_as_its_base_with_what_is_included(stores: Stores) -> None:
    one, two, three = await remember(stores, "Green tea.", "Tea spoon.", "Tea pot.")
    proposal = await propose(
        stores,
        rewrite(one, "Black tea."),
        archive(two),
        archive(three, decision="suggested"),
        add("Tea time.", NOW, decision="suggested"),
    )
    assert sorted(await found(stores, "tea", version=proposal.version)) == ["Black tea.", "Tea pot."]
    await stores.decide(proposal.dream_id, accept=[4], reject=[2], actor="user")
    assert sorted(await found(stores, "tea", version=proposal.version, limit=10)) == [
        "Black tea.",
        "Tea pot.",
        "Tea spoon.",
        "Tea time.",
    ]
    assert await found(stores, "time", version=proposal.version, topic="/nothing") == []
    await stores.discard(proposal.dream_id, actor="user")
    with pytest.raises(InvalidError, match="discarded"):
        await find(stores, "tea", version=proposal.version)


async def test_a_version_goes_with_one_store_and_a_search_with_at_least_one(stores: Stores) -> None:
    await remember(stores, "Tea.")
    await remember(stores, "Tea.", store=WORK)
    assert len(await find(stores, "tea", USER, WORK)) == 2
    with pytest.raises(InvalidError, match="one store"):
        await find(stores, "tea", USER, WORK, version=1)
    with pytest.raises(InvalidError, match="No store"):
        await stores.search(Search(query="tea", stores=()))
    with pytest.raises(NotFoundError, match="There is: project/work, user"):
        await find(stores, "tea", StoreName("nowhere"))
    with pytest.raises(NotFoundError):
        await stores.within(frozenset({USER})).search(Search(query="tea", stores=(WORK,)))


async def test_a_common_word_is_found_where_the_rare_ones_are_not(stores: Stores) -> None:
    await stores.remember_all(
        WORK, [NewEntry(content=f"Report {number} of the day.") for number in range(5_100)], actor="user"
    )
    await remember(stores, "The report that matters.", "A zebra.")
    assert sorted(await found(stores, "zebra report")) == ["A zebra.", "The report that matters."]


async def test_recalls_are_recorded_as_usage_without_a_seq(stores: Stores) -> None:
    one, two = await remember(stores, "Tea.", "Coffee.")
    await stores.record_recalls(
        [
            Recalled(store=USER, query="tea", entry_ids=(one.entry_id,), at=NOW - timedelta(minutes=2)),
            Recalled(store=USER, query="drinks", entry_ids=(one.entry_id, two.entry_id), at=NOW - timedelta(minutes=1)),
            Recalled(store=USER, query="nothing", entry_ids=(), at=NOW),
        ]
    )
    (entry,) = [match.entry for match in await find(stores, "tea")]
    assert (entry.usage.recalls, entry.usage.recalled_at) == (2, NOW - timedelta(minutes=1))
    recorded = await stores.recorded_recalls(USER, before=NOW, limit=10)
    assert [recalled.query for recalled in recorded] == ["drinks", "tea"]
    assert (await stores.standing(USER)).seq == 2
