"""remember, recall, explain, erase, record: entries and sessions at the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamkeep_server.project import store_of_folder

Fine = Callable[..., str]
Said = Callable[..., Any]
Refused = Callable[..., str]
Terminal = Callable[..., tuple[int, str]]


def test_what_is_remembered_is_recalled_as_the_users_own(said: Said) -> None:
    kept = said("remember", "The API listens on port 8080.", "--tag", "api", "--topic", "/acme", "--tier", "persistent")
    (found,) = said("recall", "port of the API")
    assert found["entry_id"] == kept["entry_id"]
    assert found["content"] == "The API listens on port 8080."
    assert (found["tier"], found["tags"], found["topic"], found["trust"]) == ("persistent", ["api"], "/acme", "user")
    assert found["store"] == "user"
    assert found["why"].startswith("says ")


def test_an_empty_recall_lists_the_newest(fine: Fine, said: Said) -> None:
    fine("remember", "Older.", "--asserted-at", "2026-01-01")
    fine("remember", "Newer.")
    assert [entry["content"] for entry in said("recall")] == ["Newer.", "Older."]


def test_recall_filters(fine: Fine, said: Said) -> None:
    fine("remember", "Tea.", "--tag", "food", "--topic", "/user/food", "--asserted-at", "2026-01-01")
    fine("remember", "Boats.", "--tier", "ephemeral", "--topic", "/user/boats")
    assert [entry["content"] for entry in said("recall", "--tag", "food")] == ["Tea."]
    assert [entry["content"] for entry in said("recall", "--topic", "/user/boats")] == ["Boats."]
    assert [entry["content"] for entry in said("recall", "--tier", "ephemeral")] == ["Boats."]
    assert [entry["content"] for entry in said("recall", "--until", "2026-02-01")] == ["Tea."]
    assert [entry["content"] for entry in said("recall", "--since", "2026-02-01")] == ["Boats."]
    assert len(said("recall", "--limit", "1")) == 1


def test_recall_says_why_and_hides_escape_codes(fine: Fine) -> None:
    fine("remember", "The window title is \x1b]0;gone\x07 set.")
    told = fine("recall", "window title", "--explain")
    assert "\x1b" not in told
    assert "␛]0;gone" in told
    assert len(told.splitlines()) >= 2


def test_nothing_found_is_said_and_is_no_failure(fine: Fine, run: Callable[..., Any]) -> None:
    fine("remember", "Tea.")
    result = run("recall", "submarine")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing found in user." in result.stderr


def test_replacing_keeps_the_id(fine: Fine, said: Said) -> None:
    first = said("remember", "The port is 8080.")["entry_id"]
    assert said("remember", "The port is 8443.", "--replaces", first)["entry_id"] == first
    assert "Was there already" in fine("remember", "The port is 8443.")


def test_a_secret_is_left_out(run: Callable[..., Any], said: Said) -> None:
    secret = "ghp_" + "a1B2" * 9
    result = run("remember", f"The token is {secret}.")
    assert result.exit_code == 0
    assert "1 secret in it was left out" in result.stderr
    assert secret not in json.dumps(said("recall"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("remember", "   "), "The content is empty"),
        (("remember", "Tea.", "--tag", "x" * 65), "is no tag"),
        (("remember", "Tea.", "--asserted-at", "2999-01-01"), "in the future"),
        (("remember", "Tea.", "--replaces", "e_nothere"), "There is no entry 'e_nothere'"),
        (("remember", "Tea.", "--store", " "), "is no name for a store"),
        (("recall", "tea", "--store", "nowhere"), "There is no store 'nowhere'"),
        (("explain", "e_nothere"), "There is no entry 'e_nothere'"),
        (("erase", "e_nothere"), "There is no entry 'e_nothere'"),
    ],
)
def test_a_refusal_is_a_sentence(words: tuple[str, ...], says: str, refused: Refused) -> None:
    assert says in refused(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("remember",),
        ("remember", "Tea.", "--tier", "eternal"),
        ("remember", "Tea.", "--asserted-at", "yesterday"),
        ("recall", "tea", "--limit", "0"),
        ("recall", "tea", "--version", "newest"),
        ("recall", "tea", "coffee"),
        ("erase",),
        ("explain",),
        ("record",),
        ("nonsense",),
    ],
)
def test_wrong_words_are_a_wrong_call(words: tuple[str, ...], refused: Refused) -> None:
    assert "Usage: dreamkeep" in refused(*words, code=2)


def test_a_folders_project_is_meant_once_it_has_a_memory(fine: Fine, said: Said) -> None:
    project = store_of_folder(Path.cwd())
    fine("remember", "Of the person.")
    fine("remember", "Of the project.", "--store", project)
    fine("remember", "Also of the project.")
    assert {(entry["store"], entry["content"]) for entry in said("recall")} == {
        ("user", "Of the person."),
        (project, "Of the project."),
        (project, "Also of the project."),
    }


def test_the_setting_names_the_store(fine: Fine, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMKEEP_STORE", "acme")
    fine("remember", "Tea.")
    assert [entry["store"] for entry in said("recall")] == ["acme"]


def test_explain_says_where_an_entry_came_from_and_how_fresh_it_is(fine: Fine, said: Said) -> None:
    entry = said("remember", "Tea.", "--topic", "/user", "--asserted-at", "2020-01-01")["entry_id"]
    told = fine("explain", entry)
    assert "trusted as from you" in told
    assert "half-life of 90 days" in told
    assert "it is stale" in told
    assert "written by hand" in told
    assert said("explain", entry)["stale"] is True


def test_explain_says_what_an_entry_became(fine: Fine, said: Said) -> None:
    first, second = (said("remember", text)["entry_id"] for text in ("Port 8080.", "The port is 8080."))
    fine("remember", "The port is 8443.", "--replaces", first, "--replaces", second)
    told = fine("explain", second)
    assert "was replaced" in told
    assert f"{first}  The port is 8443." in told
    assert said("explain", second)["became_entries"][0]["entry_id"] == first


def test_erasing_refuses_without_a_terminal(said: Said, refused: Refused) -> None:
    entry = said("remember", "My number is 0123.")["entry_id"]
    assert "Nothing was erased" in refused("erase", entry)
    assert len(said("recall")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_erasing_asks_on_a_terminal(answer: str, left: int, terminal: Terminal, fine: Fine, said: Said) -> None:
    entry = said("remember", "My number is 0123.")["entry_id"]
    code, seen = terminal("erase", entry, answer=answer)
    assert "My number is 0123." in seen
    assert "for good?" in seen
    assert code == left
    assert len(said("recall")) == left
    fine("verify")


def test_transcripts_are_recorded_with_the_users_trust(said: Said, fine: Fine, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    secret = "ghp_" + "a1B2" * 9
    talk = [{"role": "user", "content": f"I prefer tea. {secret}"}, {"role": "assistant", "content": "Noted."}]
    file.write_text(json.dumps({"messages": talk}))
    (session,) = said("record", str(file), "--session-id", "talk-1")
    assert (session["messages"], session["trust"], session["redactions"]) == (2, "user", 1)
    assert session["external_id"] == "talk-1"
    assert session["session_id"] in fine("record", str(file), "--session-id", "talk-1")
    assert said("status")[0]["sessions"] == 1


def test_a_file_that_is_no_transcript_is_named_and_the_others_are_kept(
    run: Callable[..., Any], said: Said, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.bin"
    good.write_text(json.dumps([{"role": "user", "content": "I prefer tea."}]))
    bad.write_bytes(b"\x00\x01\x02")
    result = run("record", str(bad), str(good), str(tmp_path / "missing"))
    assert result.exit_code == 1
    assert str(bad) in result.stderr
    assert "missing: it cannot be read: No such file" in result.stderr
    assert "2 files of 3" in result.stderr
    assert said("status")[0]["sessions"] == 1


def test_one_session_id_is_for_one_file(refused: Refused) -> None:
    assert "several files" in refused("record", "a", "b", "--session-id", "s", code=2)


def test_recall_names_the_entry_that_may_replace_an_older_one(fine: Fine, said: Said) -> None:
    older = said("remember", "The marketing budget of the Oslo team is $600")["entry_id"]
    newer = said("remember", "The marketing budget of the Oslo team was increased to $650")["entry_id"]
    first, second = said("recall", "marketing budget of the Oslo team")
    assert [(one["entry_id"], one["newer"]) for one in (first, second)] == [(newer, None), (older, newer)]
    assert f"{newer} may replace it" in " ".join(fine("recall", "marketing budget of the Oslo team").split())
