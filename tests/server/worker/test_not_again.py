"""What somebody rejected is not proposed by a later dream: every operation, through the store and the worker."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dreamkeep_server.dream.candidate import (
    Candidate,
    Disputed,
    Learnt,
    NearDuplicates,
    Opposed,
    Outgrown,
    Recurring,
    Several,
    Stale,
    Themed,
)
from dreamkeep_server.dream.candidates import STALE_A_DREAM_MAX
from dreamkeep_server.dream.fingerprints import said_key
from dreamkeep_server.dream.judgement import Judgement, Merge, Split, Supersede
from dreamkeep_server.dream.judges.rules import judge
from dreamkeep_server.dream.plan import make_plan
from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import (
    Change,
    DreamId,
    Entry,
    EntryId,
    Material,
    Message,
    NewDream,
    NewEntry,
    Quote,
    StoreName,
    Transcript,
)
from dreamkeep_store.store import Stores, open_stores

USER = StoreName("user")
NEW_DREAM = NewDream(store=USER, sessions="new", requested_by="agent")

Judged = list[tuple[Candidate, Judgement]]


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "dreamkeep.db") as opened:
        yield opened
        assert await opened.verify() == []


async def remember(stores: Stores, *texts: str, days: float = 1, store: StoreName = USER) -> list[EntryId]:
    new = [NewEntry(content=text, asserted_at=ago(days + at)) for at, text in enumerate(texts)]
    return [one.entry_id for one in await stores.remember_all(store, new, actor="agent")]


async def talk(stores: Stores, *texts: str) -> None:
    """A session in which a user says this."""
    said = [Message(number=at, role="user", text=text) for at, text in enumerate(texts, start=1)]
    await stores.record_session(USER, said, trust="user", redactions=0, actor="user")


async def changes_of(stores: Stores, dream_id: DreamId) -> list[Change]:
    return list((await stores.list_changes(dream_id, limit=100)).changes)


async def dream(stores: Stores, judged_by_hand: Callable[[Material], Judged] | None = None) -> list[Change]:
    """The changes of a dream of its own, by the worker or by judgements made by hand; nothing is left open."""
    started = (await stores.start_dream(replace(NEW_DREAM, instructions=str(datetime.now(UTC))))).dream
    if judged_by_hand is None:
        await run_worker(stores, idle_seconds=0.0)
    else:
        claimed = await stores.claim_dream("test", lease_seconds=60)
        assert claimed is not None
        material = await stores.material(claimed.dream_id)
        plan = make_plan(material, judged_by_hand(material))
        assert plan.refusals == ()
        await stores.propose(claimed.dream_id, 1, plan.changes, ())
        await stores.complete_dream(claimed.dream_id, 1, recall_checked=0, recall_kept=0)
    ended = await stores.get_dream(started.dream_id)
    assert ended.status == "completed", ended.error_message
    return await changes_of(stores, started.dream_id) if ended.output_version is not None else []


async def reject(stores: Stores, changes: Sequence[Change]) -> None:
    """Reject these, and throw the rest of the proposal away."""
    dream_id = changes[0].dream_id
    assert dream_id is not None
    await stores.decide(dream_id, reject=[change.number for change in changes], actor="user")
    await stores.discard(dream_id, actor="user")


async def discard(stores: Stores, changes: Sequence[Change]) -> None:
    assert changes[0].dream_id is not None
    await stores.discard(changes[0].dream_id, actor="user")


async def others(stores: Stores) -> None:
    """What happens to a memory meanwhile, and has nothing to do with what was rejected."""
    await remember(stores, "The office of Acme is in Oslo.", "Deploys are frozen on Fridays.")


# By judgements made by hand: what they find is found elsewhere.

TEXTS = ("The API of acme listens on port 5433.", "Acme's API listens on port 5433.", "Acme deploys on Mondays.")


def entries_in(material: Material, count: int) -> tuple[Entry, ...]:
    """The first of TEXTS, in the order in which a finder may have come upon them."""
    by_text = {entry.content: entry for entry in material.entries}
    return tuple(by_text[text] for text in TEXTS[:count])


def by_rules(candidate: Candidate, material: Material) -> Judged:
    return [(candidate, judge(candidate, material))]


def merged(material: Material, again: bool) -> Judged:
    entries = entries_in(material, 2)[:: -1 if again else 1]
    ids = tuple(entry.entry_id for entry in entries)
    content = entries[0].content
    candidate = NearDuplicates(entries=entries, evidence=(f"{len(material.entries)} entries were compared",))
    return [(candidate, Merge(entries=ids, content=content, reason=f"Alike, as of {material.now}.", sure=again))]


def superseded(material: Material, again: bool) -> Judged:
    one, _, other = entries_in(material, 3)
    newer, older = sorted((one, other), key=lambda entry: entry.asserted_at, reverse=True)
    candidate = Opposed(entries=(newer, older), evidence=(f"{again}",))
    judgement = Supersede(newer=newer.entry_id, older=(older.entry_id,), reason=f"Newer: {again}.", sure=again)
    return [(candidate, judgement)]


def opposed(material: Material, again: bool) -> Judged:
    one, _, other = entries_in(material, 3)
    pair = (other, one) if again else (one, other)
    return by_rules(Opposed(entries=pair, evidence=(f"seen {len(material.entries)} entries",)), material)


def retired(material: Material, again: bool) -> Judged:
    return by_rules(Stale(entry=entries_in(material, 1)[0]), material)


def disputed(material: Material, again: bool) -> Judged:
    return by_rules(
        Disputed(entry=entries_in(material, 1)[0], evidence=(f"reported wrong {1 + again} times",)), material
    )


def split(material: Material, again: bool) -> Judged:
    (entry,) = [entry for entry in material.entries if entry.content.startswith("Ana leads")]
    one, other, third = "Ana leads acme.", "Ben tests acme.", "Cy pays."
    parts = (one, f"{other} {third}") if again else (f"{one} {other}", third)
    candidate = Several(entry=entry, parts=parts, evidence=(f"{again}",))
    return [(candidate, Split(entry=entry.entry_id, contents=parts, reason="Several.", sure=False))]


def moved(material: Material, again: bool) -> Judged:
    entries = entries_in(material, 3)[:: -1 if again else 1]
    return by_rules(Themed(entries=entries, topic="/project/acme", evidence=(f"{again}",)), material)


def retiered(material: Material, again: bool) -> Judged:
    entry = entries_in(material, 1)[0]
    return by_rules(Outgrown(entry=entry, tier="persistent", evidence=(f"useful {3 + again} times",)), material)


BY_HAND = [merged, superseded, opposed, retired, disputed, split, moved, retiered]


@pytest.mark.parametrize("judged", BY_HAND)
async def test_a_rejected_change_of_entries_is_not_made_again(
    stores: Stores, judged: Callable[[Material, bool], Judged]
) -> None:
    await remember(stores, *TEXTS, "Ana leads acme. Ben tests acme. Cy pays.", days=5)
    changes = await dream(stores, lambda material: judged(material, False))
    assert len(changes) == 1
    await reject(stores, changes)
    await others(stores)
    await stores.remember(USER, NewEntry(content=TEXTS[2]), actor="agent")  # now the newest of all: said again
    await stores.remember(USER, NewEntry(content=TEXTS[1]), actor="agent")
    assert await dream(stores, lambda material: judged(material, True)) == []


@pytest.mark.parametrize("judged", BY_HAND)
async def test_throwing_a_proposal_away_rejects_nothing_in_it(
    stores: Stores, judged: Callable[[Material, bool], Judged]
) -> None:
    await remember(stores, *TEXTS, "Ana leads acme. Ben tests acme. Cy pays.", days=5)
    changes = await dream(stores, lambda material: judged(material, False))
    await discard(stores, changes)
    again = await dream(stores, lambda material: judged(material, False))
    assert [change.operation for change in again] == [change.operation for change in changes]


@pytest.mark.parametrize("judged", [merged, retired, moved, retiered])
async def test_an_entry_that_says_something_else_since_is_another_question(
    stores: Stores, judged: Callable[[Material, bool], Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await remember(stores, *TEXTS, days=5)
    await reject(stores, await dream(stores, lambda material: judged(material, False)))
    texts = ("The API of acme listens on port 5434.", "Acme's API listens on port 5434.", "Acme deploys on Tuesdays.")
    for entry_id, text in zip(ids, texts, strict=True):
        await stores.remember(USER, NewEntry(content=text, replaces=(entry_id,)), actor="agent")
    monkeypatch.setitem(globals(), "TEXTS", texts)
    assert len(await dream(stores, lambda material: judged(material, False))) == 1


@pytest.mark.parametrize(("first", "second"), [(opposed, superseded), (superseded, opposed)])
async def test_two_entries_that_are_both_to_stay_are_not_set_against_each_other_in_another_way(
    stores: Stores,
    first: Callable[[Material, bool], Judged],
    second: Callable[[Material, bool], Judged],
) -> None:
    await remember(stores, *TEXTS, days=5)
    await reject(stores, await dream(stores, lambda material: first(material, False)))
    await stores.remember(USER, NewEntry(content=TEXTS[2]), actor="agent")
    assert await dream(stores, lambda material: second(material, True)) == []


async def test_a_group_that_a_new_entry_has_joined_is_another_question(stores: Stores) -> None:
    def star(material: Material) -> Judged:
        entries = tuple(entry for entry in material.entries if "5433" in entry.content)
        content = "The API of acme listens on port 5433."
        ids = tuple(entry.entry_id for entry in entries)
        candidate = NearDuplicates(entries=entries, evidence=("alike",))
        return [(candidate, Merge(entries=ids, content=content, reason="Alike.", sure=False))]

    await remember(stores, *TEXTS, days=5)
    await reject(stores, await dream(stores, star))
    assert await dream(stores, star) == []
    await remember(stores, "The acme API listens on port 5433.")
    (change,) = await dream(stores, star)
    assert len(change.before) == 3


async def test_an_entry_left_where_it_is_does_not_move_when_its_theme_grows(stores: Stores) -> None:
    def theme(material: Material) -> Judged:
        found = tuple(entry for entry in material.entries if "acme" in entry.content.lower() and entry.topic is None)
        return by_rules(Themed(entries=found, topic="/project/acme", evidence=("alike",)), material)

    await remember(stores, TEXTS[0], days=5)
    await reject(stores, await dream(stores, theme))
    await remember(stores, *TEXTS[1:], "Acme pays on Thursdays.")
    (change,) = await dream(stores, theme)
    assert sorted(entry.content for entry in change.before) == sorted((*TEXTS[1:], "Acme pays on Thursdays."))


async def test_a_theme_that_was_declined_does_not_come_back_for_each_new_entry(stores: Stores) -> None:
    await remember(stores, *TEXTS, days=5)
    await reject(stores, await dream(stores, lambda material: moved(material, False)))
    await remember(stores, "Acme pays on Thursdays.")

    def theme(material: Material) -> Judged:
        return by_rules(Themed(entries=material.entries, topic="/project/acme", evidence=("alike",)), material)

    assert await dream(stores, theme) == []


async def test_an_old_entry_that_was_kept_is_asked_about_again_once_it_was_found_wrong(stores: Stores) -> None:
    await remember(stores, *TEXTS, days=5)
    await reject(stores, await dream(stores, lambda material: retired(material, False)))
    (change,) = await dream(stores, lambda material: disputed(material, False))
    assert change.operation == "archive"


# New entries


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said in two sessions."""

    transcripts: tuple[Transcript, ...]

    def quotes(self) -> tuple[Quote, ...]:
        return tuple(
            Quote(
                session_id=transcript.session.session_id,
                message=1,
                text=transcript.messages[0].text,
                role="user",
                at=transcript.messages[0].at,
            )
            for transcript in self.transcripts
        )


