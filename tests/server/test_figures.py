"""Which figures a text gives, and when a newer text gives another one for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.figures import CHARACTERS_MAX, FIGURES_MAX, asked_for, figures_of, renewal


@pytest.mark.parametrize(
    ("older", "newer", "before", "now"),
    [
        (
            "The marketing budget of the Oslo team is $600 a year",
            "The marketing budget of the Oslo team was increased to $650",
            "$600",
            "$650",
        ),
        (
            "The review with Dana about the draft is on March 22 at 3 PM",
            "The review with Dana about the draft was rescheduled to March 22 at 4:30 PM",
            "3 PM",
            "4:30 PM",
        ),
        (
            "The reading list for the seminar has 45 sources",
            "The reading list for the seminar has now reached 52 sources",
            "45",
            "52",
        ),
        (
            "Probate in Oslo takes 6-9 months for estates",
            "Probate in Oslo for estates was shortened to 5-7 months",
            "6-9",
            "5-7",
        ),
        (
            "The test suite covers 81% of the billing code",
            "Coverage of the billing code by the test suite improved from 81% to 90%",
            "81%",
            "90%",
        ),
        (
            "The first sprint for navigation has a deadline of 1 April",
            "The first sprint for navigation has a new deadline of April 5th",
            "1 April",
            "April 5th",
        ),
        (
            "Five dogs live in the kennel behind the house",
            "There are now six dogs in the kennel behind the house",
            "Five",
            "six",
        ),
    ],
)
def test_a_figure_that_is_said_to_have_changed_renews_the_older_one(older: str, newer: str, before: str, now: str):
    found = renewal(newer, older)
    assert found is not None
    assert (found.before, found.now, found.announced) == (before, now, True)
    assert renewal(older, newer) is None  # the older text does not say that anything is new


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        # Another thing, the same figure, how far it moved, what it was, what somebody wants, another kind, a year.
        ("The travel budget for Lisbon is $600", "The marketing budget of the Oslo team was increased to $650"),
        (
            "The marketing budget of the Oslo team is $650",
            "The marketing budget of the Oslo team was increased to $650",
        ),
        ("The index of the Oslo exchange stood at 980 points", "The index of the Oslo exchange rose 49 points"),
        ("The cycle of hiring an engineer takes 30 days", "The cycle of hiring an engineer was reduced by 12 days"),
        (
            "The cycle of hiring an engineer takes 30 days",
            "We want to reduce the cycle of hiring an engineer to 12 days",
        ),
        ("The marketing budget of the Oslo team is $600", "The marketing budget of the Oslo team was raised to 7%"),
        ("The roof of the Oslo office was rebuilt in 1998", "The roof of the Oslo office was renewed to last, in 2024"),
    ],
)
def test_another_figure_alone_is_no_newer_one(older: str, newer: str):
    assert renewal(newer, older) is None


def test_a_question_about_it_makes_a_plainly_stated_figure_the_newer_one():
    older = "The screening tool of the hiring team has 87% accuracy"
    newer = "The hiring team's screening tool works with 90% accuracy"
    assert renewal(newer, older) is None
    found = renewal(newer, older, asked_for("What accuracy does the screening tool have?"))
    assert found is not None
    assert (found.before, found.now, found.announced) == ("87%", "90%", False)
    assert renewal(newer, older, asked_for("Who is in the hiring team?")) is None


@pytest.mark.parametrize("query", ["What was the budget before?", "my original budget", "How many days between both?"])
def test_a_question_about_the_past_asks_for_no_newer_figure(query: str):
    assert asked_for(query) == frozenset()


@pytest.mark.parametrize(
    ("one", "other"),
    [("on 5 May we met", "on May 5th we met"), ("it costs $1,500 now", "it costs $1500 now"),
     ("at 4 p.m. sharp", "at 4 pm sharp"), ("seven cats here", "7 cats here"), ("20 % of it", "20 percent of it"),
     ("on 2026-05-05 we met", "on May 5 we met")],
)  # fmt: skip
def test_one_figure_in_two_spellings_is_one(one: str, other: str):
    assert [found.value for found in figures_of(one)] == [found.value for found in figures_of(other)] != []


@pytest.mark.parametrize(
    "text", ["v1.2.3 of the API", "see https://example.org/2024/05", "port :8080", "in 2024", "a/b/3"]
)
def test_versions_addresses_and_years_are_no_figures(text: str):
    assert figures_of(text) == ()


def test_listings_and_what_is_behind_the_first_characters_are_not_looked_at():
    assert figures_of("```\nwidth = 1200 px\n```\n") == ()
    assert figures_of("x " * CHARACTERS_MAX + "the budget is $5") == ()


def test_of_a_table_only_the_first_figures_are_looked_at():
    rows = " ".join(f"{number} apples" for number in range(2, 900))
    assert len(figures_of(rows)) == FIGURES_MAX


WORDS = "The budget for Oslo travel was increased to $650 . now has 7 dogs ; 20% at 4 pm May 5 from by 1,000 ```"
sentences = st.lists(st.sampled_from([*WORDS.split(), "\n"]), max_size=20).map(" ".join)


@given(sentences, sentences)
def test_no_text_renews_itself_and_what_renews_is_another_figure(newer: str, older: str):
    assert renewal(older, older) is None
    found = renewal(newer, older)
    if found is not None:
        assert found.announced
        assert found.now in " ".join(newer.split())
        assert found.before in " ".join(older.split())
        assert found.before != found.now


def test_a_port_is_a_figure_too():
    older, newer = "The Tidewater API listens on port 8080.", "The Tidewater API now listens on port 8443."
    found = renewal(newer, older, asked_for("Which port does the Tidewater API listen on?"))
    assert found is not None
    assert (found.before, found.now) == ("8080", "8443")


def test_a_port_elsewhere_is_not_put_before_the_one_that_is_asked_for():
    older = "The Tidewater API in production listens on port 8080."
    newer = "The Tidewater API in staging listens on port 8443."
    assert renewal(newer, older, asked_for("Which port has the Tidewater API in production, to listen on?")) is None
    assert renewal(newer, older, asked_for("Which port does the Tidewater API in staging listen on?")) is not None
