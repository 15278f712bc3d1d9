"""Which included changes would give the next dream something to include: those wait for somebody instead.

What a change writes may say what another entry says already, or give another value to what one says. Nobody looked at
the two together; and a memory that goes on changing without anything new coming in cannot be reviewed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream import turns
from dreamkeep_server.dream.candidate import SlotValues
from dreamkeep_server.dream.drafts import Draft
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.said import Said, Steps, say_the_same
from dreamkeep_server.dream.values import find_ended, find_slot_values, of_turns, pairs_of
from dreamkeep_server.dream.words import same_words
from dreamkeep_store.models import Entry, EntryId, NewRevision, RevisionId, StoreName

UNSETTLED: Final = "what it writes would replace, or be one with, what the memory says elsewhere"


def settled(included: Sequence[Draft], ground: Ground) -> tuple[list[Draft], list[Draft]]:
    """Return the changes after which rules find nothing certain about what they write, and the others."""
    kept, left = list(included), list[Draft]()
    while writing := [one for one in kept if any(_new_texts(one))]:
        unsettled = _certain_about(_afterwards(kept, ground))
        stirred = [one for one in writing if not unsettled.isdisjoint(new.entry_id for new in _new_texts(one))]
        if not stirred:
            break
        left += stirred
        kept = [one for one in kept if one not in stirred]
    return kept, left


def _new_texts(one: Draft) -> Iterator[NewRevision]:
    """Yield what a change opens that says what none of its sources says."""
    before = {same_words(entry.content) for entry in one.reads}
    return (new for new in one.change.opens if same_words(new.content) not in before)


def _afterwards(included: Sequence[Draft], ground: Ground) -> list[Entry]:
    """Return the entries that are live once these changes are applied, but for those whose time is over."""
    closed = {revision for one in included for revision in one.change.closes}
    stay = [entry for entry in ground.material.entries if entry.revision_id not in closed]
    come = [_opened(new, ground) for one in included for new in one.change.opens]
    return [entry for entry in (*stay, *come) if not staleness.has_expired(entry, ground.material.now)]


def _opened(new: NewRevision, ground: Ground) -> Entry:
    was = ground.entries.get(new.entry_id)
    entry = was or Entry(
        entry_id=new.entry_id,
        revision_id=RevisionId(0),
        store=StoreName(""),  # nothing here looks at it
        content=new.content,
        tier=new.tier,
        tags=new.tags,
        topic=new.topic,
        trust=new.trust,
        asserted_at=new.asserted_at,
        session_id=new.session_id,
        dream_id=ground.material.dream_id,
    )
    return replace(entry, content=new.content, tier=new.tier, topic=new.topic, asserted_at=new.asserted_at)


def _certain_about(entries: Sequence[Entry]) -> set[EntryId]:
    """Return the entries that the rules would join or replace unasked."""
    said = say_the_same(entries)
    found = {entry.entry_id for one in said if len(one.entries) > 1 for entry in one.entries}
    for values in _values(said):
        if values.certain:
            found.update(entry.entry_id for entry in (*values.newer, *values.older))
    return found


def _values(said: Sequence[Said]) -> Iterator[SlotValues]:
    """Yield what those finders find that are certain of anything; `candidates` has the others as well."""
    values = [*find_slot_values(said), *find_ended(said, Steps(None, 0))]
    yield from values
    yield from of_turns(said, turns.find_turns([one.as_one for one in said]), pairs_of(values))
