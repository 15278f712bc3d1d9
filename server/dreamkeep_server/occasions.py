"""When somebody should look at a store: a proposal that waits, a dream that is due, dreams that came to nothing.

Nothing here starts a dream; recall, status and the command line mention it, and `unasked` goes by it.
"""

from datetime import datetime, timedelta

from dreamkeep_store.models import FRUITLESS_DREAMS_MAX, Standing

PROPOSAL_WAITS = timedelta(days=3)
BETWEEN_DREAMS = timedelta(hours=24)
NEW_SESSIONS = 5
GROWN_BY = 0.2
ENTRIES_MIN = 25
"""In a smaller store a few entries are a fifth more; only sessions make a dream of it due."""
HALTED_FOR = timedelta(days=7)
"""After dreams that came to nothing, one is tried again after so long."""
FAILURE_CHARACTERS_MAX = 200


def waiting(standing: Standing, now: datetime) -> str | None:
    """A sentence when a proposal has waited for three days, else None."""
    if standing.proposal is None or standing.proposal_at is None or now - standing.proposal_at < PROPOSAL_WAITS:
        return None
    days = (now - standing.proposal_at).days
    return (
        f"Version {standing.proposal} of store {standing.store!r} has been proposed for {days} days; "
        f"review_dream shows it, and until it is switched to or discarded no other dream starts."
    )


def due(standing: Standing, now: datetime) -> str | None:
    """Why it is time to dream, as the end of a sentence, else None.

    DESIGN's policy: a day since the last dream ended, however it did, and five new sessions or a fifth more
    entries; not while a dream runs or a proposal waits.
    """
    if standing.proposal is not None or standing.dream_status in ("pending", "running"):
        return None
    if standing.dream_ended_at is not None and now - standing.dream_ended_at < BETWEEN_DREAMS:
        return None
    entries = sum(standing.by_tier.values())
    before = standing.entries_at_dream
    grown = entries >= ENTRIES_MIN and (before is None or entries - before > GROWN_BY * before)
    if standing.new_sessions >= NEW_SESSIONS:
        return f"{standing.new_sessions} sessions were not dreamt about yet"
    if grown:
        return f"it holds {entries} entries and " + (
            "never dreamed" if before is None else f"held {before} when it last dreamed"
        )
    return None


def halted(standing: Standing, now: datetime) -> str | None:
    """A sentence when the latest dreams came to nothing, so that none starts by itself for a week; else None.

    A dream that somebody asks for ends it by completing.
    """
    if standing.fruitless < FRUITLESS_DREAMS_MAX or standing.dream_ended_at is None:
        return None
    until = standing.dream_ended_at + HALTED_FOR
    if now >= until:
        return None
    why = "the proposals were thrown away"
    if standing.failure is not None:
        line = " ".join(standing.failure.split())
        cut = line if len(line) <= FAILURE_CHARACTERS_MAX else line[: FAILURE_CHARACTERS_MAX - 1].rstrip() + "…"
        why = f"the last failure was {cut.rstrip('.')}"
    return (
        f"No dream of store {standing.store!r} starts by itself until {until:%Y-%m-%d}: its last {standing.fruitless} "
        f"came to nothing ({why}). One that start_dream begins and that completes puts it right."
    )


def next_look(standing: Standing, now: datetime) -> datetime | None:
    """The moment before which no write can make a dream due; None when the next write may."""
    if standing.dream_ended_at is None:
        return None
    pause = BETWEEN_DREAMS if halted(standing, now) is None else HALTED_FOR
    until = standing.dream_ended_at + pause
    return until if until > now else None
