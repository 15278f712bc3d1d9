"""stores, status, token, serve, and what holds for every verb."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dreamkeep_server.cli.main import VERBS, main

Fine = Callable[..., str]
Said = Callable[..., Any]
Refused = Callable[..., str]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does_in_a_short_line(verb: str) -> None:
    result: Result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    listed: Result = CliRunner().invoke(main, ["--help"])
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith(f"  {verb} ")]
    assert line.endswith((".", ")."))
    assert not line.endswith("...")


def test_the_exit_codes_are_told(fine: Fine) -> None:
    told = " ".join(fine("--help").split())
    assert "0 fine; 1 refused or failed" in told
    assert "3 the dream ended as failed; 4 verify or doctor found problems" in told


def test_serving_starts_without_what_only_people_need() -> None:
    """Every window of a client starts a server: drawing must not slow it down."""
    code = "import sys, dreamkeep_server.cli.main, dreamkeep_server.cli.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"rich", "mcp", "pydantic", "pydantic_settings", "anyio", "sqlcipher3"} & set(loaded)


def test_stores_are_listed_renamed_and_merged(fine: Fine, said: Said) -> None:
    fine("remember", "Tea.", "--store", "old")
    fine("remember", "Boats.", "--store", "sea")
    assert [standing["store"] for standing in said("stores")] == ["old", "sea"]
    fine("stores", "rename", "old", "new")
    assert "new  version 1, 1 entry, 0 sessions" in fine("stores")
    assert "1 entry of new moved into sea" in fine("stores", "merge", "new", "sea", "--yes")
    assert {entry["content"] for entry in said("recall", "--store", "sea")} == {"Tea.", "Boats."}
    fine("verify")


def test_merging_refuses_without_a_terminal_or_a_yes(fine: Fine, refused: Refused) -> None:
    fine("remember", "Tea.", "--store", "a")
    fine("remember", "Boats.", "--store", "b")
    assert "confirm it with --yes" in refused("stores", "merge", "a", "b")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("stores", "rename", "nowhere", "new"), "There is no store 'nowhere'"),
        (("stores", "rename", "user", "sea"), "There is a store 'sea' already"),
        (("stores", "rename", "user", " "), "is no name for a store"),
        (("stores", "merge", "user", "user", "--yes"), "cannot be merged into itself"),
        (("stores", "merge", "nowhere", "user", "--yes"), "There is no store 'nowhere'"),
        (("status", "--store", "nowhere"), "There is no store 'nowhere'"),
        (("verify", "--store", "nowhere"), "There is no store 'nowhere'"),
        (("token", "revoke", "t_nothere"), "There is no token"),
        (("token", "create", ""), "A token's name"),
        (("reindex", "now"), "Usage"),
    ],
)
def test_a_refusal_is_a_sentence(words: tuple[str, ...], says: str, fine: Fine, refused: Refused) -> None:
    fine("remember", "Tea.")
    fine("remember", "Boats.", "--store", "sea")
    assert says in refused(*words, code=2 if says == "Usage" else 1)


def test_status_says_how_each_store_stands(fine: Fine, said: Said, refused: Refused) -> None:
    assert "There is no memory in" in refused("status")
    fine("remember", "Tea.", "--tier", "persistent")
    fine("remember", "Boats.", "--store", "sea")
    told = fine("status")
    assert "user: version 1" in told
    assert "1 (1 persistent)" in told
    assert [standing["store"] for standing in said("status", "--store", "sea")] == ["sea"]
    assert said("status")[1]["by_tier"]["persistent"] == 1


def test_tokens_are_shown_once(run: Callable[..., Any], fine: Fine, said: Said) -> None:
    result = run("token", "create", "laptop", "--store", "user", "--rights", "read")
    secret = result.stdout.strip()
    assert secret
    assert "not shown again" in result.stderr
    (token,) = said("token")
    assert (token["name"], token["stores"], token["rights"]) == ("laptop", ["user"], "read")
    assert secret not in json.dumps(token)
    assert "laptop: read, user" in fine("token", "list")
    fine("token", "revoke", token["token_id"])
    assert "revoked" in fine("token")


def test_bad_settings_are_a_sentence(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMKEEP_JUDGE", "jury")
    assert "DREAMKEEP_JUDGE cannot be used" in refused("status")
    assert "DREAMKEEP_JUDGE cannot be used" in refused("serve")


def test_a_port_that_is_taken_is_a_sentence(refused: Refused) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot be used" in refused("serve", "--http", "--port", str(taken.getsockname()[1]))
    assert "Usage" in refused("serve", "--port", "99999", code=2)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dreamkeep_server", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("dreamkeep, version ")
