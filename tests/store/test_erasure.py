"""Erasing: the text is in no table, no index, no file and no log; what was made from it goes, the rest returns."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dreamkeep_store.errors import ConflictError, NotFoundError
from dreamkeep_store.models import Entry, NewEntry, Quote, Recalled, StoreName
from dreamkeep_store.store import Stores

from .dreaming import (
    NEW_DREAM,
    USER,
    archive,
    connect,
    draft,
    dream_and_switch,
    edited,
    live_entry,
    merge,
    opening,
    propose,
    remember,
    said,
    start,
    texts,
)

pytestmark = pytest.mark.promise("erasure")
NOW = datetime.now(UTC)
SECRET = "Zanzibarq quaggaw xerusv."
TRACES = (b"anzibarq", b"uaggaw", b"xerusv")


def rows_everywhere(path: Path) -> str:
    connection = connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    connection.close()
    return repr(found).lower()


def assert_no_trace(path: Path, traces: tuple[bytes, ...] = TRACES) -> None:
    everywhere = rows_everywhere(path)
    for file in path.parent.iterdir():
        content = file.read_bytes().lower()
        for trace in traces:
            assert trace not in content, f"{trace!r} is in {file.name}"
            assert trace.decode() not in everywhere


async def test_a_text_is_gone_from_every_table_index_file_and_log(stores: Stores, path: Path) -> None:
    await remember(stores, *[f"Filler {number} with some more words in it." for number in range(200)])
    (entry,) = await remember(stores, SECRET)
    session = await stores.record_session(
        USER, said("I said: " + SECRET, "Else."), trust="user", redactions=0, actor="user"
    )
    quote = Quote(session_id=session.session_id, message=1, text=SECRET, role="user", at=None)
    await dream_and_switch(
        stores,
        draft("retier", [entry], [entry], [opening(entry, SECRET, tier="persistent")], reason=f"It says {SECRET}",
              quotes=[quote], evidence=[SECRET]),
    )  # fmt: skip
    await stores.rollback(USER, actor="user")
    await stores.record_recalls([Recalled(store=USER, query=SECRET, entry_ids=(entry.entry_id,), at=NOW)])
    (other,) = await remember(stores, "Other.")
    await stores.record_outcome([other.entry_id, entry.entry_id], "useful", note=SECRET, actor="user")
    await stores.forget([other.entry_id], reason=f"Because {SECRET}", actor="user")
    assert "xerusv" in rows_everywhere(path)
    erased = await stores.erase([entry.entry_id], actor="user")
    assert (erased.entries, erased.derived, erased.returned) == ((entry.entry_id,), (), ())
    assert erased.log_emptied
    assert_no_trace(path)
    transcript = await stores.get_transcript(session.session_id)
    assert [message.text for message in transcript.messages] == ["I said: [erased]", "Else."]
    with pytest.raises(NotFoundError, match="erased for good"):
        await stores.get_entries([entry.entry_id])


async def test_what_a_dream_made_of_it_goes_and_the_other_sources_return(stores: Stores, path: Path) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    await dream_and_switch(
        stores, draft("merge", [other, secret], [other, secret], [opening(other, f"{SECRET} Ana likes tea.")])
    )
    assert await texts(stores) == [f"{SECRET} Ana likes tea."]
    erased = await stores.erase([secret.entry_id], actor="user")
    assert erased.returned == (other.entry_id,)
    assert await texts(stores) == ["Ana likes tea."]
    assert_no_trace(path)


@pytest.mark.parametrize("meanwhile", ["nothing", "retag", "confirm", "undo and redo"])
async def test_a_source_returns_though_the_result_was_touched_since(stores: Stores, path: Path, meanwhile: str) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    proposal = await dream_and_switch(stores, merge([secret, other], f"{SECRET} Ana likes tea."))
    match meanwhile:
        case "retag":
            await stores.retag([secret.entry_id], tier="persistent", actor="agent")
        case "confirm":
            await remember(stores, f"{SECRET} Ana likes tea.")
        case "undo and redo":
            await stores.rollback(USER, actor="user")
            await stores.rollback(USER, proposal.version, actor="user")
        case _:
            pass
    erased = await stores.erase([secret.entry_id], actor="user")
    assert erased.returned == (other.entry_id,)
    assert await texts(stores) == ["Ana likes tea."]
    assert_no_trace(path)


async def test_what_was_concluded_from_it_goes_though_it_was_not_closed(stores: Stores, path: Path) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    await dream_and_switch(
        stores, draft("insight", [secret, other], [], [opening(other, f"Both: {SECRET}", entry_id="e_insight1")])
    )
    erased = await stores.erase([secret.entry_id], actor="user")
    assert erased.derived == ("e_insight1",)
    assert await texts(stores) == ["Ana likes tea."]
    assert_no_trace(path)


async def test_a_text_taken_over_letter_for_letter_stays_its_own_entrys(stores: Stores) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    await dream_and_switch(stores, merge([secret, other], "Ana likes tea."))
    erased = await stores.erase([secret.entry_id], actor="user")
    assert erased.returned == (other.entry_id,)
    assert await texts(stores) == ["Ana likes tea."]


@pytest.mark.parametrize("fate", ["open", "edited", "discarded", "canceled", "rejected"])
async def test_drafts_that_say_it_go_whatever_became_of_them(stores: Stores, path: Path, fate: str) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    change = merge([secret, other], f"Draft of {SECRET}")
    if fate == "canceled":
        dream = await start(stores)
        await stores.propose(dream.dream_id, 1, [change], [f'Refused: "{SECRET}"\nand so on'])
        await stores.cancel_dream(dream.dream_id, actor="user")
    else:
        proposal = await propose(stores, change)
        if fate == "edited":
            await stores.decide(proposal.dream_id, edit=edited(1, "Harmless."), actor="user")
        elif fate == "rejected":
            await stores.decide(proposal.dream_id, reject=[1], actor="user")
        elif fate == "discarded":
            await stores.discard(proposal.dream_id, actor="user")
    await stores.erase([secret.entry_id], actor="user")
    assert await texts(stores) == ["Ana likes tea."]
    assert_no_trace(path, (*TRACES, b"draft of"))


async def test_a_text_with_quotes_and_lines_is_gone_from_refusals_and_evidence(stores: Stores, path: Path) -> None:
    text = 'Zanzibarq "quaggaw"\nxerusv\\'
    secret, other = await remember(stores, text, "Ana likes tea.")
    dream = await start(stores)
    await stores.propose(dream.dream_id, 1, [draft("archive", [other], [other], evidence=[text])], [f"Refused: {text}"])
    await stores.complete_dream(dream.dream_id, 1, recall_checked=0, recall_kept=0)
    await stores.erase([secret.entry_id], actor="user")
    assert_no_trace(path)


async def test_every_version_is_digested_again_and_the_audit_names_old_and_new(stores: Stores, path: Path) -> None:
    secret, other = await remember(stores, SECRET, "Ana likes tea.")
    proposal = await dream_and_switch(stores, archive(other))
    before = {number: await stores.digest(USER, number) for number in (1, proposal.version - 1, proposal.version)}
    erased = await stores.erase([secret.entry_id], actor="user")
    assert erased.versions == (proposal.version - 1, proposal.version)
    connection = connect(path)
    rows = connection.execute(
        "SELECT action, subject, detail FROM audit WHERE action IN ('digest', 'undigest') ORDER BY audit_id"
    ).fetchall()
    connection.close()
    for number in erased.versions:
        now = await stores.digest(USER, number)
        assert now != before[number]
        told = [(action, json.loads(detail)["digest"]) for action, subject, detail in rows if subject == f"v{number}"]
        assert told == [("digest", before[number]), ("undigest", before[number]), ("digest", now)]
    assert await stores.digest(USER, 1) == before[1]


async def test_a_store_that_dreams_refuses_to_erase(stores: Stores) -> None:
    (secret,) = await remember(stores, SECRET)
    dream = (await stores.start_dream(NEW_DREAM)).dream
    with pytest.raises(ConflictError, match=dream.dream_id):
        await stores.erase([secret.entry_id], actor="user")
    await stores.claim_dream("worker", lease_seconds=60)
    with pytest.raises(ConflictError, match=dream.dream_id):
        await stores.erase([secret.entry_id], actor="user")
    assert await texts(stores) == [SECRET]


async def test_erasing_is_store_by_store_and_needs_what_there_is(stores: Stores) -> None:
    (here,) = await remember(stores, SECRET)
    (there,) = await remember(stores, SECRET, store=StoreName("other"))
    with pytest.raises(ConflictError, match="Erase store by store"):
        await stores.erase([here.entry_id, there.entry_id], actor="user")
    with pytest.raises(NotFoundError):
        await stores.within(frozenset({USER})).erase([there.entry_id], actor="user")
    await stores.erase([here.entry_id], actor="user")
    assert (await live_entry(stores, there.entry_id)).content == SECRET
    with pytest.raises(NotFoundError, match="erased for good"):
        await stores.erase([here.entry_id], actor="user")


async def test_a_forgotten_entry_and_every_edit_of_it_can_be_erased(stores: Stores, path: Path) -> None:
    (entry,) = await remember(stores, "Wombat first.")
    await stores.remember(USER, NewEntry(content=SECRET, replaces=(entry.entry_id,)), actor="agent")
    await stores.forget([entry.entry_id], actor="agent")
    await stores.erase([entry.entry_id], actor="user")
    assert_no_trace(path, (*TRACES, b"wombat"))


async def test_rolling_back_over_an_erasure_brings_nothing_of_it_back(stores: Stores, path: Path) -> None:
    secret, other, third = await remember(stores, SECRET, "Ana likes tea.", "Third.")
    proposal = await dream_and_switch(stores, merge([secret, other], f"{SECRET} Tea."), archive(third))
    await stores.erase([secret.entry_id], actor="user")
    rolled = await stores.rollback(USER, actor="user")
    assert [left.change for left in rolled.skipped] == [f"v{proposal.version} c1"]
    assert await texts(stores) == ["Ana likes tea.", "Third."]
    await stores.rollback(USER, proposal.version - 1, mode="restore", actor="user")
    assert await texts(stores) == ["Ana likes tea.", "Third."]
    assert_no_trace(path)


async def test_what_was_erased_can_be_said_again(stores: Stores) -> None:
    (entry,) = await remember(stores, SECRET)
    await stores.erase([entry.entry_id], actor="user")
    (again,) = await remember(stores, SECRET)
    assert again.entry_id != entry.entry_id
    assert isinstance(again, Entry)


async def test_what_was_moved_from_another_store_is_gone_from_there_too(stores: Stores, path: Path) -> None:
    work = StoreName("work")
    await remember(stores, "Filler.", store=work)
    (old,) = await remember(stores, SECRET, store=work)
    await stores.merge_stores(work, USER, actor="user")
    (moved,) = [entry async for entry in stores.export_entries(USER) if entry.content == SECRET]
    erased = await stores.erase([moved.entry_id], actor="user")
    assert erased.entries == (moved.entry_id,)
    assert erased.derived == (old.entry_id,)
    assert_no_trace(path)


@pytest.mark.parametrize(
    ("text", "message", "left"),
    [
        ("Anna has coeliac disease.", "Anna has coeliac disease.Thanks for noting", "[erased]Thanks for noting"),
        ("安娜的密码是八四二一", "请记住安娜的密码是八四二一谢谢", "请记住[erased]谢谢"),
        ("cat", "cat, concatenate", "[erased], concatenate"),
    ],
)
async def test_a_text_is_blotted_where_it_does_not_end_inside_a_word(
    stores: Stores, text: str, message: str, left: str
) -> None:
    (entry,) = await remember(stores, text)
    session = await stores.record_session(USER, said(message), trust="user", redactions=0, actor="user")
    await stores.erase([entry.entry_id], actor="user")
    assert [one.text for one in (await stores.get_transcript(session.session_id)).messages] == [left]


async def test_an_erased_id_of_another_store_reads_as_not_found(stores: Stores) -> None:
    (entry,) = await remember(stores, SECRET)
    await stores.erase([entry.entry_id], actor="user")
    with pytest.raises(NotFoundError, match="erased for good"):
        await stores.get_entries([entry.entry_id])
    with pytest.raises(NotFoundError, match="There is no entry"):
        await stores.within(frozenset({StoreName("work")})).get_entries([entry.entry_id])