def learnt(material: Material) -> Judged:
    said = Said(transcripts=material.transcripts[:1])
    content = said.quotes()[0].text
    candidate = Learnt(content=content, quotes=said.quotes(), transcript=said.transcripts[0], evidence=("seen",))
    return by_rules(candidate, material)


def recurring(material: Material) -> Judged:
    said = Said(transcripts=material.transcripts[:2])
    content = said.quotes()[-1].text
    candidate = Recurring(
        kind="preference", content=content, quotes=said.quotes(), transcripts=said.transcripts, evidence=("seen",)
    )
    return by_rules(candidate, material)


@pytest.mark.parametrize(("first", "second"), [(learnt, learnt), (learnt, recurring), (recurring, recurring)])
@pytest.mark.parametrize("text", ["I like tabs more than spaces.", "Use pnpm in this repository, not npm."])
async def test_what_somebody_did_not_want_remembered_is_not_suggested_from_other_sessions(
    stores: Stores, first: Callable[[Material], Judged], second: Callable[[Material], Judged], text: str
) -> None:
    await talk(stores, text, "And now the tests.")
    await talk(stores, text, "And now the build.")
    (change,) = await dream(stores, first)
    await reject(stores, [change])
    await others(stores)
    await talk(stores, f"So {text.upper()}", "And now the docs.")
    await talk(stores, f"{text[:-1]}!", "And now the release.")
    assert [change for change in await dream(stores, second) if change.operation in {"add", "insight"}] == []


