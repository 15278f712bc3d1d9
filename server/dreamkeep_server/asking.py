"""What a dream that somebody asks for may be: who judges it, how far it may go, what it may cost.

The tools and the command line ask through here, so an owner's settings bind both alike.
"""

from dataclasses import dataclass
from typing import Literal

from dreamkeep_server.dream.judges import prices
from dreamkeep_server.settings import Settings, has_claude_key
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import JudgeName, Policy

POLICIES: tuple[Policy, ...] = ("review", "auto_low", "auto_medium")
"""Most careful first."""
BUDGET_USD = 1.0
"""What a dream may cost when its owner has set no budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Which model judges, and what it may take."""

    model: str | None
    budget_tokens: int | None
    budget_usd: float | None
    note: str | None = None
    """What somebody who asked for more should know."""


def judge_of(asked: Literal["auto"] | JudgeName, settings: Settings, *, by_agent: bool) -> JudgeName:
    """Who judges: the one that is asked for, else the owner's, else `rules`.

    InvalidError for Claude without the owner's word or a key, and for the agent where none is connected.
    """
    wanted = settings.judge if asked == "auto" else asked
    match wanted:
        case "auto" | "rules":
            return "rules"
        case "agent" if by_agent:
            return "agent"
        case "agent" if asked == "auto":
            return "rules"
        case "agent":
            raise InvalidError(
                "The judge agent is an agent that is connected, and a command line has none. Ask yours to dream; it "
                "calls start_dream and judge_dream. The judge rules works here."
            )
        case "claude" if settings.judge != "claude":
            raise InvalidError(
                "The judge claude spends money, and the owner has not allowed it: a key in the environment is no "
                f'consent. judge = "claude" in {settings.home / "settings.toml"} allows it, with budget_usd for each '
                f"dream ({BUDGET_USD:.2f} dollars unless set). The judges rules and agent cost nothing."
            )
        case "claude" if not has_claude_key():
            raise InvalidError(
                "The judge claude needs ANTHROPIC_API_KEY in the environment of this program, and there is none. Set "
                "it (any value, for an endpoint of your own behind ANTHROPIC_BASE_URL), or take the judge rules."
            )
        case "claude":
            return "claude"


def spending_of(
    judge: JudgeName,
    settings: Settings,
    *,
    model: str | None,
    budget_tokens: int | None,
    budget_usd: float | None,
) -> Spending:
    """What the judge may take, capped by the owner's budget; only Claude costs money.

    InvalidError for a model whose price nobody knows, without a budget in tokens.
    """
    if judge != "claude":
        usd = least_of(budget_usd, settings.budget_usd)
        return Spending(model=model, budget_tokens=budget_tokens, budget_usd=usd)
    chosen = model or prices.MODEL
    cap = settings.budget_usd or BUDGET_USD
    notes: list[str] = []
    if budget_usd is not None and budget_usd > cap:
        notes.append(f"The owner's budget_usd allows {cap:,.2f} dollars a dream, so that is this dream's budget.")
    if not prices.is_priced(chosen):
        if budget_tokens is None:
            raise InvalidError(
                f"The price of {chosen!r} is not known, so a budget in dollars says little: give budget_tokens as well."
            )
        price = prices.price_of(chosen)
        notes.append(
            f"The price of {chosen!r} is not known: its cost is counted at the dearest known, {price.input:.0f} and "
            f"{price.output:.0f} dollars a million tokens in and out."
        )
    usd = least_of(budget_usd, cap)
    return Spending(model=chosen, budget_tokens=budget_tokens, budget_usd=usd, note=" ".join(notes) or None)


def policy_of(asked: Policy, settings: Settings) -> Policy:
    """The policy, or the owner's most when that is more careful."""
    return POLICIES[min(POLICIES.index(asked), POLICIES.index(settings.policy_max))]


def least_of(asked: float | None, allowed: float | None) -> float | None:
    """The lower of two limits, of which either may be missing."""
    given = [amount for amount in (asked, allowed) if amount is not None]
    return min(given) if given else None
