"""When two figures are one in another spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.spellings import in_one_spelling, spelled
from dreamkeep_server.dream.words import differ_in_spelling, difference, missing, tokens

SAME = [
    ("30 seconds", "30s"),
    ("half past 90 seconds", "half past 1.5 minutes"),
    ("1 hour", "60 minutes"),
    ("2 weeks", "14 days"),
    ("250 ms", "0.25 seconds"),
    ("10 MB", "10MB"),
    ("10 MB", "10 megabytes"),
    ("10%", "10 percent"),
    ("10 %", "10%"),
    ("$1,500", "1500 dollars"),
    ("€20", "20.00 EUR"),
    ("4 July", "July 4th"),
    ("4th of July", "Jul 4"),
    ("4 July 2026", "2026-07-04"),
    ("July 4, 2026", "4 July 2026"),
    ("9:00", "9 am"),
    ("21:30", "9:30 p.m."),
    ("9am", "09:00"),
]
ANOTHER = [
    ("30 seconds", "30 minutes"),
    ("in their 30s", "in their 30 seconds"),
    ("9 am", "9 pm"),
    ("12 am", "12 pm"),
    ("4 July", "4 June"),
    ("4 July 2026", "4 July 2027"),
    ("version 1.50", "version 1.5"),
    ("$20", "€20"),
    ("10 MB", "10 GB"),
    ("5m", "5 minutes"),
    ("4th", "4"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_figure_in_another_spelling_is_the_same(one: str, other: str):
    assert in_one_spelling(tokens(one)) == in_one_spelling(tokens(other))
    assert difference(f"The value is {one}", f"The value is {other}") is None
    assert missing(f"The value is {one}", (f"The value is {other}",)) == ()


@pytest.mark.parametrize(("one", "other"), ANOTHER)
def test_another_figure_is_another(one: str, other: str):
    assert in_one_spelling(tokens(one)) != in_one_spelling(tokens(other))
    assert not differ_in_spelling(one, other)


def test_a_text_that_says_more_than_the_spelling_has_to_carry_all():
    assert missing("The timeout is 30s", ("The timeout of db-01 is 30 seconds",)) != ()


PIECES = st.sampled_from(
    (
        "4", "4th", "july", "of", "2026", "2026-07-04", "2026-99-99", "9:99", "9:30", "pm", "30s", "$", "$5", "²",
        "mb", "10%", "the", "٣",
        "9" * 400,
        "1" * 30 + "s",
    )
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map(tuple))
def test_every_word_is_kept_in_its_place_whatever_it_is(words: tuple[str, ...]):
    assert tuple(word for one in spelled(words) for word in one.told) == words
