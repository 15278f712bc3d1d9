"""What a dream that is asked for may be: spending needs the owner's word, a key, and a cap."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dreamkeep_server.asking import judge_of, spending_of
from dreamkeep_server.settings import Settings
from dreamkeep_store.errors import InvalidError

Owner = Callable[..., Settings]


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Builds an owner's settings; there is a key in the environment."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody's")

    def build(**fields: object) -> Settings:
        return Settings.model_validate({"home": tmp_path, **fields})

    return build


def test_auto_is_the_owners_judge_else_the_rules(owner: Owner):
    assert judge_of("auto", owner(), by_agent=True) == "rules"
    assert judge_of("auto", owner(), by_agent=False) == "rules"
    assert judge_of("auto", owner(judge="agent"), by_agent=True) == "agent"
    assert judge_of("auto", owner(judge="agent"), by_agent=False) == "rules"
    assert judge_of("auto", owner(judge="rules"), by_agent=True) == "rules"
    with pytest.raises(InvalidError, match="a command line has none"):
        judge_of("agent", owner(), by_agent=False)


@pytest.mark.parametrize("by_agent", [True, False])
def test_a_key_is_no_consent_to_spend(owner: Owner, by_agent: bool):
    for settings in (owner(), owner(judge="rules"), owner(judge="agent")):
        with pytest.raises(InvalidError, match="no consent"):
            judge_of("claude", settings, by_agent=by_agent)
    assert judge_of("claude", owner(judge="claude"), by_agent=by_agent) == "claude"
    assert judge_of("auto", owner(judge="claude"), by_agent=by_agent) == "claude"


def test_without_a_key_claude_is_refused_at_the_start(owner: Owner, monkeypatch: pytest.MonkeyPatch):
    settings = owner(judge="claude")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    with pytest.raises(InvalidError, match="ANTHROPIC_API_KEY"):
        judge_of("auto", settings, by_agent=True)


@pytest.mark.parametrize(
    ("set_usd", "asked_usd", "usd", "is_noted"),
    [
        (None, None, 1.0, False),
        (None, 0.5, 0.5, False),
        (None, 9.0, 1.0, True),
        (5.0, None, 5.0, False),
        (5.0, 9.0, 5.0, True),
    ],
)
def test_a_dream_costs_no_more_than_the_owner_allows(
    owner: Owner, set_usd: float | None, asked_usd: float | None, usd: float, is_noted: bool
):
    settings = owner(judge="claude", budget_usd=set_usd)
    spending = spending_of("claude", settings, model=None, budget_tokens=None, budget_usd=asked_usd)
    assert (spending.model, spending.budget_usd) == ("claude-sonnet-5", usd)
    assert (spending.note is not None) == is_noted


def test_a_model_without_a_known_price_needs_a_budget_in_tokens_and_counts_as_the_dearest(owner: Owner):
    settings = owner(judge="claude")
    with pytest.raises(InvalidError, match="budget_tokens"):
        spending_of("claude", settings, model="claude-next", budget_tokens=None, budget_usd=None)
    spending = spending_of("claude", settings, model="claude-next", budget_tokens=50_000, budget_usd=None)
    assert "counted at the dearest known" in (spending.note or "")
    assert (spending.budget_tokens, spending.budget_usd) == (50_000, 1.0)
    dated = spending_of("claude", settings, model="claude-haiku-4-5-20251001", budget_tokens=None, budget_usd=None)
    assert dated.note is None