def test_a_statement_is_the_same_in_other_words_only_while_it_says_the_same() -> None:
    assert said_key("I prefer tabs over spaces.") == said_key("The user prefers tabs over spaces")
    for other in ("I do not prefer tabs over spaces.", "I prefer spaces over tabs.", "I prefer 2 tabs over spaces."):
        assert said_key(other) != said_key("I prefer tabs over spaces.")
    assert said_key("Is it?") != said_key("To be or not to be")


# As the worker finds them


async def found_again(stores: Stores, operation: str) -> None:
    """Reject all of an operation that a dream found; the next dream finds none of them."""
    changes = [change for change in await dream(stores) if change.operation == operation]
    assert changes
    rejected = [[entry.content for entry in change.before] for change in changes]
    await reject(stores, changes)
    await others(stores)
    again = [change for change in await dream(stores) if change.operation == operation]
    assert [one for one in again if [entry.content for entry in one.before] in rejected] == []


@pytest.mark.parametrize(
    ("operation", "texts"),
    [
        ("merge", ("Tests run with pytest.", "tests run with pytest")),
        ("merge", ("The staging database runs on host db7 in Oslo.", "The staging database runs in Oslo on host db7.")),
        ("supersede", ("The API now listens on port 5434.", "The API listens on port 5433.")),
        ("conflict", ("Deploys are frozen on Mondays.", "Deploys are not frozen on Mondays.")),
    ],
)
async def test_what_the_worker_found_and_somebody_rejected_is_not_found_again(
    stores: Stores, operation: str, texts: tuple[str, ...]
) -> None:
    await remember(stores, *texts, days=3)
    await found_again(stores, operation)


