"""What a dream that somebody asks for may be: who judges it, how far it may go, what it may cost.

The tools and the command line ask through here, so an owner's settings bind both alike.
"""

from typing import Literal

from dreamkeep_server.settings import Settings
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import JudgeName, Policy

POLICIES: tuple[Policy, ...] = ("review", "auto_low", "auto_medium")
"""Most careful first."""


def judge_of(asked: Literal["auto"] | JudgeName, settings: Settings) -> JudgeName:
    """Who judges: the one that is asked for, else the owner's.

    `auto` is `rules`. InvalidError for a judge that does not exist yet, asked for or set.
    """
    wanted = settings.judge if asked == "auto" else asked
    match wanted:
        case "auto" | "rules":
            return "rules"
        case "claude" | "agent":
            raise InvalidError(
                f"The judge {wanted} comes with a later release. The judge rules works now and needs no key; what it "
                "is not sure of it only suggests."
            )


def policy_of(asked: Policy, settings: Settings) -> Policy:
    """The policy, or the owner's most when that is more careful."""
    return POLICIES[min(POLICIES.index(asked), POLICIES.index(settings.policy_max))]


def least_of(asked: float | None, allowed: float | None) -> float | None:
    """The lower of two limits, of which either may be missing."""
    given = [amount for amount in (asked, allowed) if amount is not None]
    return min(given) if given else None
