"""A home of its own for every test, and the command line as a person calls it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dreamkeep_server.cli.main import main
from dreamkeep_server.settings import PREFIX

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setenv("DREAMKEEP_HOME", str(home))
    monkeypatch.setenv("DREAMKEEP_EMBEDDER", "none")  # `test_embedding` has the tests of the one that comes with it
    monkeypatch.chdir(folder)
    return home


@pytest.fixture
def run() -> Run:
    """Call `dreamkeep` with these words; no terminal is attached."""

    def call(*words: str, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(main, list(words), input=stdin, prog_name="dreamkeep")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def fine(run: Run) -> Callable[..., str]:
    """Call `dreamkeep`, which must end well; gives what it printed."""

    def call(*words: str, stdin: str | bytes | None = None) -> str:
        result = run(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


@pytest.fixture
def said(fine: Callable[..., str]) -> Callable[..., Any]:
    """Call `dreamkeep ... --json`, which must end well; gives what it said."""
    return lambda *words: json.loads(fine(*words, "--json"))


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Call `dreamkeep`, which must refuse in a sentence on stderr and print nothing; gives the sentence."""

    def call(*words: str, stdin: str | bytes | None = None, code: int = 1) -> str:
        result = run(*words, stdin=stdin)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr

    return call


@pytest.fixture
def terminal() -> Callable[..., tuple[int, str]]:
    """Call the installed command with a terminal on all its streams, and type an answer."""

    def call(*words: str, answer: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "dreamkeep_server", *words]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            os.write(ours, answer.encode() + b"\n")
            seen = b""
            while True:
                try:
                    chunk = os.read(ours, 4096)
                except OSError:  # Linux says EIO once the other side is closed
                    break
                if not chunk:
                    break
                seen += chunk
        os.close(ours)
        return process.returncode, seen.decode()

    return call
