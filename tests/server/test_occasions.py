"""When a recall mentions that the memory needs somebody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dreamkeep_server.occasions import due, halted, next_look, waiting
from dreamkeep_store.models import Standing, StoreName

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUIET = Standing(
    store=StoreName("user"),
    head=3,
    seq=90,
    written_since_head=0,
    by_tier={"persistent": 10, "standard": 80, "ephemeral": 10},
    versions=3,
    sessions=9,
    new_sessions=0,
    proposal=None,
    proposal_at=None,
    dream_id=None,
    dream_status="completed",
    dreamed_at=NOW - timedelta(days=2),
    dream_ended_at=NOW - timedelta(days=2),
    entries_at_dream=95,
)
FRUITLESS = replace(QUIET, new_sessions=5, fruitless=3, failure="timeout: It took\ntoo long.")


def test_a_quiet_store_is_not_mentioned():
    assert due(QUIET, NOW) is None
    assert waiting(QUIET, NOW) is None


def test_a_dream_is_due_after_a_day_and_five_sessions_or_a_fifth_more_entries():
    assert "5 sessions" in (due(replace(QUIET, new_sessions=5), NOW) or "")
    assert due(replace(QUIET, new_sessions=4), NOW) is None
    assert "held 80" in (due(replace(QUIET, entries_at_dream=80), NOW) or "")
    assert due(replace(QUIET, entries_at_dream=84), NOW) is None


@pytest.mark.parametrize("status", ["pending", "running"])
def test_no_dream_is_due_while_one_runs_or_waits_for_review_or_has_just_ended(status: str):
    busy = replace(QUIET, new_sessions=50)
    assert due(replace(busy, dream_status=status), NOW) is None  # pyright: ignore[reportArgumentType]  # parametrized
    assert due(replace(busy, proposal=4, proposal_at=NOW), NOW) is None
    assert due(replace(busy, dream_ended_at=NOW - timedelta(hours=23)), NOW) is None


def test_a_store_that_never_dreamed_is_due_once_it_holds_enough():
    never = replace(QUIET, dreamed_at=None, dream_status=None, dream_ended_at=None, entries_at_dream=None)
    assert "never dreamed" in (due(never, NOW) or "")
    assert due(replace(never, by_tier={"standard": 24}), NOW) is None


def test_a_small_store_is_not_due_a_dream_for_every_few_entries():
    small = replace(QUIET, by_tier={"standard": 5}, entries_at_dream=4)
    assert due(small, NOW) is None
    assert "5 sessions" in (due(replace(small, new_sessions=5), NOW) or "")
    assert "held 20" in (due(replace(small, by_tier={"standard": 25}, entries_at_dream=20), NOW) or "")


def test_a_proposal_is_mentioned_after_three_days():
    assert waiting(replace(QUIET, proposal=4, proposal_at=NOW - timedelta(hours=71)), NOW) is None
    told = waiting(replace(QUIET, proposal=4, proposal_at=NOW - timedelta(days=3)), NOW)
    assert told is not None
    assert "Version 4" in told
    assert "review_dream" in told


def test_a_dream_that_failed_or_was_canceled_is_not_followed_by_another_one_the_same_day():
    busy = replace(QUIET, new_sessions=50, dream_status="canceled", dream_ended_at=NOW - timedelta(hours=1))
    assert due(busy, NOW) is None
    assert due(busy, NOW + timedelta(hours=23)) is not None


def test_after_three_dreams_that_came_to_nothing_none_starts_by_itself_for_a_week():
    told = halted(FRUITLESS, NOW)
    assert told is not None
    assert "its last 3 came to nothing (the last failure was timeout: It took too long)" in told
    assert "2026-03-06" in told
    assert "start_dream" in told
    assert halted(replace(FRUITLESS, fruitless=2), NOW) is None
    assert halted(FRUITLESS, NOW + timedelta(days=5)) is None
    assert "thrown away" in (halted(replace(FRUITLESS, failure=None), NOW) or "")


def test_a_failure_of_any_length_stays_one_short_sentence():
    told = halted(replace(FRUITLESS, failure="internal_error: " + "x" * 5_000), NOW)
    assert told is not None
    assert len(told) < 450


def test_a_look_is_needed_only_when_a_write_could_make_a_dream_due():
    assert next_look(QUIET, NOW) is None
    just = replace(QUIET, dream_ended_at=NOW - timedelta(hours=23))
    assert next_look(just, NOW) == NOW + timedelta(hours=1)
    assert next_look(FRUITLESS, NOW) == NOW + timedelta(days=5)
    assert next_look(replace(QUIET, dream_ended_at=None), NOW) is None
