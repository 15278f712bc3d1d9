"""Which texts that are near may say one thing, and whose words only stand in another order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.paraphrase import is_paraphrase, swaps_roles

NEAR = 0.95


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ana pays Bo every month", "Bo pays Ana every month"),
        ("The server calls the client", "The client calls the server"),
        ("Data goes from staging to production", "Data goes from production to staging"),
        ("Ana reviews what Bo writes", "Ana writes what Bo reviews"),
        ("The invoice service calls billing", "The invoice service is called by billing"),
    ],
)
def test_who_does_what_to_whom_keeps_two_texts_apart(left: str, right: str):
    assert swaps_roles(left, right)
    assert not is_paraphrase(left, right, NEAR)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ana reviews the release notes", "The release notes are reviewed by Ana"),
        ("Ana wants a red logo", "Ana wants a logo which is red"),
        ("Ana likes a soup of beans", "Ana likes a bean soup"),
        ("Ana cooks dinner for guests", "Ana prepares dinner for guests"),
    ],
)
def test_a_passive_or_a_relative_clause_accounts_for_another_order(left: str, right: str):
    assert not swaps_roles(left, right)
    assert is_paraphrase(left, right, NEAR)


def test_in_a_long_text_nearness_alone_is_not_enough():
    text = (
        "Deploys of the billing service go through the blue cluster, need an approval from ops, and are announced in "
        "the release channel one hour ahead"
    )
    longer = text + ", while hotfixes of the payment gateway skip every one of those steps and are told to support"
    assert is_paraphrase(text, text.replace("announced", "told"), 0.9)
    assert not is_paraphrase(text, longer, 0.9)


def test_a_text_of_marks_alone_says_the_same_as_nothing():
    assert not is_paraphrase("?", "...", 1.0)


a_word = st.sampled_from(["Ana", "Bo", "pays", "is", "paid", "by", "the", "red", "which", "of", "deploys", "never"])
some_text = st.lists(a_word, max_size=12).map(" ".join)


@given(some_text, some_text, st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_neither_text_is_the_first(left: str, right: str, cosine: float):
    assert swaps_roles(left, right) == swaps_roles(right, left)
    assert is_paraphrase(left, right, cosine) == is_paraphrase(right, left, cosine)


@given(some_text)
def test_a_text_swaps_no_roles_with_itself(text: str):
    assert not swaps_roles(text, text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ana thanks Ben for all the help with her move", "Ben is thanked for all the help and will help Ana again"),
        ("Gina feels inspired by how Jon keeps his studio open", "Jon feels inspired by how Gina keeps her shop open"),
    ],
)
def test_two_texts_about_two_people_who_mention_each_other_are_two_facts(left: str, right: str):
    assert not is_paraphrase(left, right, NEAR)
    assert not is_paraphrase(right, left, NEAR)


def test_words_that_stand_for_others_count_against_a_long_text():
    text = "Every deploy of the billing service needs an approval from ops, a green build and a note in the channel"
    turned = text.replace("needs an approval from ops", "has to be approved by ops")
    other = text.replace("billing service", "mobile app").replace("approval from ops", "screenshot of the store page")
    assert is_paraphrase(text, turned, 0.85)
    assert not is_paraphrase(text, other, 0.7)
