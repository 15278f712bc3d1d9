"""What models answered is kept from dream to dream, bounded, and gone once anything is erased."""

import hashlib
from pathlib import Path

import pytest

from dreamkeep_store import settled
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import Dream, NewDream, StoreName
from dreamkeep_store.store import Stores

from .dreaming import USER, remember, said, start

OTHER = StoreName("other")


def key(question: str) -> bytes:
    return hashlib.sha256(question.encode()).digest()


async def complete(stores: Stores, dream: Dream) -> None:
    await stores.complete_dream(dream.dream_id, dream.attempt, recall_checked=0, recall_kept=0)


async def settle(stores: Stores, **answers: str) -> Dream:
    """A dream that was answered so, and ended."""
    dream = await start(stores)
    kept = {key(question): answer.encode() for question, answer in answers.items()}
    await stores.settle(dream.dream_id, dream.attempt, kept)
    await complete(stores, dream)
    return dream


async def test_an_answer_is_known_to_the_dreams_after_the_one_that_it_was_given_to(stores: Stores):
    await remember(stores, "Tea.")
    first = await start(stores)
    await stores.settle(first.dream_id, first.attempt, {key("tea?"): b"keep"})
    assert await stores.settled_before(first.dream_id, [key("tea?")]) == {}
    await complete(stores, first)
    await remember(stores, "Coffee.")
    second = await start(stores)
    assert await stores.settled_before(second.dream_id, [key("tea?"), key("coffee?")]) == {key("tea?"): b"keep"}
    assert await stores.settled(USER, [key("coffee?"), key("tea?")]) == {key("tea?")}


async def test_a_later_answer_to_the_same_question_counts(stores: Stores):
    await remember(stores, "Tea.")
    await settle(stores, tea="keep")
    await remember(stores, "Coffee.")
    await settle(stores, tea="archive")
    await remember(stores, "Water.")
    third = await start(stores)
    assert await stores.settled_before(third.dream_id, [key("tea")]) == {key("tea"): b"archive"}


async def test_a_store_knows_its_own_answers_only(stores: Stores):
    await remember(stores, "Tea.")
    await remember(stores, "Tea.", store=OTHER)
    await settle(stores, tea="keep")
    assert await stores.settled(OTHER, [key("tea")]) == frozenset()


async def test_whoever_lost_the_dream_settles_nothing(stores: Stores):
    await remember(stores, "Tea.")
    dream = await start(stores)
    with pytest.raises(ConflictError):
        await stores.settle(dream.dream_id, dream.attempt + 1, {key("tea"): b"keep"})


async def test_only_so_many_answers_are_kept_the_newest(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settled, "SETTLED_MAX", 2)
    await remember(stores, "Tea.")
    await settle(stores, tea="keep")
    await remember(stores, "Coffee.")
    await settle(stores, coffee="keep", water="keep")
    assert await stores.settled(USER, [key("tea"), key("coffee"), key("water")]) == {key("coffee"), key("water")}


async def test_erasing_takes_every_answer_of_the_store_out_of_the_file(stores: Stores, path: Path):
    (secret, _) = await remember(stores, "The vault opens with 4711-0815.", "Tea.")
    await settle(stores, vault='{"content": "Vault code 4711-0815"}', tea="keep")
    await stores.erase([secret.entry_id], actor="user")
    assert await stores.settled(USER, [key("vault"), key("tea")]) == frozenset()
    for file in path.parent.iterdir():
        assert b"4711-0815" not in file.read_bytes()


async def test_a_session_that_was_left_unread_stays_new_when_its_dream_found_nothing(stores: Stores):
    sessions = [
        await stores.record_session(USER, said(text), trust="user", redactions=0, actor="user")
        for text in ("I like tea.", "I like coffee.")
    ]
    dream = await start(stores, NewDream(store=USER, sessions="new", requested_by="agent"))
    await stores.leave_unread(dream.dream_id, dream.attempt, [sessions[1].session_id])
    await complete(stores, dream)
    new = await stores.list_sessions(USER, new_only=True)
    assert [session.session_id for session in new] == [sessions[1].session_id]


async def test_an_estimate_stands_beside_what_was_used(stores: Stores):
    await remember(stores, "Tea.")
    dream = await start(stores)
    await stores.note_estimate(dream.dream_id, dream.attempt, tokens=1_200, usd=0.02)
    await complete(stores, dream)
    ended = await stores.get_dream(dream.dream_id)
    assert (ended.estimated_tokens, ended.estimated_usd) == (1_200, 0.02)
