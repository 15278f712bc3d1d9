"""What ranking asks the store for: how well texts say words, which entries say texts, and when all were said."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import TIERS, Moments, NewEntry, Search, StoreName
from dreamkeep_store.store import Stores

from .dreaming import (
    USER,
    add,
    archive,
    connect,
    draft,
    dream_and_switch,
    live_entry,
    opening,
    propose,
    remember,
    rewrite,
    supersede,
)

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


async def saying(stores: Stores, contents: Iterable[int], *names: StoreName, **filters: Any) -> list[str]:
    matches = await stores.saying(Search(query="not looked at", stores=names or (USER,), **filters), list(contents))
    return [match.entry.content for match in matches]


async def scores(stores: Stores, query: str, *names: StoreName, enough: int = 8, limit: int = 100) -> dict[int, float]:
    return dict((await stores.word_scores(query, names or (USER,), enough=enough, limit=limit)).scores)


def rows(moments: Moments) -> dict[int, tuple[int, ...]]:
    """Root, text, tier and time by revision."""
    flat = list(moments.opened)
    return {flat[at]: tuple(flat[at + 1 : at + 5]) for at in range(0, len(flat), 5)}


async def test_texts_are_scored_by_the_words_they_say(stores: Stores) -> None:
    await remember(stores, "Green tea, and tea again.", "A long text about many things and, behind them, tea.", "Milk.")
    much, little = numbers(stores, "Green tea, and tea again.", "A long text about many things and, behind them, tea.")
    found = await stores.word_scores("the tea", (USER,), enough=8, limit=100)
    assert found.words == ("tea",)
    assert set(found.scores) == {much, little}
    assert found.scores[much] > found.scores[little] > 0


@pytest.mark.parametrize("query", ["beverage", "🍵", "??", 'a" OR b*', "tea AND NOT", "user:tea"])
async def test_whatever_is_asked_is_words_and_never_syntax(stores: Stores, query: str) -> None:
    await remember(stores, "Milk.")
    assert await scores(stores, query) == {}


async def test_other_stores_have_no_part_and_do_not_crowd_the_best_out(stores: Stores) -> None:
    await stores.remember_all(WORK, [NewEntry(content=f"Tea tea tea {n}.") for n in range(900)], actor="user")
    await remember(stores, "One text says, behind much else that it says before, tea.")
    assert len(await scores(stores, "tea", limit=10)) == 1
    assert len(await scores(stores, "tea", WORK, limit=10)) == 10
    with pytest.raises(NotFoundError):
        await scores(stores.within(frozenset({USER})), "tea", WORK)


async def test_the_commonest_words_count_where_the_others_find_too_few(stores: Stores) -> None:
    await stores.remember_all(
        USER, [NewEntry(content=f"Report {number} of the day.") for number in range(5_100)], actor="user"
    )
    await remember(stores, "A zebra.")
    assert list(await scores(stores, "zebra report", enough=1)) == numbers(stores, "A zebra.")
    more = await stores.word_scores("zebra report", (USER,), enough=8, limit=50)
    assert (more.words, len(more.scores)) == (("zebra", "report"), 50)


async def test_a_query_may_be_long_but_not_without_end(stores: Stores) -> None:
    await remember(stores, "Tea.")
    assert len(await scores(stores, "tea " * 20_000)) == 1
    with pytest.raises(InvalidError, match="more than"):
        await scores(stores, "tea " * 30_000)


async def test_entries_come_in_the_order_of_the_texts_and_pass_the_filters(stores: Stores) -> None:
    old = NOW - timedelta(days=400)
    for text in ("Tea.", "Milk."):
        await stores.remember(
            USER,
            NewEntry(content=text, tier="persistent", tags=("a", "b"), topic="/drinks/hot", asserted_at=old),
            actor="user",
        )
    await remember(stores, "Tea, but not so.", "Milk, but not so.")
    asked = numbers(stores, "Milk, but not so.", "Milk.", "Tea, but not so.", "Tea.")
    assert await saying(stores, [*asked, 9_999]) == ["Milk, but not so.", "Milk.", "Tea, but not so.", "Tea."]
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
        assert await saying(stores, asked, **filters) == ["Milk.", "Tea."], filters
    for filters in ({"topic": "/drink"}, {"tags": ("c",)}, {"until": old - timedelta(days=1)}):
        assert await saying(stores, asked, **filters) == [], filters


async def test_a_text_of_another_store_is_not_given(stores: Stores) -> None:
    await remember(stores, "Tea.")
    await remember(stores, "Water.", store=WORK)
    asked = [*numbers(stores, "Tea."), *numbers(stores, "Water.", store=WORK)]
    assert await saying(stores, asked) == ["Tea."]
    assert await saying(stores, asked, USER, WORK) == ["Tea.", "Water."]
    with pytest.raises(NotFoundError):
        await saying(stores.within(frozenset({USER})), asked, WORK)


async def test_a_version_and_a_proposal_show_their_own_entries_and_moments(stores: Stores) -> None:
    one, two, three = await remember(stores, "Green tea.", "Black coffee.", "Milk.")
    proposal = await propose(
        stores, rewrite(one, "Black tea."), archive(two), add("Tea time.", NOW, decision="suggested")
    )
    asked = numbers(stores, "Tea time.", "Black tea.", "Milk.", "Black coffee.", "Green tea.")
    assert await saying(stores, asked, version=proposal.version) == ["Black tea.", "Milk."]
    assert await saying(stores, asked) == ["Milk.", "Black coffee.", "Green tea."]
    proposed = rows(await stores.moments_of_version(USER, proposal.version))
    assert {row[1] for row in proposed.values()} == set(asked[1:3])
    assert {revision for revision in proposed if revision > 0} == {three.revision_id}
    await stores.switch(USER, proposal.version, actor="user")
    assert {row[1] for row in rows(await stores.moments(USER)).values()} == set(asked[1:3])
    before = await stores.moments_of_version(USER, proposal.version - 1)
    assert {row[1] for row in rows(before).values()} == set(asked[2:])


async def test_a_discarded_version_has_no_moments(stores: Stores) -> None:
    (one,) = await remember(stores, "Tea.")
    proposal = await propose(stores, archive(one))
    await stores.discard(proposal.dream_id, actor="user")
    with pytest.raises(InvalidError, match="discarded"):
        await stores.moments_of_version(USER, proposal.version)


async def test_moments_say_when_and_in_which_tier_each_entry_was_said(stores: Stores) -> None:
    at = NOW - timedelta(days=3)
    await stores.remember(USER, NewEntry(content="Tea.", tier="ephemeral", asserted_at=at), actor="user")
    ((revision, (root, content, tier, micros)),) = rows(await stores.moments(USER)).items()
    assert (root, [content], TIERS[tier]) == (revision, numbers(stores, "Tea."), "ephemeral")
    assert micros == int(at.timestamp()) * 1_000_000 + at.microsecond


async def test_after_an_erasure_moments_are_read_whole(stores: Stores) -> None:
    one, _ = await remember(stores, "Tea.", "Milk.")
    before = await stores.moments(USER)
    await remember(stores, "Water.")
    assert (await stores.moments(USER, after=before)).whole is False
    await stores.erase([one.entry_id], actor="user")
    assert (await stores.moments(USER, after=before)).whole is True


async def test_a_root_stays_when_a_rollback_brings_an_entry_back(stores: Stores) -> None:
    (one,) = await remember(stores, "Tea.")
    before = rows(await stores.moments(USER))
    await dream_and_switch(stores, archive(one))
    await stores.rollback(USER, actor="user")
    after = rows(await stores.moments(USER))
    assert set(after) != set(before)
    assert list(after.values()) == list(before.values())


async def test_outcomes_are_those_of_live_entries_that_somebody_spoke_of(stores: Stores) -> None:
    one, two, three = await remember(stores, "Tea.", "Milk.", "Water.")
    newest = await stores.newest_outcome()
    await stores.record_outcome([one.entry_id, two.entry_id], "useful", actor="agent")
    await stores.record_outcome([one.entry_id], "outdated", actor="agent")
    await stores.forget([two.entry_id], actor="agent")
    assert await stores.newest_outcome() > newest
    fared = await stores.outcomes(USER)
    assert list(fared.rows[:4]) == [one.revision_id, 1, 0, 1]
    assert len(fared.rows) == 5
    assert three.revision_id not in fared.rows


async def test_what_a_dream_suggests_to_replace_is_known_with_its_successor(stores: Stores) -> None:
    old, newer, other = await remember(stores, "Tea.", "Coffee.", "Milk.")
    revisions = [one.revision_id for one in (old, newer, other)]
    assert await stores.suggested_newer(revisions) == {}
    proposal = await propose(stores, supersede(old, newer, decision="suggested"), archive(other, decision="suggested"))
    assert await stores.suggested_newer(revisions) == {old.entry_id: newer.entry_id}
    assert await stores.suggested_newer([newer.revision_id]) == {}
    await stores.switch(USER, proposal.version, actor="user")
    assert await stores.suggested_newer(revisions) == {old.entry_id: newer.entry_id}  # it waits still


async def test_a_successor_that_takes_over_the_tier_is_known_as_well(stores: Stores) -> None:
    old, newer = await remember(stores, "Tea.", "Coffee.")
    lasting = opening(newer, newer.content, tier="persistent")
    await propose(stores, draft("conflict", [old, newer], [old, newer], [lasting], decision="suggested"))
    assert await stores.suggested_newer([old.revision_id, newer.revision_id]) == {old.entry_id: newer.entry_id}


async def test_what_was_decided_discarded_changed_or_came_from_outside_is_suggested_no_more(stores: Stores) -> None:
    old, newer = await remember(stores, "Tea.", "Coffee.")
    discarded = await propose(stores, supersede(old, newer, decision="suggested"))
    await stores.discard(discarded.dream_id, actor="user")
    assert await stores.suggested_newer([old.revision_id]) == {}
    rejected = await propose(stores, supersede(old, newer, decision="suggested"), instructions="again")
    assert await stores.suggested_newer([old.revision_id]) == {old.entry_id: newer.entry_id}
    await stores.decide(rejected.dream_id, reject=[1], actor="user")
    assert await stores.suggested_newer([old.revision_id]) == {}


async def test_a_successor_that_was_forgotten_is_none(stores: Stores) -> None:
    old, newer = await remember(stores, "Tea.", "Coffee.")
    await propose(stores, supersede(old, newer, decision="suggested"))
    await stores.forget([newer.entry_id], actor="user")
    assert await stores.suggested_newer([old.revision_id]) == {}


async def test_nothing_from_outside_is_named_in_the_place_of_what_was_said(stores: Stores) -> None:
    (old,) = await remember(stores, "Tea.")
    kept = await stores.remember(USER, NewEntry(content="Coffee.", trust="external"), actor="agent")
    await propose(stores, supersede(old, await live_entry(stores, kept.entry_id), decision="suggested"))
    assert await stores.suggested_newer([old.revision_id]) == {}
