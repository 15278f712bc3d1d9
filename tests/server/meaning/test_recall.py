"""Recall by words and meaning, over a real database with the embedder that comes with the package."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.recall import Ranking, Recall
from dreamkeep_store.backups import copy_database
from dreamkeep_store.database import connect, preferred_library
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import DraftChange, Entry, EntryId, NewDream, NewEntry, Search, StoreName
from dreamkeep_store.store import Stores

from .conftest import Remote

USER = StoreName("user")
WORK = StoreName("project/work")
NOW = datetime.now(UTC)
FACTS = (
    "Ana installs packages with pnpm.",
    "Her cat sleeps on the sofa.",
    "Releases go out on Tuesday after the stand-up.",
    "The invoice service listens on port 8443.",
)


async def remember(stores: Stores, *texts: str, store: StoreName = USER, **fields: Any) -> list[EntryId]:
    kept = await stores.remember_all(store, [NewEntry(content=text, **fields) for text in texts], actor="agent")
    return [one.entry_id for one in kept]


async def recalling(stores: Stores, setting: str = "minilm") -> Recall:
    """A recall for which everything is embedded."""
    recall = Recall(Meaning(setting))
    while await recall.meaning.embed_waiting(stores):
        pass
    return recall


async def ask(recall: Recall, stores: Stores, query: str, *names: StoreName, **wanted: Any) -> Ranking:
    return await recall.find(stores, Search(query=query, stores=names or (USER,), **wanted), NOW)


def contents(ranking: Ranking) -> list[str]:
    return [ranked.entry.content for ranked in ranking.entries]


async def test_a_fact_is_found_by_what_it_means(stores: Stores) -> None:
    await remember(stores, *FACTS)
    recall = await recalling(stores)
    found = await ask(recall, stores, "which pets does she keep", limit=1)
    assert contents(found) == ["Her cat sleeps on the sofa."]
    assert found.without_meaning is None
    (ranked,) = found.entries
    assert ranked.parts is not None
    assert ranked.parts.meaning is not None
    assert f"similarity {ranked.parts.meaning:.2f}" in ranked.why


async def test_a_fact_is_found_by_its_words_before_it_has_a_vector(stores: Stores) -> None:
    await remember(stores, *FACTS)
    recall = await recalling(stores)
    await remember(stores, "The build server is called Kestrel.")
    found = await ask(recall, stores, "Kestrel", limit=1)
    assert contents(found) == ["The build server is called Kestrel."]
    assert found.entries[0].parts is not None
    assert found.entries[0].parts.meaning is None


async def test_without_an_embedder_it_goes_by_words_and_nobody_is_told_off(stores: Stores) -> None:
    await remember(stores, *FACTS)
    recall = await recalling(stores, "none")
    found = await ask(recall, stores, "port of the invoices")
    assert contents(found) == ["The invoice service listens on port 8443."]
    assert found.without_meaning is None
    assert contents(await ask(recall, stores, "which pets does she keep")) == []


async def test_when_the_embedder_fails_it_goes_by_words_and_says_why(stores: Stores, remote: Remote) -> None:
    await remember(stores, *FACTS)
    recall = await recalling(stores, remote.setting)
    remote.down = True
    found = await ask(recall, stores, "port of the invoices")
    assert contents(found) == ["The invoice service listens on port 8443."]
    assert found.without_meaning is not None
    assert found.without_meaning.startswith("By words only: ")


async def test_it_says_when_texts_are_still_being_embedded(stores: Stores, remote: Remote) -> None:
    await remember(stores, *FACTS)
    recall = Recall(Meaning(remote.setting))
    found = await ask(recall, stores, "port of the invoices", limit=1)
    assert contents(found) == ["The invoice service listens on port 8443."]
    assert found.without_meaning is not None
    assert "still being embedded" in found.without_meaning


async def test_what_was_forgotten_retagged_or_edited_is_as_it_is_now(stores: Stores) -> None:
    cat, port = await remember(stores, "Her cat sleeps on the sofa.", "The invoice service listens on port 8443.")
    recall = await recalling(stores)
    assert len(contents(await ask(recall, stores, "cat on the sofa"))) >= 1
    await stores.forget([cat], actor="agent")
    assert "Her cat sleeps on the sofa." not in contents(await ask(recall, stores, "cat on the sofa"))
    await stores.unforget([cat], actor="agent")
    assert contents(await ask(recall, stores, "cat on the sofa"))[0] == "Her cat sleeps on the sofa."
    await stores.retag([port], tier="persistent", actor="agent")
    found = await ask(recall, stores, "invoice service port", limit=1)
    assert found.entries[0].entry.tier == "persistent"
    await stores.erase([cat], actor="user")
    assert "Her cat sleeps on the sofa." not in contents(await ask(recall, stores, "cat on the sofa"))


async def test_filters_make_results_fewer_only_where_there_are_fewer(stores: Stores) -> None:
    await remember(stores, *(f"Tea number {number} is fine tea." for number in range(300)))
    await remember(stores, *(f"A cup of something hot, number {number}." for number in range(12)), tags=("rare",))
    recall = await recalling(stores)
    found = await ask(recall, stores, "tea", tags=("rare",), limit=10)
    assert len(found.entries) == 10
    assert all(ranked.entry.tags == ("rare",) for ranked in found.entries)


async def test_an_old_version_and_a_proposal_have_their_own_answers(stores: Stores) -> None:
    (cat,) = await remember(stores, "Her cat sleeps on the sofa.")
    await remember(stores, "Releases go out on Tuesday.")
    await remember(stores, "Elsewhere.", store=WORK)
    recall = await recalling(stores)
    assert contents(await ask(recall, stores, "which pets does she keep", version=1)) == []
    await stores.forget([cat], actor="agent")
    found = await ask(recall, stores, "which pets does she keep")
    assert "Her cat sleeps on the sofa." not in contents(found)
    with pytest.raises(NotFoundError):
        await ask(recall, stores, "pets", version=99)
    with pytest.raises(InvalidError):
        await ask(recall, stores, "pets", USER, WORK, version=1)


async def test_several_stores_are_ranked_together_and_a_hidden_one_is_not_found(stores: Stores) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    await remember(stores, "The dog of the office is called Bruno.", store=WORK)
    recall = await recalling(stores)
    found = contents(await ask(recall, stores, "which pets are there", USER, WORK))
    assert set(found) == {"Her cat sleeps on the sofa.", "The dog of the office is called Bruno."}
    with pytest.raises(NotFoundError):
        await ask(recall, stores.within(frozenset({USER})), "pets", WORK)


async def test_how_entries_fared_moves_them(stores: Stores) -> None:
    one, other = await remember(
        stores, "The staging database is on host alpha.", "The staging database is on host gamma."
    )
    recall = await recalling(stores)
    await stores.record_outcome([one], "outdated", actor="agent")
    found = await ask(recall, stores, "which host has the staging database")
    assert [ranked.entry.entry_id for ranked in found.entries] == [other, one]
    await stores.record_outcome([other], "wrong", actor="agent")
    await stores.record_outcome([other], "wrong", actor="agent")
    found = await ask(recall, stores, "which host has the staging database")
    assert [ranked.entry.entry_id for ranked in found.entries] == [one, other]


async def test_an_exact_text_is_first_whatever_weighs_against_it(stores: Stores) -> None:
    old = NOW - timedelta(days=900)
    (exact,) = await remember(stores, FACTS[3], tier="ephemeral", asserted_at=old)
    for _ in range(5):
        await stores.record_outcome([exact], "wrong", actor="agent")
    others = await remember(
        stores, *(f"The {name} service listens on a port." for name in ("mail", "log", "auth")), tier="persistent"
    )
    await stores.record_outcome(others, "useful", actor="agent")
    recall = await recalling(stores)
    assert contents(await ask(recall, stores, FACTS[3], limit=1)) == [FACTS[3]]


@pytest.mark.parametrize(
    "query", ["x" * 4_000, "日本語の質問", "🍵🍵", "\x07\x08", "a" * 50_000 + " cat", "NOT (cat OR *)", "ﾊﾝｶｸ ١٢٣"]
)
async def test_any_query_is_answered(stores: Stores, query: str) -> None:
    await remember(stores, *FACTS, "猫はソファで眠る。", "🍵 is tea.")
    recall = await recalling(stores)
    await ask(recall, stores, query)


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=8),
    query=st.sampled_from(("tea", "something to drink", "which pets", "zebra")),
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_pages_join_to_the_whole_answer(stores: Stores, sizes: Sequence[int], query: str) -> None:
    texts = [f"{what} number {number}" for what in ("Tea", "A cat", "Hot chocolate") for number in range(10)]
    await remember(stores, *texts)
    recall = await recalling(stores)
    whole = contents(await ask(recall, stores, query, limit=100))
    joined: list[str] = []
    for size in sizes:
        joined += contents(await ask(recall, stores, query, limit=size, offset=len(joined)))
    assert joined == whole[: sum(sizes)]


async def test_the_last_that_says_a_word_is_found_behind_all_that_a_filter_takes(stores: Stores) -> None:
    await remember(stores, *(f"alpha alpha {number}" for number in range(1_100)))
    await remember(stores, "What is said here, at some length, has to do with alpha as well.", tags=("rare",))
    recall = Recall(Meaning("none"))
    found = await ask(recall, stores, "alpha", tags=("rare",))
    assert contents(found) == ["What is said here, at some length, has to do with alpha as well."]
    assert found.entries[0].why == "says alpha"


async def test_pages_by_words_join_though_common_words_come_in(stores: Stores) -> None:
    await remember(stores, *(f"Report {number} of the day." for number in range(5_100)))
    await remember(stores, *(f"A zebra, number {number}." for number in range(12)))
    recall = Recall(Meaning("none"))
    seen: list[EntryId] = []
    for page in range(6):
        found = await ask(recall, stores, "zebra report", limit=8, offset=8 * page)
        assert len(found.entries) == 8
        seen += [ranked.entry.entry_id for ranked in found.entries]
    assert len(seen) == len(set(seen))


async def test_a_database_that_was_restored_is_read_anew(stores: Stores, tmp_path: Path) -> None:
    await remember(stores, "Her cat sleeps on the sofa.")
    recall = await recalling(stores)
    await stores.backup(tmp_path / "backup.db")
    (cat,) = [ranked.entry for ranked in (await ask(recall, stores, "cat")).entries]
    await stores.forget([cat.entry_id], actor="agent")
    await remember(stores, "Releases go out on Tuesday.")
    assert contents(await ask(recall, stores, "cat on a sofa")) == []
    await anyio.to_thread.run_sync(copy_database, tmp_path / "backup.db", stores.path)
    assert contents(await ask(recall, stores, "cat on a sofa")) == ["Her cat sleeps on the sofa."]
    await remember(stores, "The invoice service listens on port 8443.")
    while await recall.meaning.embed_waiting(stores):
        pass
    found = await ask(recall, stores, "on which port are invoices served", limit=1)
    assert contents(found) == ["The invoice service listens on port 8443."]
    assert found.entries[0].parts is not None
    assert (found.entries[0].parts.meaning or 0.0) > 0.4


async def test_a_damaged_vector_is_left_out_and_said(stores: Stores, path: Path) -> None:
    await remember(stores, *FACTS)
    recall = await recalling(stores)
    connection = connect(preferred_library, path, read_only=False)
    whole = connection.execute("SELECT vector FROM vector WHERE vector_id = 2").fetchone()[0]
    connection.execute("UPDATE vector SET vector = zeroblob(768) WHERE vector_id = 2")
    found = await ask(recall, stores, "her cat on the sofa")
    assert "Her cat sleeps on the sofa." in contents(found)
    assert found.without_meaning is not None
    assert found.without_meaning.startswith("Damaged vectors were left out (1)")
    assert any("reindex" in problem.what for problem in await stores.verify())
    connection.execute("UPDATE vector SET vector = :whole WHERE vector_id = 2", {"whole": whole})
    connection.close()


BUDGET = (
    "The marketing budget of the Oslo team is $600",
    "The marketing budget of the Oslo team was increased to $650",
)
ABOUT_BUDGET = "What is the marketing budget of the Oslo team?"


async def test_a_newer_figure_comes_before_the_older_one_and_says_why(stores: Stores) -> None:
    older, newer = await remember(stores, *BUDGET)
    await remember(stores, *FACTS)
    recall = await recalling(stores)
    first, second, *_ = (await ask(recall, stores, ABOUT_BUDGET)).entries
    assert (first.entry.entry_id, second.entry.entry_id) == (newer, older)
    assert first.why.startswith(f"before {older}, as newer: $650, there $600; ")
    assert first.score >= second.score
    assert (first.newer, second.newer) == (None, newer)
    old_first = (await ask(recall, stores, "What was the marketing budget of the Oslo team, not increased?")).entries
    assert old_first[0].why.startswith("says ")
    assert all(found.newer is None for found in old_first)


async def test_pages_join_to_the_whole_answer_though_a_newer_one_is_pulled_ahead(stores: Stores) -> None:
    await remember(stores, *BUDGET, *FACTS)
    recall = await recalling(stores)
    whole = contents(await ask(recall, stores, ABOUT_BUDGET, limit=6))
    assert whole[:2] == [BUDGET[1], BUDGET[0]]
    paged = [text for at in range(6) for text in contents(await ask(recall, stores, ABOUT_BUDGET, limit=1, offset=at))]
    assert paged == whole


async def test_what_a_dream_suggests_to_replace_comes_after_its_successor_before_anybody_reviewed(
    stores: Stores,
) -> None:
    older, newer = await remember(
        stores, "Ana's desk is on the second floor, by the window.", "Ana's desk moved upstairs."
    )
    recall = await recalling(stores)
    query = "On which floor is Ana's desk, by the window?"
    assert [found.entry.entry_id for found in (await ask(recall, stores, query)).entries] == [older, newer]
    old, new = [entry for entry in await stores.get_entries([older, newer]) if isinstance(entry, Entry)]
    await stores.start_dream(NewDream(store=USER, requested_by="agent"))
    dream = await stores.claim_dream("worker", lease_seconds=60.0)
    assert dream is not None
    suggestion = DraftChange(
        operation="supersede",
        risk="medium",
        decision="suggested",
        reason="The newer statement holds.",
        fingerprint=b"\x01" * 32,
        reads=(old.revision_id, new.revision_id),
        closes=(old.revision_id,),
        opens=(),
    )
    assert await stores.propose(dream.dream_id, dream.attempt, [suggestion], ()) is not None
    first, second = (await ask(recall, stores, query)).entries
    assert (first.entry.entry_id, second.entry.entry_id, second.newer) == (newer, older, newer)
    assert first.why.startswith(f"before {older}, which it replaces as a dream suggests; ")
