"""Dates that follow from what was said and when; no other date may be written for it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream import words
from dreamkeep_server.dream.spoken_days import without_dates_said

SATURDAY = date(2026, 5, 16)


def left(content: str, said: str, on: date = SATURDAY) -> set[str]:
    """What is exact in the content and does not follow."""
    return {" ".join(specific) for specific in words.specifics(without_dates_said(content, said, on))}


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("We ship tomorrow.", "It ships on 17 May 2026."),
        ("We ship tomorrow.", "It ships on Sunday, May 17th, 2026."),
        ("We ship tomorrow.", "It ships on 2026-05-17 (Sunday)."),
        ("It broke yesterday", "It broke on 15 May 2026."),
        ("the day after tomorrow", "On 18 May 2026 it ends."),
        ("See you on Friday", "They meet on 22 May 2026."),
        ("I saw her last Friday", "They met on 15 May 2026."),
        ("in three days", "It is due on 19 May 2026."),
        ("two weeks ago", "It began on 2 May 2026."),
        ("Next week is the fair", "The fair begins on Monday, 18 May 2026."),
        ("I'm moving next month", "It moves in June 2026."),
        ("we married two years ago", "They married in 2024."),
        ("last summer", "It was in 2025."),
        ("We talked today", "They talked on May 16, 2026."),
    ],
)
def test_a_date_that_follows_from_what_was_said_is_no_invention(said: str, content: str):
    assert left(content, said) == set()


@pytest.mark.parametrize(
    ("said", "content", "invented"),
    [
        ("We ship tomorrow.", "It ships on 18 May 2026.", "18"),
        ("We ship soon.", "It ships on 17 May 2026.", "17"),
        ("We ship tomorrow.", "It ships in 2027.", "2027"),
        ("The team is big.", "The team has 16 people.", "16"),
        ("The team is big.", "The team has 2026 people.", "2026"),
        ("I'm moving next month", "It moves in July 2026.", "july"),
    ],
)
def test_another_date_or_a_bare_number_is_one(said: str, content: str, invented: str):
    assert invented in left(content, said)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(2, 300))
def test_days_are_counted_over_months_and_years(on: date, days: int):
    later = on + timedelta(days=days)
    assert left(f"It is due on {later.day} {later:%B} {later.year}.", f"in {days} days", on) == set()
    assert left(f"It is due on {later.isoformat()}.", f"in {days + 1} days", on) == {later.isoformat()}


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_is_too_odd(said: str, content: str):
    assert len(without_dates_said(content, said, SATURDAY)) <= len(content)
