"""Sentences about tools, as a person at the command line reads them."""

import ast
import re
from pathlib import Path

import pytest

import dreamkeep_server.occasions
import dreamkeep_store
from dreamkeep_server.cli.main import VERBS
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_server.server import TOOLS

TOOL = re.compile("|".join(rf"\b{name}\b" for name in TOOLS if "_" in name))


def sentences() -> set[str]:
    """Every text in the store, and beside it, that says more than a name."""
    files = [*Path(dreamkeep_store.__path__[0]).glob("*.py"), Path(dreamkeep_server.occasions.__file__)]
    return {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    }


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("list_versions shows them all.", "`dreamkeep versions` shows them all."),
        ("then switch_version(3) takes it", "then `dreamkeep switch 3` takes it"),
        ("review_dream(discard=true) throws it away.", "`dreamkeep review discard` throws it away."),
        ("was: rollback(version=2, mode='restore').", "was: `dreamkeep rollback 2 --mode restore`."),
        ("let go by a dream; rollback brings it back.", "let go by a dream; `dreamkeep rollback` brings it back."),
        ("No switch or rollback came after version 2.", "No switch or rollback came after version 2."),
        ("There is no entry 'e_1'.", "There is no entry 'e_1'."),
    ],
)
def test_tools_become_commands_and_all_else_stays(sentence: str, says: str) -> None:
    assert as_commands(sentence) == says


def test_no_sentence_of_the_store_leaves_a_tool_without_its_command() -> None:
    naming = {sentence for sentence in sentences() if TOOL.search(sentence)}
    assert naming
    assert [sentence for sentence in naming if TOOL.search(as_commands(sentence))] == []


def test_the_commands_that_are_named_exist() -> None:
    for sentence in sentences():
        for verb in re.findall(r"`dreamkeep (\w+)", as_commands(sentence)):
            assert verb in VERBS
