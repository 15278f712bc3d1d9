"""What a text says never happened, and which other texts speak of it."""

import pytest

from dreamkeep_server.dream.candidate import Opposed
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.denials import CONTRADICTED_BY_MAX, find_denials, find_denied

from .material import entry, material


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("I've never met Ana at a fair, so who is she?", "met Ana at a fair"),
        ("The user has never used Terraform because it scares them", "used Terraform"),
        ("Bo never deployed the billing service. He writes docs", "deployed the billing service"),
        ("We had never actually tested the restore, but it works", "tested the restore"),
    ],
)
def test_what_never_was_is_read_to_the_end_of_its_clause(text: str, what: str):
    assert find_denials(text) == (what,)


@pytest.mark.parametrize("text", ["Never deploy on Fridays", "It is now or never", "She always pays", ""])
def test_a_rule_or_a_saying_denies_nothing_that_happened(text: str):
    assert find_denials(text) == ()


def test_a_denial_and_what_speaks_of_it_are_opposed():
    never = entry(1, "I've never met Ana from the Lisbon office, can you introduce us?")
    met = entry(2, "I met Ana at the Lisbon office last spring and we talked for hours")
    other = entry(3, "The Oslo office moves in spring")
    (opposed,) = find_candidates(material(never, met, other))
    assert isinstance(opposed, Opposed)
    assert opposed.entries == (never, met)
    assert "met Ana from the Lisbon office" in opposed.evidence[0]


def test_a_second_denial_of_the_same_is_no_contradiction():
    texts = ["I've never used Terraform for networks", "I have never used Terraform for networks, so teach me"]
    assert list(find_denied(texts, None)) == []


def test_one_denial_names_the_few_texts_that_speak_most_of_it():
    texts = ["I've never met Ana from Lisbon", *(f"On day {n} I met Ana from Lisbon" for n in range(9))]
    found = list(find_denied(texts, None))
    assert [one.other for one in found] == list(range(1, CONTRADICTED_BY_MAX + 1))


def test_a_denial_that_names_nothing_finds_nothing():
    assert list(find_denied(["I've never used it before", "I used it", "We use it"], None)) == []


def test_who_tells_of_having_done_it_comes_before_who_only_speaks_of_it():
    texts = [
        "I've never met the attorney Stephanie Weber",
        "Stephanie Weber the attorney has an office in Lisbon",
        "The attorney Stephanie Weber wrote a book on wills",
        "I meet the attorney Stephanie Weber on Monday",
    ]
    assert next(one.other for one in find_denied(texts, None)) == 3