async def test_rejected_old_entries_take_no_place_among_those_that_a_dream_asks_about(stores: Stores) -> None:
    texts = [f"Drawer {at} of the cabinet in room {at * 7} holds {at * 3} keys." for at in range(STALE_A_DREAM_MAX + 5)]
    await remember(stores, *texts, days=2_000)
    first = [change for change in await dream(stores) if change.operation == "archive"]
    assert len(first) == STALE_A_DREAM_MAX
    await reject(stores, first)
    second = [change for change in await dream(stores) if change.operation == "archive"]
    before = {change.before[0].entry_id for change in first}
    assert len(second) == 5
    assert before.isdisjoint(change.before[0].entry_id for change in second)


async def test_what_a_session_stated_is_not_suggested_again_in_slightly_other_words(
    stores: Stores, tmp_path: Path
) -> None:
    again = "I prefer the dates to be written like 7 March 2026!"
    async with open_stores(tmp_path / "other.db") as fresh:
        await talk(fresh, again)
        assert [change.operation for change in await dream(fresh)] == ["add"]
    await talk(stores, "I prefer dates written like 7 March 2026.")
    (change,) = [change for change in await dream(stores) if change.operation == "add"]
    await reject(stores, [change])
    await talk(stores, again)
    assert [change for change in await dream(stores) if change.operation in {"add", "insight"}] == []


async def test_what_two_sessions_stated_is_not_suggested_again_by_two_others(stores: Stores) -> None:
    for _ in range(2):
        await talk(stores, "I prefer dates written like 7 March 2026.")
    changes = [change for change in await dream(stores) if change.operation in {"add", "insight"}]
    assert [change.operation for change in changes] == ["insight"]
    await reject(stores, changes)
    for _ in range(2):
        await talk(stores, "I prefer dates written like 7 March 2026!")
    assert [change for change in await dream(stores) if change.operation in {"add", "insight"}] == []
