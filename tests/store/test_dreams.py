"""A dream's life: started once, taken under a lease, fenced, canceled at any stage, given up after five workers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import Decided, Decisions, DreamId, Recalled, SessionId, StoreName, TokenUsage
from dreamkeep_store.store import Stores

from .dreaming import LEASE_SECONDS, NEW_DREAM, USER, add, archive, propose, remember, said, shown, start, texts

NOW = datetime.now(UTC)
RAN_OUT = -1.0
"""A lease that has run out as soon as it is given."""


async def test_a_dream_goes_from_pending_over_running_to_completed(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    started = (await stores.start_dream(NEW_DREAM)).dream
    assert (started.status, started.stage, started.base, started.attempt) == ("pending", "waiting", 2, 0)
    assert await stores.dream_waits()
    claimed = await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    assert claimed is not None
    assert (claimed.status, claimed.attempt) == ("running", 1)
    assert claimed.lease_until is not None
    assert not await stores.dream_waits()
    assert await stores.claim_dream("other", lease_seconds=LEASE_SECONDS) is None
    await stores.beat(claimed.dream_id, 1, lease_seconds=LEASE_SECONDS, stage="judging", done=2, total=5)
    running = await stores.get_dream(claimed.dream_id)
    assert (running.stage, running.done, running.total) == ("judging", 2, 5)
    number = await stores.propose(claimed.dream_id, 1, [archive(one)], ["A refusal."])
    done = await stores.complete_dream(claimed.dream_id, 1, recall_checked=3, recall_kept=2)
    assert (done.status, done.stage, done.output_version, done.refusals) == (
        "completed",
        "done",
        number,
        ("A refusal.",),
    )
    assert (done.recall_checked, done.recall_kept, done.lease_until) == (3, 2, None)
    assert done.ended_at is not None
    assert await stores.get_dream(None, store=USER) == done


async def test_the_same_input_twice_gives_the_earlier_dream(stores: Stores) -> None:
    await remember(stores, "One.")
    first = await stores.start_dream(NEW_DREAM)
    again = await stores.start_dream(NEW_DREAM)
    assert (again.earlier, again.dream.dream_id) == (True, first.dream.dream_id)
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    await stores.propose(first.dream.dream_id, 1, [], ())
    await stores.complete_dream(first.dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert (await stores.start_dream(NEW_DREAM)).earlier
    await remember(stores, "Two.")
    assert not (await stores.start_dream(NEW_DREAM)).earlier


@pytest.mark.parametrize(
    "changed",
    [{"instructions": "Else."}, {"budget_tokens": 5}, {"budget_usd": 1.0}, {"policy": "auto_low"}, {"model": "m"}],
)
async def test_another_input_is_another_dream(stores: Stores, changed: dict[str, object]) -> None:
    await remember(stores, "One.")
    dream = await start(stores)
    await stores.propose(dream.dream_id, 1, [], ())
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert (await stores.start_dream(NEW_DREAM)).earlier
    assert not (await stores.start_dream(replace(NEW_DREAM, **changed))).earlier  # pyright: ignore[reportArgumentType]  # fields of NewDream


async def test_a_canceled_failed_or_discarded_dream_is_dreamt_anew(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    first = await start(stores)
    await stores.cancel_dream(first.dream_id, actor="user")
    second = await start(stores)
    await stores.fail_dream(second.dream_id, 1, "internal_error", "It broke.")
    third = await propose(stores, archive(one))
    await stores.discard(third.dream_id, actor="user")
    fourth = await start(stores)
    assert len({first.dream_id, second.dream_id, third.dream_id, fourth.dream_id}) == 4


async def test_a_store_has_one_running_dream_and_one_proposal_at_a_time(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    other = replace(NEW_DREAM, instructions="else")
    dream = await start(stores)
    with pytest.raises(ConflictError, match=dream.dream_id):
        await stores.start_dream(other)
    await stores.cancel_dream(dream.dream_id, actor="user")
    proposal = await propose(stores, archive(one))
    with pytest.raises(ConflictError, match=rf"version {proposal.version} of dream {proposal.dream_id}"):
        await stores.start_dream(other)
    await remember(stores, "Mine.", store=StoreName("other"))
    await stores.start_dream(replace(NEW_DREAM, store=StoreName("other")))
    assert (await stores.standing(USER)).proposal == proposal.version


@pytest.mark.parametrize("stage", ["pending", "running", "proposed"])
async def test_a_dream_can_be_canceled_at_every_stage_and_leaves_nothing_open(stores: Stores, stage: str) -> None:
    (one,) = await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    if stage != "pending":
        await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    if stage == "proposed":
        await stores.propose(dream.dream_id, 1, [archive(one)], ())
    canceled = await stores.cancel_dream(dream.dream_id, actor="user")
    assert canceled.status == "canceled"
    assert await stores.cancel_dream(dream.dream_id, actor="user") == canceled
    assert (await stores.standing(USER)).proposal is None
    assert not await stores.dream_waits()
    for late in (
        stores.beat(dream.dream_id, 1, lease_seconds=1, stage="x", done=0, total=0),
        stores.write_step(dream.dream_id, 1, "plan", b""),
        stores.propose(dream.dream_id, 1, [archive(one)], ()),
        stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0),
        stores.fail_dream(dream.dream_id, 1, "timeout", "Late."),
    ):
        with pytest.raises(ConflictError, match="has lost it"):
            await late
    assert await texts(stores) == ["One."]


async def test_an_ended_dream_cannot_be_canceled_but_archived(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    with pytest.raises(ConflictError, match="only an ended dream"):
        await stores.archive_dream(dream.dream_id, actor="user")
    await stores.propose(dream.dream_id, 1, [archive(one)], ())
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    with pytest.raises(ConflictError, match="discard=true"):
        await stores.cancel_dream(dream.dream_id, actor="user")
    archived = await stores.archive_dream(dream.dream_id, actor="user")
    assert archived.archived_at is not None
    assert await stores.archive_dream(dream.dream_id, actor="user") == archived


@pytest.mark.promise("kill-safe")
async def test_a_dream_whose_lease_ran_out_is_taken_over_and_the_old_worker_is_fenced_off(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    await stores.start_dream(NEW_DREAM)
    dead = await stores.claim_dream("dead", lease_seconds=RAN_OUT)
    assert dead is not None
    await stores.write_step(dead.dream_id, 1, "plan", b"made once")
    before = await stores.material(dead.dream_id)
    assert await stores.dream_waits()
    taken = await stores.claim_dream("next", lease_seconds=LEASE_SECONDS)
    assert taken is not None
    assert (taken.dream_id, taken.attempt) == (dead.dream_id, 2)
    assert await stores.read_step(taken.dream_id, "plan") == b"made once"
    assert await stores.material(taken.dream_id) == before
    with pytest.raises(ConflictError, match="attempt 1 has lost it"):
        await stores.propose(dead.dream_id, 1, [archive(one)], ())
    number = await stores.propose(taken.dream_id, 2, [archive(one)], ())
    assert await stores.propose(taken.dream_id, 2, [add("Else.", NOW)], ()) == number
    await stores.complete_dream(taken.dream_id, 2, recall_checked=0, recall_kept=0)
    assert await stores.read_step(taken.dream_id, "plan") is None
    assert await texts(stores, number) == []


async def test_a_dream_whose_workers_keep_dying_is_given_up_with_its_proposal(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    for attempt in range(1, 6):
        taken = await stores.claim_dream("dying", lease_seconds=RAN_OUT)
        assert taken is not None
        assert taken.attempt == attempt
        await stores.propose(dream.dream_id, attempt, [archive(one)], ())
    assert await stores.claim_dream("sixth", lease_seconds=LEASE_SECONDS) is None
    failed = await stores.get_dream(dream.dream_id)
    assert (failed.status, failed.error_code) == ("failed", "internal_error")
    assert failed.error_message is not None
    assert (await stores.standing(USER)).proposal is None
    await start(stores)


async def test_a_failed_dream_says_why_and_leaves_no_proposal(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    await stores.propose(dream.dream_id, 1, [archive(one)], ())
    await stores.fail_dream(dream.dream_id, 1, "verification_failed", "The recall check failed.")
    failed = await stores.get_dream(dream.dream_id)
    assert (failed.status, failed.error_code, failed.error_message) == (
        "failed",
        "verification_failed",
        "The recall check failed.",
    )
    assert await texts(stores) == ["One."]


async def test_a_proposal_that_was_switched_to_while_its_dream_ran_stays(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    number = await stores.propose(dream.dream_id, 1, [archive(one)], ())
    assert number is not None
    await stores.switch(USER, number, actor="policy")
    await stores.cancel_dream(dream.dream_id, actor="user")
    assert (await stores.get_version(USER, None)).number == number
    assert await shown(stores) == {}


@pytest.mark.promise("input-unchanged")
async def test_the_material_is_the_base_whatever_is_written_meanwhile(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    await stores.record_outcome([one.entry_id], "useful", actor="agent")
    dream = await start(stores)
    before = await stores.material(dream.dream_id)
    assert [entry.entry_id for entry in before.entries] == sorted([one.entry_id, two.entry_id])
    await remember(stores, "Three.")
    await stores.forget([two.entry_id], actor="agent")
    await stores.record_outcome([one.entry_id], "wrong", actor="agent")
    await stores.record_recalls([Recalled(store=USER, query="one", entry_ids=(one.entry_id,), at=NOW)])
    assert await stores.material(dream.dream_id) == before


async def test_the_material_names_what_was_forgotten_and_is_not_said_any_more(stores: Stores) -> None:
    one, two = await remember(stores, "One.", "Two.")
    await stores.forget([one.entry_id, two.entry_id], actor="agent")
    await remember(stores, "Two.")
    dream = await start(stores)
    assert [text for text, _ in (await stores.material(dream.dream_id)).forgotten] == ["One."]


async def test_what_a_dream_would_read_is_known_without_starting_it(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    session = await stores.record_session(USER, said("Hi."), trust="user", redactions=0, actor="user")
    material = await stores.prospective_material(USER, base=None, wanted="new")
    assert [entry.entry_id for entry in material.entries] == [one.entry_id]
    assert [transcript.session.session_id for transcript in material.transcripts] == [session.session_id]
    assert (await stores.standing(USER)).versions == 1


async def test_a_dream_over_an_older_version_reads_that_one(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    first = await propose(stores, archive(one))
    await stores.switch(USER, first.version, actor="user")
    base = first.version - 1
    again = await propose(stores, archive(one), base=base, instructions="older")
    assert await texts(stores, again.version) == []
    (skipped,) = (await stores.switch(USER, again.version, actor="user")).skipped
    assert one.entry_id in skipped.reason


async def test_a_dream_needs_what_there_is(stores: Stores) -> None:
    with pytest.raises(NotFoundError, match="no store 'user'"):
        await stores.start_dream(NEW_DREAM)
    (one,) = await remember(stores, "One.")
    with pytest.raises(NotFoundError, match="has not dreamt"):
        await stores.get_dream(None, store=USER)
    with pytest.raises(NotFoundError, match="no dream 'd_nothing0'"):
        await stores.get_dream(DreamId("d_nothing0"))
    with pytest.raises(NotFoundError, match="no version 9"):
        await stores.start_dream(replace(NEW_DREAM, base=9))
    ids = tuple(SessionId(f"s_{number:08}") for number in range(101))
    with pytest.raises(InvalidError, match="at most 100"):
        await stores.start_dream(replace(NEW_DREAM, sessions=ids))
    proposal = await propose(stores, archive(one))
    await stores.discard(proposal.dream_id, actor="user")
    with pytest.raises(ConflictError, match="discarded"):
        await stores.start_dream(replace(NEW_DREAM, base=proposal.version))


async def test_what_a_dream_has_decided_is_seen_while_it_runs_and_gone_once_it_ended(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = await start(stores)
    assert (dream.counts, dream.decided) == ({}, ())
    first, second = (
        Decided(number=number, operation="archive", risk="low", decision="included", reason="Old.", text="One.")
        for number in (1, 2)
    )
    for decided in ((first,), (first, second)):
        news = Decisions(counts={"archive/low/included": len(decided)}, decided=decided)
        await stores.beat(dream.dream_id, 1, lease_seconds=1, stage="judging", done=0, total=0, decisions=news)
        running = await stores.get_dream(dream.dream_id)
        assert (running.counts, running.decided) == (news.counts, decided)
    await stores.beat(dream.dream_id, 1, lease_seconds=LEASE_SECONDS, stage="writing", done=0, total=0)
    assert (await stores.get_dream(dream.dream_id)).decided == (first, second)
    await stores.propose(dream.dream_id, 1, [archive(one, risk="high")], ())
    assert (await stores.get_dream(dream.dream_id)).counts == {"archive/high/included": 1}
    done = await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    assert (done.counts, done.decided) == ({"archive/high/included": 1}, ())


async def test_only_the_worker_that_has_a_dream_says_what_it_decided(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = await start(stores)
    said = Decided(number=1, operation="archive", risk="low", decision="included", reason="Old.", text="One.")
    news = Decisions(counts={"archive/low/included": 1}, decided=(said,))
    with pytest.raises(ConflictError, match="attempt 2 has lost it"):
        await stores.beat(dream.dream_id, 2, lease_seconds=1, stage="judging", done=0, total=0, decisions=news)
    assert (await stores.get_dream(dream.dream_id)).decided == ()


async def test_a_dream_that_waits_for_its_judge_holds_no_worker_until_it_is_answered(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    await stores.await_judge(dream.dream_id, 1, step="batches", payload=b"[]", batches=2, wait_seconds=60)
    waiting = await stores.get_dream(dream.dream_id)
    assert (waiting.status, waiting.done, waiting.total) == ("pending", 0, 2)
    assert waiting.waits_until is not None
    assert not await stores.dream_waits()
    assert await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS) is None

    async def answer(step: str, done: int, wait_seconds: float | None) -> None:
        await stores.answer_step(
            dream.dream_id, step=step, payload=b"{}", done=done, wait_seconds=wait_seconds, actor="agent"
        )

    await answer("answer b1", 1, 60)
    with pytest.raises(ConflictError, match="Somebody else"):
        await answer("answer b1", 1, 60)
    await answer("answer b2", 2, None)
    with pytest.raises(ConflictError, match="asks for no judgements"):
        await answer("answer b3", 2, None)
    taken = await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    assert taken is not None
    assert (taken.attempt, taken.waits_until) == (2, None)
    assert await stores.read_steps(dream.dream_id, "answer ") == {"answer b1": b"{}", "answer b2": b"{}"}


async def test_a_dream_whose_judge_does_not_answer_in_time_waits_for_a_worker(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    await stores.await_judge(dream.dream_id, 1, step="batches", payload=b"[]", batches=1, wait_seconds=-1)
    assert await stores.dream_waits()
    assert await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS) is not None


async def test_a_dream_that_waits_for_its_judge_can_be_canceled(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    await stores.await_judge(dream.dream_id, 1, step="batches", payload=b"[]", batches=1, wait_seconds=60)
    assert (await stores.cancel_dream(dream.dream_id, actor="user")).status == "canceled"


async def test_what_a_step_cost_is_counted_with_it(stores: Stores) -> None:
    await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    cost = TokenUsage(
        input_tokens=1,
        output_tokens=2,
        cache_creation_input_tokens=3,
        cache_read_input_tokens=4,
        cost_usd=0.5,
    )
    await stores.write_step(dream.dream_id, 1, "call 1", b"x", cost=cost)
    await stores.write_step(dream.dream_id, 1, "call 2", b"y", cost=cost)
    assert (await stores.get_dream(dream.dream_id)).usage == TokenUsage(
        input_tokens=2, output_tokens=4, cache_creation_input_tokens=6, cache_read_input_tokens=8, cost_usd=1.0
    )


async def test_a_dream_whose_budget_ended_keeps_its_proposal(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    dream = (await stores.start_dream(NEW_DREAM)).dream
    await stores.claim_dream("worker", lease_seconds=LEASE_SECONDS)
    number = await stores.propose(dream.dream_id, 1, [archive(one)], ())
    assert number is not None
    failed = await stores.fail_dream(dream.dream_id, 1, "budget_exceeded", "It is spent.")
    assert (failed.status, failed.output_version) == ("failed", number)
    assert (await stores.get_version(USER, number)).state == "proposed"
    await stores.switch(USER, number, actor="user")
    assert await texts(stores) == []
