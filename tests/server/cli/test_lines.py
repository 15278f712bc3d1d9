"""import and export: JSON Lines in and out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamkeep_server.cli.lines import BATCH_ENTRIES, LINE_BYTES_MAX

Fine = Callable[..., str]
Said = Callable[..., Any]
Refused = Callable[..., str]


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def contents(said: Said) -> list[str]:
    return sorted(entry["content"] for entry in said("recall", "--limit", "100"))


def test_every_argument_of_remember_is_imported(said: Said, tmp_path: Path) -> None:
    file = tmp_path / "notes.jsonl"
    entry = {
        "content": "Tea, never coffee.",
        "tier": "persistent",
        "tags": ["food", "drink"],
        "topic": "/user/preferences",
        "asserted_at": "2026-03-01T09:30:00Z",
    }
    file.write_text("\ufeff" + lines(entry) + "\n" + lines({"content": "Boats.", "store": "sea"}))
    assert said("import", str(file)) == {"new": 2, "confirmed": 0, "replaced": 0, "redacted": 0}
    (found,) = said("recall", "tea")
    assert {name: found[name] for name in entry} == {**entry, "tags": ["drink", "food"]}
    assert found["trust"] == "agent"
    assert [one["content"] for one in said("recall", "--store", "sea")] == ["Boats."]


def test_importing_again_only_confirms(fine: Fine, said: Said) -> None:
    text = lines({"content": "Tea."}, {"content": "Boats."})
    assert "2 new" in fine("import", "-", stdin=text)
    assert "0 new, 2 there already" in fine("import", "-", stdin=text)
    assert contents(said) == ["Boats.", "Tea."]


def test_what_is_exported_can_be_imported_with_nothing_lost(fine: Fine, said: Said, tmp_path: Path) -> None:
    fine("remember", "Tea.", "--tag", "food", "--topic", "/user", "--tier", "persistent")
    fine("remember", "Two\nlines, “quoted”, 漁港.", "--asserted-at", "2026-01-01T01:02:03.000004Z")
    file = tmp_path / "out.jsonl"
    fine("export", str(file))
    assert file.stat().st_mode & 0o077 == 0
    fine("import", str(file), "--store", "copy", "--trust", "user")
    exported = sorted(file.read_text().splitlines())
    assert sorted(fine("export", "--store", "copy").splitlines()) == exported == sorted(fine("export").splitlines())


@pytest.mark.parametrize(
    ("ceiling", "claimed", "kept"),
    [("agent", "user", "agent"), ("user", "user", "user"), ("user", "external", "external"), ("tool", None, "tool")],
)
def test_trust_never_rises_by_an_import(ceiling: str, claimed: str | None, kept: str, fine: Fine, said: Said) -> None:
    entry = {"content": "Tea."} if claimed is None else {"content": "Tea.", "trust": claimed}
    fine("import", "-", "--trust", ceiling, stdin=lines(entry))
    assert said("recall")[0]["trust"] == kept


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"text": "Tea."}', "'text' is no field"),
        ("{}", "The content is empty"),
        ('{"content": 7}', "content is not a text"),
        ('{"content": "Tea.", "tier": "eternal"}', "tier is 'eternal'"),
        ('{"content": "Tea.", "tags": "food"}', "tags is not a list of texts"),
        ('{"content": "Tea.", "asserted_at": "yesterday"}', "asserted_at is 'yesterday'"),
        ('{"content": "Tea.", "asserted_at": "2999-01-01"}', "in the future"),
        ('{"content": "Te\\u0000a."}', "NUL"),
        ('{"content": "\\ud800"}', "surrogate"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(line: str, says: str, refused: Refused, said: Said) -> None:
    told = refused("import", "-", stdin=lines({"content": "Good."}) + line + "\n" + lines({"content": "Better."}))
    assert "line 2: " in told
    assert says in told
    assert "Nothing of lines 1 to 3 was imported" in told
    assert said("stores") == []


def test_every_bad_line_of_a_batch_is_named(refused: Refused) -> None:
    told = refused("import", "-", stdin='{}\n{"content": "Good."}\nnot json\n')
    assert "line 1: " in told
    assert "line 3: " in told


def test_batches_before_a_bad_line_stay(refused: Refused, fine: Fine, said: Said) -> None:
    good = [{"content": f"Fact {number}."} for number in range(BATCH_ENTRIES + 10)]
    told = refused("import", "-", stdin=lines(*good) + "oops\n")
    assert f"Nothing of lines {BATCH_ENTRIES + 1:,} to {BATCH_ENTRIES + 11:,} was imported" in told
    assert f"lines 1 to {BATCH_ENTRIES:,} were" in told
    assert sum(said("status")[0]["by_tier"].values()) == BATCH_ENTRIES
    assert f"10 new, {BATCH_ENTRIES:,} there already" in fine("import", "-", stdin=lines(*good))
    fine("verify")


def test_an_entry_that_the_store_refuses_leaves_its_batch_out(refused: Refused, said: Said) -> None:
    told = refused("import", "-", stdin=lines({"content": "Good."}, {"content": "Bad.", "replaces": ["e_nothere"]}))
    assert "e_nothere" in told
    assert said("stores") == []


def test_a_line_without_an_end_is_not_read_whole(refused: Refused) -> None:
    assert "line 1 is longer than" in refused("import", "-", stdin=b"x" * (LINE_BYTES_MAX + 2))


def test_a_file_that_is_not_there_is_refused(refused: Refused, tmp_path: Path) -> None:
    assert "No such file" in refused("import", str(tmp_path / "missing.jsonl"))


def test_exporting_overwrites_nothing_unasked(fine: Fine, refused: Refused, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    file = tmp_path / "out.jsonl"
    file.write_text("mine")
    assert "--force overwrites it" in refused("export", str(file))
    assert file.read_text() == "mine"
    fine("export", str(file), "--force")
    assert "Tea." in file.read_text()
    assert list(tmp_path.glob("*.part")) == []


def test_exporting_what_is_not_there_writes_no_file(fine: Fine, refused: Refused, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    assert "There is no store 'nowhere'" in refused("export", str(tmp_path / "out"), "--store", "nowhere")
    assert "version 9" in refused("export", str(tmp_path / "out"), "--version", "9")
    assert "No such file" in refused("export", str(tmp_path / "no" / "out"))
    assert list(tmp_path.glob("out*")) == []
