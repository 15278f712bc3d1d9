"""The project as somebody who cloned it finds it: the lock, the commands, the example configuration."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def required(lines: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", line)[0].lower() for line in lines}


def test_the_lock_holds_everything_that_the_project_needs() -> None:
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", LOCK, re.MULTILINE))
    assert required(PROJECT["dependencies"]) <= locked
    assert required(PROJECT["optional-dependencies"]["test"]) <= locked


def test_every_line_of_the_lock_has_its_hash_and_no_address() -> None:
    pins = re.findall(r"^[a-z0-9].*?(?=^\S|\Z)", LOCK, re.MULTILINE | re.DOTALL)
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in LOCK
    assert "index-url" not in LOCK
    assert " @ " not in LOCK


def test_ci_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "sh check" in (ROOT / ".ci" / "run").read_text().splitlines()
    assert "sh check" in readme
    assert "dreamkeep demo" in readme


def test_the_check_runs_every_tool_and_stops_at_the_first_that_fails() -> None:
    check = (ROOT / "check").read_text()
    assert "set -eu" in check
    for tool in ("ruff format --check", "ruff check", "pyright", "lint-imports", "pytest"):
        assert f"\n{tool}" in check or f"python -m {tool}" in check
    assert os.access(ROOT / "check", os.X_OK)


async def test_the_example_configuration_starts_a_server_that_remembers(tmp_path: Path) -> None:
    (name, entry), *others = json.loads((ROOT / "claude_config.example.json").read_text())["mcpServers"].items()
    assert name == "dreamkeep"
    assert others == []
    assert entry["alwaysLoad"] is True
    assert entry["type"] == "stdio"
    scripts = Path(sys.executable).parent
    server = StdioServerParameters(
        command=entry["command"],
        args=entry["args"],
        env={
            **entry["env"],
            "DREAMKEEP_HOME": str(tmp_path / "home"),
            "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
        },
        cwd=tmp_path,
    )
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == 16
        kept = await client.call_tool("remember", {"content": "Tea, never coffee."})
        assert not kept.is_error
        found = await client.call_tool("recall", {"query": "coffee"})
        assert found.structured_content is not None
        assert [one["content"] for one in found.structured_content["entries"]] == ["Tea, never coffee."]


def test_the_built_wheel_holds_what_is_not_python(tmp_path: Path) -> None:
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "dreamkeep_server/demo/notes.jsonl",
        "dreamkeep_server/demo/sessions.jsonl",
        "dreamkeep_server/embedding/minilm/LICENSE",
        "dreamkeep_server/embedding/minilm/PROVENANCE.md",
        "dreamkeep_server/embedding/minilm/model.onnx",
        "dreamkeep_server/embedding/minilm/vocab.txt",
        "dreamkeep_server/tools/instructions.md",
        "dreamkeep_server/py.typed",
        "dreamkeep_store/migrations/0001_initial.sql",
        "dreamkeep_store/py.typed",
    } <= names
    assert not [name for name in names if name.startswith(("tests", ".ci", "check", "minilm"))]
