"""Which entries should last longer, by how they are used and by what is said again."""

from dataclasses import replace

import pytest

from dreamkeep_server.dream.candidate import Outgrown
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.outgrown import OUTGROWN_A_DREAM_MAX
from dreamkeep_store.models import Material, Tier, Usage

from .material import days_ago, entry, material, plan_by_rules, session

LASTING = Usage(useful=5, useful_at=days_ago(10))


def outgrown(given: Material) -> list[tuple[str, Tier]]:
    return [(one.entry.content, one.tier) for one in find_candidates(given) if isinstance(one, Outgrown)]


def test_an_ephemeral_entry_that_was_useful_twice_is_suggested_as_standard():
    used = Usage(useful=2, useful_at=days_ago(0.5))
    once = Usage(useful=1, useful_at=days_ago(0.5))
    entries = (entry(1, "Tea", tier="ephemeral", usage=used), entry(2, "Jazz", tier="ephemeral", usage=once))
    assert outgrown(material(*entries)) == [("Tea", "standard")]


@pytest.mark.parametrize(
    ("usage", "age", "expected"),
    [
        (LASTING, 120, True),
        (LASTING, 50, False),
        (replace(LASTING, useful=4), 120, False),
        (replace(LASTING, useful_at=days_ago(100)), 400, False),
        (replace(LASTING, wrong=1), 120, False),
    ],
)
def test_a_standard_entry_is_suggested_as_persistent_when_it_was_of_use_for_long(
    usage: Usage, age: float, expected: bool
):
    assert outgrown(material(entry(1, "Tea", age=age, usage=usage))) == ([("Tea", "persistent")] if expected else [])


def test_an_ephemeral_entry_that_the_user_says_again_later_is_suggested_as_standard():
    passing = entry(1, "Our tests run on Node 20.", tier="ephemeral", age=5)
    again, soon = session(1, "Hello. Our tests run on Node 20!", age=1), session(2, "our tests run on node 20", age=4)
    invented = session(3, "Our tests run on Node 20.", age=1, trust="agent")
    assert outgrown(material(passing, transcripts=[again])) == [(passing.content, "standard")]
    assert outgrown(material(passing, transcripts=[soon, invented])) == []


def test_what_the_user_says_in_several_sessions_as_lasting_is_suggested_as_persistent():
    always, now = entry(1, "I always use British English."), entry(2, "I am at the office now.", tier="ephemeral")
    said = [session(number, f"{always.content} {now.content}", age=0.5) for number in (1, 2)]
    assert outgrown(material(always, now, transcripts=said)) == [(always.content, "persistent")]
    assert outgrown(material(always, now, transcripts=said[:1])) == []


def test_a_tier_rises_by_approval_only_and_to_persistent_at_high_risk():
    ground = material(
        entry(1, "Tea", age=120, usage=LASTING),
        entry(2, "Jazz", tier="ephemeral", usage=Usage(useful=2, useful_at=days_ago(0.5))),
    )
    changes = {change.opens[0].tier: change for change in plan_by_rules(ground).changes}
    assert {(change.operation, change.decision) for change in changes.values()} == {("retier", "suggested")}
    assert (changes["persistent"].risk, changes["standard"].risk) == ("high", "medium")


def test_somebody_who_declined_a_tier_is_not_asked_again():
    used = entry(1, "Tea", age=120, usage=LASTING)
    declined = frozenset({(used.entry_id, used.content, "persistent")})
    assert outgrown(replace(material(used), declined=declined)) == []


def test_one_dream_asks_about_the_most_used_only():
    entries = [
        entry(number, f"Fact {number}", age=120, usage=replace(LASTING, useful=5 + number)) for number in range(15)
    ]
    found = outgrown(material(*entries))
    assert found == [(f"Fact {number}", "persistent") for number in range(14, 14 - OUTGROWN_A_DREAM_MAX, -1)]
