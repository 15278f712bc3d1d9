"""dreamkeep demo: what a stranger sees first."""

import json
import re
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dreamkeep_server", "demo", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_demo_tells_its_story_and_proves_it(tmp_path: Path, home: Path) -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    told = done.stdout
    before, after = told.split("4  Switched")
    assert "The Tidewater API listens on port 8080." in before
    assert "listens on port 8080" not in after
    assert "Deploys of Tidewater go out on Fridays." not in after
    assert "I prefer dates written like 7 March 2026" in after
    assert "remembered while it dreamed: kept" in after
    digests = re.findall(r"version \d+   ([0-9a-f]{32})", after)
    assert len(digests) == 2
    assert len(set(digests)) == 1
    assert done.stderr == ""
    assert not home.exists()


def test_the_demo_is_plain_in_a_pipe_and_fits_eighty_columns() -> None:
    done = demo()
    assert ESCAPE.search(done.stdout) is None
    assert [line for line in done.stdout.splitlines() if len(line) > 80 or line != line.rstrip()] == []
    assert len(done.stdout.splitlines()) <= 88


def test_a_kept_demo_can_be_looked_around_in(tmp_path: Path, run: object) -> None:
    done = demo("--keep")
    assert done.returncode == 0, done.stderr
    (kept,) = re.findall(r"Kept in (\S+):", done.stdout)
    assert Path(kept).parent == Path(tempfile.gettempdir())
    looked = subprocess.run(
        [sys.executable, "-m", "dreamkeep_server", "status", "--json"],
        env={"DREAMKEEP_HOME": kept, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(looked.stdout)[0]["store"] == "tidewater"


def test_the_sample_is_large_enough_to_believe() -> None:
    sample = resources.files("dreamkeep_server.demo")
    notes = [json.loads(line) for line in (sample / "notes.jsonl").read_text("utf-8").splitlines()]
    sessions = [json.loads(line) for line in (sample / "sessions.jsonl").read_text("utf-8").splitlines()]
    assert len(notes) >= 60
    assert 4 <= len(sessions) <= 6
    assert max(note["days_ago"] for note in notes) > 28
