"""The README's promises and the tests that prove them name each other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def promised() -> set[str]:
    """The ids in the README's table of promises."""
    section = (ROOT / "README.md").read_text("utf-8").partition("\n## Promises\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


def proved() -> set[str]:
    """The ids that tests carry as `@pytest.mark.promise(...)`."""
    calls = (
        node
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
    )
    return {
        str(argument.value)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "promise"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def test_every_promise_of_the_readme_is_proved_and_every_proof_is_promised() -> None:
    assert promised() == proved()
    assert promised()
