"""The published formula."""

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.staleness import explain, freshness, has_expired, has_faded, idle_days, is_stale
from dreamkeep_store.models import TIERS, Tier, Usage

from .material import NOW, days_ago, entry


def test_an_entry_is_half_as_fresh_after_its_half_life():
    assert freshness(entry(1, "x", age=90), NOW) == 0.5
    assert freshness(entry(1, "x", age=3, tier="ephemeral"), NOW) == 0.5


def test_useful_recalls_lengthen_the_half_life_by_their_logarithm():
    useful = Usage(useful=3, useful_at=days_ago(270))
    assert freshness(entry(1, "x", age=400, usage=useful), NOW) == 0.5


def test_idle_counts_from_the_latest_of_asserted_and_usefully_recalled():
    assert idle_days(entry(1, "x", age=9, usage=Usage(useful=1, useful_at=days_ago(2))), NOW) == 2
    assert idle_days(entry(1, "x", age=1, usage=Usage(useful=1, useful_at=days_ago(2))), NOW) == 1
    assert idle_days(entry(1, "x", age=-5), NOW) == 0


def test_a_persistent_entry_never_goes_stale():
    assert freshness(entry(1, "x", age=100_000, tier="persistent"), NOW) == 1


@given(st.sampled_from(TIERS), st.floats(0, 10_000))
def test_only_an_ephemeral_entry_expires_and_only_a_standard_one_fades(tier: Tier, age: float):
    one = entry(1, "x", tier=tier, age=age)
    assert not (has_expired(one, NOW) and tier != "ephemeral")
    assert not (has_faded(one, NOW) and tier != "standard")
    assert is_stale(one, NOW) or not (has_expired(one, NOW) or has_faded(one, NOW))
    assert 0 <= freshness(one, NOW) <= 1


def test_the_explanation_is_one_sentence_with_the_figures():
    text = explain(entry(1, "x", age=30, tier="ephemeral"), NOW)
    assert "30.0 days" in text
    assert "3 days" in text
    assert "expired" in text
    assert explain(entry(1, "x", tier="persistent"), NOW).count(".") == 1
