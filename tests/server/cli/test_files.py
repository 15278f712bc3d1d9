"""backup, restore, reindex, verify, doctor: the database as a whole."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Fine = Callable[..., str]
Said = Callable[..., Any]
Refused = Callable[..., str]


def contents(said: Said) -> list[str]:
    return sorted(entry["content"] for entry in said("recall", "--limit", "100"))


def test_a_backup_brings_everything_back(fine: Fine, said: Said, home: Path, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    copy = tmp_path / "copy.db"
    fine("backup", str(copy))
    assert copy.stat().st_mode & 0o077 == 0
    fine("remember", "Coffee.")
    assert "Restored 1 store" in fine("restore", str(copy), "--yes")
    assert contents(said) == ["Tea."]
    fine("verify")
    (kept,) = home.glob("before-restore-*.db")
    fine("restore", str(kept), "--yes")
    assert contents(said) == ["Coffee.", "Tea."]
    assert list(home.glob("restore-*")) == []


def test_restoring_into_an_empty_home_asks_nothing(fine: Fine, said: Said, home: Path, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    fine("backup", str(tmp_path / "copy.db"))
    for file in home.iterdir():
        file.unlink()
    fine("restore", str(tmp_path / "copy.db"))
    assert contents(said) == ["Tea."]
    assert (home / "dreamkeep.db").stat().st_mode & 0o077 == 0


def test_restoring_refuses_to_replace_without_a_yes(fine: Fine, said: Said, refused: Refused, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    fine("backup", str(tmp_path / "copy.db"))
    fine("remember", "Coffee.")
    assert "--yes replaces it" in refused("restore", str(tmp_path / "copy.db"))
    assert contents(said) == ["Coffee.", "Tea."]


def test_a_damaged_database_can_be_replaced(fine: Fine, said: Said, home: Path, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    fine("backup", str(tmp_path / "copy.db"))
    (home / "dreamkeep.db").write_bytes(b"this is not a database, and never was one" * 100)
    fine("restore", str(tmp_path / "copy.db"), "--yes")
    assert contents(said) == ["Tea."]
    fine("verify")


def test_a_backup_that_was_tampered_with_is_not_restored(
    fine: Fine, said: Said, refused: Refused, tmp_path: Path
) -> None:
    fine("remember", "Tea, never coffee.")
    copy = tmp_path / "copy.db"
    fine("backup", str(copy))
    text = copy.read_bytes()
    copy.write_bytes(text.replace(b"never coffee", b"often coffee"))
    assert "nothing was restored" in refused("restore", str(copy), "--yes")
    assert contents(said) == ["Tea, never coffee."]


def test_what_is_no_backup_is_refused(fine: Fine, refused: Refused, home: Path, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    assert "is not a file" in refused("restore", str(tmp_path / "missing.db"))
    assert "the database itself" in refused("restore", str(home / "dreamkeep.db"))
    (tmp_path / "text.db").write_text("hello " * 100)
    assert "cannot be used" in refused("restore", str(tmp_path / "text.db"), "--yes")
    assert list(home.glob("restore-*")) == []


def test_a_backup_overwrites_nothing(fine: Fine, refused: Refused, tmp_path: Path) -> None:
    fine("remember", "Tea.")
    (tmp_path / "copy.db").write_text("mine")
    assert "there already" in refused("backup", str(tmp_path / "copy.db"))
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_reindexing_keeps_what_is_found(fine: Fine, said: Said) -> None:
    fine("remember", "Tea, never coffee.")
    fine("reindex")
    assert [entry["content"] for entry in said("recall", "coffee")] == ["Tea, never coffee."]
    fine("verify")


def test_verify_and_doctor_find_what_was_changed_behind_the_stores_back(
    fine: Fine, run: Callable[..., Any], home: Path
) -> None:
    fine("remember", "Tea, never coffee.")
    assert "is what it was written as" in fine("verify")
    assert "problem " not in fine("doctor")
    with closing(sqlite3.connect(home / "dreamkeep.db")) as connection, connection:
        connection.execute("UPDATE content SET text = 'Coffee, never tea.'")
    result = run("verify")
    assert result.exit_code == 4
    assert result.stdout
    result = run("doctor")
    assert result.exit_code == 4
    assert "problem  memory" in result.stdout


def test_doctor_says_a_sentence_about_each_thing(fine: Fine, said: Said, home: Path) -> None:
    assert "There is none in" in fine("doctor")
    assert not home.exists()
    fine("remember", "Tea.")
    checks = said("doctor")
    assert {
        "dreamkeep",
        "command",
        "sqlite",
        "settings",
        "disk",
        "access",
        "database",
        "worker",
        "dreams",
        "recall",
        "memory",
    } == {check["what"] for check in checks}
    assert all(check["sentence"] for check in checks)
    assert "memory" not in {check["what"] for check in said("doctor", "--quick")}


def test_doctor_notices_an_open_folder_and_bad_settings(
    fine: Fine, run: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine("remember", "Tea.")
    (home / "dreamkeep.db").chmod(0o644)
    assert "so others can look in" in fine("doctor")
    monkeypatch.setenv("DREAMKEEP_JUDGE", "everybody")
    result = run("doctor")
    assert result.exit_code == 4
    assert "DREAMKEEP_JUDGE cannot be used" in result.stdout


def test_doctor_finds_a_file_that_is_no_database(run: Callable[..., Any], home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "dreamkeep.db").write_text("hello " * 100)
    result = run("doctor")
    assert result.exit_code == 4
    assert "problem  database" in result.stdout


def test_a_home_that_cannot_be_made_is_a_sentence(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DREAMKEEP_HOME", str(tmp_path / "file" / "home"))
    assert "cannot be used now" in refused("remember", "Tea.")
