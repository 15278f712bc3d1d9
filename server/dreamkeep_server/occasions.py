"""When somebody should look at a store: a proposal that waits, a dream that is due.

Nothing here starts a dream; recall, status and the command line mention it.
"""

from datetime import datetime, timedelta

from dreamkeep_store.models import Standing

PROPOSAL_WAITS = timedelta(days=3)
BETWEEN_DREAMS = timedelta(hours=24)
NEW_SESSIONS = 5
GROWN_BY = 0.2
FIRST_DREAM_ENTRIES = 25
"""Below this, a store that never dreamed has nothing to tidy."""


def waiting(standing: Standing, now: datetime) -> str | None:
    """A sentence when a proposal has waited for three days, else None."""
    if standing.proposal is None or standing.proposal_at is None or now - standing.proposal_at < PROPOSAL_WAITS:
        return None
    days = (now - standing.proposal_at).days
    return (
        f"Version {standing.proposal} of store {standing.store!r} has been proposed for {days} days; "
        f"review_dream shows it."
    )


def due(standing: Standing, now: datetime) -> str | None:
    """A sentence when it is time to dream, else None.

    DESIGN's policy: a day since the last dream, and five new sessions or a fifth more entries; not
    while a dream runs or a proposal waits.
    """
    if standing.proposal is not None or standing.dream_status in ("pending", "running"):
        return None
    if standing.dreamed_at is not None and now - standing.dreamed_at < BETWEEN_DREAMS:
        return None
    entries = sum(standing.by_tier.values())
    before = standing.entries_at_dream
    grown = entries >= FIRST_DREAM_ENTRIES if before is None else entries - before > GROWN_BY * before
    if standing.new_sessions >= NEW_SESSIONS:
        why = f"{standing.new_sessions} sessions were not dreamt about yet"
    elif grown:
        why = f"it holds {entries} entries and " + (
            "never dreamed" if before is None else f"held {before} when it last dreamed"
        )
    else:
        return None
    return f"Store {standing.store!r} is due a dream ({why}); start_dream begins one."
