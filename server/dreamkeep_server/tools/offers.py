"""What a server offers beside its tools: resources and prompts."""

from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import Field

from dreamkeep_server.tools.caller import caller_of
from dreamkeep_server.tools.dreams import dream_answer
from dreamkeep_server.tools.memory import entry_now
from dreamkeep_server.tools.results import Answer, EntryNow, VersionRow
from dreamkeep_server.tools.versions import version_row
from dreamkeep_server.topics import largest
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.models import PAGE_MAX, DreamId, Search, StoreName

PROMPTS = Path(__file__).parent / "prompts"


class VersionContents(Answer):
    """A version, its topics, and the newest of its entries."""

    version: VersionRow
    topics: dict[str, int] | None = None
    """Those with most entries, in order of path; each with what is under it and below it."""
    entries: list[EntryNow]
    note: str | None = None


async def read_version(ctx: Context, store: str, n: str) -> str:
    """A version of a store: its row, its topics and its newest entries."""
    caller = caller_of(ctx)
    name = StoreName(store)
    if not n.isascii() or not n.isdigit() or len(n) > 9:
        raise NotFoundError("A version is a number, such as memory://user/versions/3; list_versions shows them.")
    version = await caller.stores.get_version(name, int(n))
    matches = await caller.stores.search(Search(query="", stores=(name,), version=int(n), limit=PAGE_MAX))
    contents = VersionContents(
        version=version_row(version),
        topics=largest(await caller.stores.count_topics(name, int(n)), PAGE_MAX)[0] or None,
        entries=[entry_now(match.entry) for match in matches],
        note="These are the newest; recall with version reads on." if len(matches) == PAGE_MAX else None,
    )
    return contents.model_dump_json(exclude_none=True)


async def read_dream(ctx: Context, id: str) -> str:  # noqa: A002 - the name stands in the resource's address
    """A dream as it stands."""
    caller = caller_of(ctx)
    answer = await dream_answer(caller, await caller.stores.get_dream(DreamId(id)))
    return answer.model_dump_json(exclude_none=True)


def dream_prompt(
    instructions: Annotated[str, Field(description="What the judge should mind; all words after the command")] = "",
) -> str:
    """Let the memory dream and hear what it proposes."""
    return _prose("dream").replace("{instructions}", instructions.strip() or "(none)")


def review_prompt(
    dream_id: Annotated[str, Field(description="The dream to review, such as d_4k7m2xq9; the latest if left out")] = "",
) -> str:
    """Go through a dream's changes, one by one."""
    return _prose("review_dream").replace("{dream_id}", dream_id.strip() or "the latest")


def add_offers(server: MCPServer[Any]) -> None:
    """Register the resources and prompts."""
    # `{+store}` lets a store's slashes stand as they are.
    server.resource(
        "memory://{+store}/versions/{n}",
        name="version",
        title="A version of a store",
        description="A version of a store, its topics and its newest entries, as JSON.",
        mime_type="application/json",
    )(read_version)
    server.resource(
        "dream://{id}",
        name="dream",
        title="A dream",
        description="A dream as it stands, as JSON.",
        mime_type="application/json",
    )(read_dream)
    server.prompt("dream", title="Dream", description="Let the memory dream and hear what it proposes.")(dream_prompt)
    server.prompt("review_dream", title="Review a dream", description="Go through a dream's changes one by one.")(
        review_prompt
    )


def _prose(name: str) -> str:
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8")
