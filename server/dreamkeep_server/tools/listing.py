"""All tools, and their list as clients get it: derived beforehand, kept in `listing.json`.

Deriving it takes a tenth of a second, and clients ask for it before they look at their first answer. A test
holds the file to what is declared; `python -m dreamkeep_server.tools.listing` writes it anew.
"""

import json
from pathlib import Path
from typing import Any

from mcp.types import Tool as ListedTool

from dreamkeep_server.tools import dreams, judging, memory, recollection, review, sessions, status, versions

FILE = Path(__file__).with_name("listing.json")
TOOLS = {
    declared.name: declared
    for declared in (
        *recollection.TOOLS,
        *memory.TOOLS,
        *sessions.TOOLS,
        *dreams.TOOLS,
        *judging.TOOLS,
        *review.TOOLS,
        *versions.TOOLS,
        *status.TOOLS,
    )
}


def listed() -> list[ListedTool]:
    """Every tool with its description and schemas."""
    return [ListedTool.model_validate(tool) for tool in json.loads(FILE.read_text(encoding="utf-8"))]


def derived() -> list[dict[str, Any]]:
    """What the file has to hold."""
    return [declared.listed().model_dump(mode="json", by_alias=True, exclude_none=True) for declared in TOOLS.values()]


if __name__ == "__main__":
    FILE.write_text(json.dumps(derived(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
