"""A dream after the first compares what is new with everything, and finds what comparing everything would find."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dreamkeep_server.dream.candidate import NearDuplicates, Opposed, entries_of
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import Change, Dream, EntryId, Material, NewDream, NewEntry, StoreName
from dreamkeep_store.store import Stores, open_stores

USER = StoreName("user")
NEW_DREAM = NewDream(store=USER, requested_by="agent")
LONG_AGO = datetime.now(UTC) - timedelta(days=9)
OLD = (
    "The staging database for the billing service runs in Oslo on two machines.",
    "The staging database of the billing service runs in Oslo, on two machines there.",
    "Rita keeps the spare keys of the workshop in the blue cabinet upstairs.",
    "Deploys of the web shop are frozen on Fridays after lunch.",
)
NEW = (
    "Rita keeps the spare keys for the workshop in the blue cabinet, upstairs.",
    "Deploys of the web shop are not frozen on Fridays after lunch.",
    "The archive is copied to tape in March.",
    "In March the archive is copied to tape.",
)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "dreamkeep.db") as opened:
        yield opened
        assert await opened.verify() == []


async def remember(stores: Stores, *texts: str) -> list[EntryId]:
    new = [NewEntry(content=text, asserted_at=LONG_AGO + timedelta(hours=at)) for at, text in enumerate(texts)]
    return [one.entry_id for one in await stores.remember_all(USER, new, actor="agent")]


async def dream(stores: Stores, wishes: str = "") -> tuple[Dream, list[Change]]:
    started = (await stores.start_dream(replace(NEW_DREAM, instructions=wishes))).dream
    await run_worker(stores, idle_seconds=0.0)
    return await stores.get_dream(started.dream_id), [*(await stores.list_changes(started.dream_id)).changes]


async def take(stores: Stores, ended: Dream) -> None:
    """Switch to what a dream proposes, with all suggestions left as they are."""
    assert ended.output_version is not None
    await stores.switch(USER, ended.output_version, actor="user")


def about(changes: Sequence[Change]) -> set[frozenset[EntryId]]:
    return {frozenset(entry.entry_id for entry in change.before) for change in changes}


async def test_what_is_new_is_compared_with_what_is_old_and_with_itself(stores: Stores) -> None:
    old = await remember(stores, *OLD)
    first, found = await dream(stores)
    assert about(found) == {frozenset(old[:2])}
    await take(stores, first)
    new = await remember(stores, *NEW)
    _, found = await dream(stores)
    assert (
        about(found)
        == {
            frozenset(old[:2]),  # suggested before, and undecided still
            frozenset((old[2], new[0])),
            frozenset((old[3], new[1])),
            frozenset(new[2:4]),
        }
    )


async def test_only_what_is_fresh_is_compared(stores: Stores) -> None:
    await remember(stores, *OLD, *NEW)
    first, _ = await dream(stores)
    await take(stores, first)
    await remember(stores, "Nothing is like this text about seven herons.")
    started = (await stores.start_dream(NEW_DREAM)).dream
    claimed = await stores.claim_dream("test", lease_seconds=60)
    assert claimed is not None
    ground = await stores.material(started.dream_id)
    whole = _pairs(ground, None)
    assert _pairs(ground, frozenset()) == set()
    assert _pairs(ground, ground_ids(ground)) == whole
    assert whole
    await stores.cancel_dream(started.dream_id, actor="user")


def _pairs(ground: Material, fresh: frozenset[EntryId] | None) -> set[tuple[EntryId, ...]]:
    found = find_candidates(ground, fresh=fresh)
    return {
        tuple(entry.entry_id for entry in entries_of(one)) for one in found if isinstance(one, NearDuplicates | Opposed)
    }


def ground_ids(ground: Material) -> frozenset[EntryId]:
    return frozenset(entry.entry_id for entry in ground.entries)


async def test_after_a_discarded_proposal_everything_is_compared_again(stores: Stores) -> None:
    await remember(stores, *OLD, *NEW)
    first, found = await dream(stores)
    await stores.discard(first.dream_id, actor="user")
    _, again = await dream(stores, "once more")
    assert about(again) == about(found)
    assert len(found) > 1
