"""Which entries give a figure that a newer one says to have changed, and what the rules judge makes of them."""

import random

import pytest

from dreamkeep_server.dream.candidate import SlotValues
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.renewals import CHARACTERS_MAX, RENEWED_BY_ONE_MAX
from dreamkeep_store.models import Entry

from .material import entry, material, plan_by_rules

SIX = "The marketing budget of the Oslo team is $600 a year"
MORE = "The marketing budget of the Oslo team was increased to $650"


def test_the_older_figure_is_suggested_to_be_superseded_by_the_one_that_says_that_it_is_new():
    (change,) = plan_by_rules(material(entry(1, SIX, age=9), entry(2, MORE, age=1))).changes
    assert (change.operation, change.decision, change.risk) == ("supersede", "suggested", "medium")
    assert change.closes == (999,)
    assert change.reads == (998, 999)
    assert change.evidence == ("$600, then $650",)


def test_what_says_that_it_is_new_is_newer_though_both_were_said_at_once():
    (change,) = plan_by_rules(material(entry(1, SIX), entry(2, MORE))).changes
    assert (change.operation, change.closes) == ("supersede", (999,))


def test_of_two_that_say_so_at_once_the_one_written_later_is_newer():
    ground = material(entry(1, MORE), entry(2, MORE.replace("650", "700")))
    (found,) = find_candidates(ground)
    assert isinstance(found, SlotValues)
    assert found.newer[0].entry_id == "e_00000001"  # its revision was written last


def test_what_only_the_older_one_says_is_told():
    ground = material(entry(1, SIX + " and Ana of ACME-7 keeps it", age=9), entry(2, MORE, age=1))
    (found,) = find_candidates(ground)
    assert isinstance(found, SlotValues)
    assert found.evidence == ("$600, then $650", "only the older one says: acme-7, ana")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (entry(1, SIX, age=1), entry(2, MORE, age=9)),
        (entry(1, SIX, age=9, topic="/a"), entry(2, MORE, age=1, topic="/b")),
        (entry(1, SIX + " x" * CHARACTERS_MAX, age=9), entry(2, MORE, age=1)),
        (entry(1, "The travel budget for Lisbon is $600", age=9), entry(2, MORE, age=1)),
    ],
)
def test_newer_long_or_other_statements_are_let_be(older: Entry, newer: Entry):
    assert [found for found in find_candidates(material(older, newer)) if isinstance(found, SlotValues)] == []


def test_one_newer_figure_replaces_the_likeliest_few_and_the_order_of_entries_does_not_matter():
    olds = [
        entry(n, f"The marketing budget of the Oslo team is $60{n} for year {n} and {'x' * n}", age=99 - n)
        for n in range(6)
    ]
    entries = [*olds, entry(9, MORE, age=1)]
    found = [one for one in find_candidates(material(*entries)) if isinstance(one, SlotValues) and one.announced]
    assert len(found) == RENEWED_BY_ONE_MAX
    random.Random(7).shuffle(entries)
    assert [
        one for one in find_candidates(material(*entries)) if isinstance(one, SlotValues) and one.announced
    ] == found
