"""Which entries are used, or said again, as ones of a more lasting tier would be; tiers rise by approval only."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Outgrown
from dreamkeep_server.dream.prose import find_sentences
from dreamkeep_server.dream.said import Said
from dreamkeep_store.models import Entry, EntryId, Material, SessionId, Tier, Transcript

OUTGROWN_A_DREAM_MAX: Final = 10
"""What a person can review; the most used first."""
_USEFUL_MIN: Final[dict[Tier, int]] = {"ephemeral": 2, "standard": 5}
_USED_FOR_DAYS: Final = staleness.HALF_LIFE_DAYS["standard"]
"""For how long a standard entry has to have been of use: as long as one that is not used takes to fade by half."""
_SESSIONS_MIN: Final = 2
_LASTING: Final = frozenset(("always", "never", "every", "forever"))
_WHO: Final = (("my", "name", "is"), ("i", "am"), ("i'm",), ("the", "user", "is"), ("the", "user", "name"))
"""How a text begins that says who somebody is."""

_Told = Mapping[SessionId, datetime]
"""When something was last said in which session."""


def find_outgrown(said: Sequence[Said], material: Material, busy: Collection[EntryId]) -> list[Outgrown]:
    """Return which entries should last longer, and why; the `busy` ones are left as they are."""
    entries = [one.as_one for one in said if one.as_one.tier != "persistent" and one.as_one.entry_id not in busy]
    again = _said_again(entries, material.transcripts)
    found: list[Outgrown] = []
    for entry in entries:
        usage = entry.usage
        if max(usage.wrong, usage.outdated) == 0:
            told = again.get(entry.entry_id, {})
            why = [*_used(entry, material.now), *_lasting(entry, told)]
            if why:
                tier: Tier = "standard" if entry.tier == "ephemeral" else "persistent"
                if (entry.entry_id, entry.content, tier) not in material.declined:
                    found.append(Outgrown(entry=entry, tier=tier, evidence=tuple(why)))
    found.sort(key=lambda outgrown: (-outgrown.entry.usage.useful, outgrown.entry.entry_id))
    return found[:OUTGROWN_A_DREAM_MAX]


def _used(entry: Entry, now: datetime) -> Iterator[str]:
    useful, until = entry.usage.useful, entry.usage.useful_at
    if until is None or useful < _USEFUL_MIN[entry.tier]:
        return
    if entry.tier == "ephemeral":
        yield f"it was useful {useful} times"
        return
    days = (until - entry.asserted_at).total_seconds() / 86_400
    if days >= _USED_FOR_DAYS and now - until <= timedelta(days=_USED_FOR_DAYS):
        yield f"it was useful {useful} times, {days:.0f} days after it was said too"


def _lasting(entry: Entry, told: _Told) -> Iterator[str]:
    if entry.tier == "ephemeral":
        half_life = timedelta(days=staleness.HALF_LIFE_DAYS["ephemeral"])
        later = sorted(session for session, at in told.items() if at - entry.asserted_at >= half_life)
        if later:
            yield f"you said it again in {', '.join(later[:3])}, when half of its time was over"
    elif len(told) >= _SESSIONS_MIN and _sounds_lasting(entry.content):
        yield f"you said it in {len(told)} sessions, as something that lasts"


def _sounds_lasting(text: str) -> bool:
    tokens = words.tokens(text)
    return not _LASTING.isdisjoint(tokens) or any(tokens[: len(form)] == form for form in _WHO)


def _said_again(
    entries: Sequence[Entry], transcripts: Sequence[Transcript]
) -> dict[EntryId, dict[SessionId, datetime]]:
    """Return which entries the user said in these sessions, in the same words."""
    if not transcripts:
        return {}
    by_key = {words.same_words(entry.content): entry.entry_id for entry in entries}
    again: defaultdict[EntryId, dict[SessionId, datetime]] = defaultdict(dict)
    for transcript in transcripts:
        session = transcript.session
        if session.trust != "user":
            continue
        for message in transcript.messages:
            if message.role != "user":
                continue
            at = message.at or session.started_at
            for sentence in find_sentences(message.text):
                entry_id = by_key.get(words.same_words(sentence.text))
                if entry_id is not None:
                    again[entry_id][session.session_id] = max(at, again[entry_id].get(session.session_id, at))
    return again
