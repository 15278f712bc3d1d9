"""How fresh an entry is, by the formula that the README publishes; nothing here acts on it."""

import math
from datetime import datetime
from typing import Final

from dreamkeep_store.models import Entry, Tier

HALF_LIFE_DAYS: Final[dict[Tier, float]] = {"persistent": math.inf, "standard": 90.0, "ephemeral": 3.0}
STALE_BELOW: Final = 0.25
EXPIRED_BELOW: Final = 0.06
_SECONDS_A_DAY = 86_400


def idle_days(entry: Entry, now: datetime) -> float:
    """Return the days since the entry was last asserted, confirmed or usefully recalled; never negative."""
    since = entry.asserted_at
    if entry.usage.useful_at is not None:
        since = max(since, entry.usage.useful_at)
    return max(0.0, (now - since).total_seconds() / _SECONDS_A_DAY)


def freshness(entry: Entry, now: datetime) -> float:
    """Return 1 for an entry just asserted, falling to 0.

    `0.5 ** (idle_days / (half_life * (1 + log2(1 + useful_recalls))))`
    """
    half_life = HALF_LIFE_DAYS[entry.tier] * (1 + math.log2(1 + entry.usage.useful))
    return 0.5 ** (idle_days(entry, now) / half_life)


def is_stale(entry: Entry, now: datetime) -> bool:
    """Say whether recall should flag the entry."""
    return freshness(entry, now) < STALE_BELOW


def has_expired(entry: Entry, now: datetime) -> bool:
    """Say whether the entry was ephemeral and its time is over."""
    return entry.tier == "ephemeral" and freshness(entry, now) < EXPIRED_BELOW


def has_faded(entry: Entry, now: datetime) -> bool:
    """Say whether the entry is standard and so stale that archiving it is worth a question."""
    return entry.tier == "standard" and freshness(entry, now) < EXPIRED_BELOW


def explain(entry: Entry, now: datetime) -> str:
    """Return one sentence for a person on how fresh the entry is and why."""
    if entry.tier == "persistent":
        return "Persistent entries do not go stale."
    days = idle_days(entry, now)
    useful = entry.usage.useful
    times = {0: "never usefully recalled", 1: "usefully recalled once"}
    recalled = times.get(useful, f"usefully recalled {useful} times")
    fresh = freshness(entry, now)
    if has_expired(entry, now):
        standing = f"it has expired (below {EXPIRED_BELOW})"
    elif fresh < STALE_BELOW:
        standing = f"it is stale (below {STALE_BELOW})"
    else:
        standing = f"it is fresh enough (stale below {STALE_BELOW})"
    return (
        f"Nobody asserted or used it for {days:.1f} days and it was {recalled}; with the half-life of "
        f"{HALF_LIFE_DAYS[entry.tier]:.0f} days of {entry.tier} entries its freshness is {fresh:.3f}: "
        f"{standing}."
    )
