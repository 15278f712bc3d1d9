"""The dream that nobody asked for: started when one is due, as far as the owner's settings go."""

from datetime import datetime

from dreamkeep_server.asking import judge_of, spending_of
from dreamkeep_server.occasions import due, halted, waiting
from dreamkeep_server.settings import Settings
from dreamkeep_store.errors import ConflictError, InvalidError
from dreamkeep_store.models import Dream, NewDream, Standing, StoreName
from dreamkeep_store.store import Stores

REQUESTED_BY = "policy"
"""What the dream's record says of who asked for it."""


async def start_if_due(stores: Stores, settings: Settings, store: StoreName, now: datetime) -> Dream | None:
    """Queue a dream of this store if one is due; gives it, or None when none is, or somebody else was first.

    It reads the new sessions, is judged as the owner's settings say, and goes as far as `policy_max`. Raises
    InvalidError when the owner's judge cannot be asked: another one would use the sessions up.
    """
    if not _is_due(await stores.standing(store), now):  # a read, which waits for no writer
        return None
    judged_by = judge_of("auto", settings, by_agent=False)
    spending = spending_of(judged_by, settings, model=None, budget_tokens=None, budget_usd=None)
    new = NewDream(
        store=store,
        sessions="new",
        judge=judged_by,
        policy=settings.policy_max,
        model=spending.model,
        budget_tokens=spending.budget_tokens,
        budget_usd=spending.budget_usd,
        requested_by=REQUESTED_BY,
    )
    try:
        started = await stores.start_due_dream(new, lambda standing: _is_due(standing, now))
    except ConflictError:
        return None  # another process has started one meanwhile, which is what was wanted
    return None if started is None or started.earlier else started.dream


def remark(standing: Standing, settings: Settings, now: datetime) -> str | None:
    """The one sentence that whoever looks at a store should read, if there is any."""
    if told := waiting(standing, now):
        return told
    if settings.dream_when_due and (told := halted(standing, now)):
        return told
    why = due(standing, now)
    if why is None:
        return None
    told = f"Store {standing.store!r} is due a dream ({why})"
    if not settings.dream_when_due:
        return f"{told}; start_dream begins one."
    if hindered := hindrance(settings):
        return f"{told}, and none starts by itself: {hindered}"
    return f"{told}; it starts by itself."


def hindrance(settings: Settings) -> str | None:
    """Why the owner's judge cannot judge a dream that starts by itself, if it cannot."""
    try:
        judge_of("auto", settings, by_agent=False)
    except InvalidError as refused:
        return str(refused)
    return None


def why_not(standing: Standing, now: datetime) -> str:
    """Why no dream of this store starts now, for whoever asked whether one is due."""
    if told := halted(standing, now):
        return told
    if standing.dream_status in ("pending", "running"):
        return f"Store {standing.store!r} is dreaming already: {standing.dream_id}."
    if standing.proposal is not None:
        return f"Version {standing.proposal} of store {standing.store!r} waits: review_dream shows it."
    return f"Store {standing.store!r} is not due a dream."


def _is_due(standing: Standing, now: datetime) -> bool:
    return due(standing, now) is not None and halted(standing, now) is None
