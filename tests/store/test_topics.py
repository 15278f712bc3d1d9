"""How many entries are under each topic, in any version."""

from collections import Counter
from dataclasses import replace

import pytest

from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import Decision, DraftChange, Entry, NewEntry
from dreamkeep_store.store import Stores

from .dreaming import USER, archive, draft, live_entry, merge, opening, propose, remember, shown


def move(entry: Entry, topic: str, *, decision: Decision = "included") -> DraftChange:
    return draft("move", [entry], [entry], [replace(opening(entry, entry.content), topic=topic)], decision=decision)


async def under(stores: Stores, topic: str, *texts: str) -> list[Entry]:
    kept = await stores.remember_all(USER, [NewEntry(content=text, topic=topic) for text in texts], actor="agent")
    return [await live_entry(stores, one.entry_id) for one in kept]


async def as_shown(stores: Stores, version: int | None) -> dict[str, int]:
    return dict(Counter(entry.topic or "" for entry in (await shown(stores, version)).values()))


async def test_the_live_memory_is_counted_as_it_is(stores: Stores) -> None:
    await under(stores, "/a/b", "One.", "Two.")
    (three,) = await under(stores, "/a", "Three.")
    await remember(stores, "Four.")
    assert await stores.count_topics(USER) == {"": 1, "/a": 1, "/a/b": 2}
    await stores.forget([three.entry_id], actor="agent")
    assert await stores.count_topics(USER) == {"": 1, "/a/b": 2}


async def test_every_version_is_counted_as_it_reads(stores: Stores) -> None:
    one, two = await under(stores, "/a", "One.", "Two.")
    three, four, five = await remember(stores, "Three.", "Four.", "Five.")
    proposal = await propose(
        stores, move(three, "/a/b"), move(four, "/c", decision="suggested"), merge([one, two], "Both."), archive(five)
    )
    await remember(stores, "Late.")
    base = proposal.version - 1
    assert await stores.count_topics(USER, base) == {"": 3, "/a": 2}
    assert await stores.count_topics(USER, proposal.version) == {"": 1, "/a": 1, "/a/b": 1}
    assert await stores.count_topics(USER) == {"": 4, "/a": 2}
    await stores.switch(USER, proposal.version, actor="user")
    for version in (base, proposal.version, None):
        assert await stores.count_topics(USER, version) == await as_shown(stores, version)


async def test_a_version_that_cannot_be_read_is_refused(stores: Stores) -> None:
    (one,) = await remember(stores, "One.")
    proposal = await propose(stores, move(one, "/a"))
    await stores.discard(proposal.dream_id, actor="user")
    with pytest.raises(InvalidError, match="discarded"):
        await stores.count_topics(USER, proposal.version)
    with pytest.raises(NotFoundError, match="no version 99"):
        await stores.count_topics(USER, 99)
