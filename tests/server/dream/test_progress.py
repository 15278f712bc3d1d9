"""What can be seen of a dream while it decides, and that watching it changes nothing."""

from collections import Counter

import pytest
from hypothesis import given, settings

from dreamkeep_server.dream.pipeline import (
    WATCHED_CHARACTERS_MAX,
    WATCHED_LATEST_MAX,
    WATCHED_OF_A_KIND_MAX,
    Progress,
    UnwantedError,
    make_dream,
)
from dreamkeep_store.models import Material

from .material import entry, material, materials, plan_by_rules


@given(materials())
@settings(deadline=None, max_examples=60)
def test_watching_a_dream_changes_nothing_about_its_plan(some: Material):
    assert make_dream(some, Progress()) == plan_by_rules(some)


@given(materials())
@settings(deadline=None, max_examples=60)
def test_every_change_of_the_plan_was_decided_before(some: Material):
    progress = Progress()
    plan = make_dream(some, progress)
    assert sum(progress.decisions.counts.values()) >= len(plan.changes)
    numbers = [one.number for one in progress.decisions.decided]
    assert numbers == sorted(set(numbers))


def test_a_dream_of_many_changes_keeps_few_of_them_in_sight():
    number = 400
    some = material(
        *(entry(at, f"Room {at // 2} is on floor {at // 20}" + "." * (at % 2)) for at in range(number)),
        entry(number, "Ana likes tea. " * 40),
        entry(number + 1, "ana likes tea. " * 40),
    )
    progress = Progress()
    make_dream(some, progress)
    decisions = progress.decisions
    assert sum(decisions.counts.values()) > number // 2
    kinds = Counter(f"{one.operation}/{one.risk}/{one.decision}" for one in decisions.decided)
    assert kinds.keys() == decisions.counts.keys()
    assert len(decisions.decided) <= len(kinds) * WATCHED_OF_A_KIND_MAX + WATCHED_LATEST_MAX
    assert decisions.decided[-1].number == sum(decisions.counts.values())
    assert max(len(one.text) for one in decisions.decided) == WATCHED_CHARACTERS_MAX
    assert progress.stage == "planning"


def test_a_plan_that_nobody_waits_for_any_more_is_not_made():
    progress = Progress(is_wanted=False)
    with pytest.raises(UnwantedError):
        make_dream(material(entry(1, "Tea."), entry(2, "tea")), progress)
