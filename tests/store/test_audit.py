"""The audit: append-only, chained, and without a word of text."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dreamkeep_store.models import NewEntry
from dreamkeep_store.store import Stores, open_stores

from .dreaming import LIBRARY, USER, add, connect, dream_and_switch, merge, remember, said


async def lived(stores: Stores) -> None:
    """Do one of everything that is audited."""
    one, two = await remember(stores, "Zanzibar is warm.", "Quagga is extinct.")
    await stores.remember(USER, NewEntry(content="Zanzibar is hot.", replaces=(one.entry_id,)), actor="agent")
    (one,) = await stores.retag([one.entry_id], tier="persistent", add_tags=["wordtag"], actor="agent")
    await stores.forget([two.entry_id], reason="Wombat reason.", actor="agent")
    (two,) = await stores.unforget([two.entry_id], actor="agent")
    await stores.record_session(USER, said("Yak message."), trust="user", redactions=0, actor="agent")
    await dream_and_switch(stores, merge([one, two], "Both vultures."), add("Xerus new.", datetime.now(UTC)))
    await stores.rollback(USER, actor="user")
    await stores.erase([two.entry_id], actor="user")


async def test_nothing_that_anybody_said_is_in_the_audit(stores: Stores, path: Path) -> None:
    await lived(stores)
    rows = connect(path).execute("SELECT * FROM audit").fetchall()
    said_there = json.dumps([[str(value) for value in row] for row in rows]).lower()
    for word in ("zanzibar", "quagga", "wordtag", "wombat", "yak", "vultures", "xerus"):
        assert word not in said_there


async def test_every_action_is_there_with_who_did_it(stores: Stores, path: Path) -> None:
    await lived(stores)
    rows = connect(path).execute("SELECT actor, action, seq FROM audit ORDER BY audit_id").fetchall()
    actions = {action for _, action, _ in rows}
    assert actions >= {
        "create_store",
        "remember",
        "edit",
        "retag",
        "forget",
        "unforget",
        "record_session",
        "start_dream",
        "propose",
        "dream_completed",
        "apply",
        "switch",
        "revert",
        "rollback",
        "erase",
    }
    assert {actor for actor, action, _ in rows if action in ("switch", "erase")} == {"user"}
    seqs = [seq for *_, seq in rows]
    assert seqs == sorted(seqs)


async def test_a_row_can_be_neither_changed_nor_deleted(stores: Stores, path: Path) -> None:
    await remember(stores, "Tea.")
    connection = connect(path)
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(LIBRARY.IntegrityError, match="append-only"):
            connection.execute(statement)


@pytest.mark.parametrize("tampering", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_a_break_in_the_chain_is_found(path: Path, tampering: str) -> None:
    async with open_stores(path) as stores:
        await remember(stores, "One.", "Two.", "Three.")
    connection = connect(path)
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("DROP TRIGGER audit_no_delete")
    connection.execute(f"{tampering} WHERE audit_id = 2")
    connection.close()
    async with open_stores(path) as stores:
        (problem,) = await stores.verify()
    assert problem.where in ("audit row 2", "audit row 3")
