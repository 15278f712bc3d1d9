"""Content as the Messages API writes it, a string or a list of blocks; who wraps it is not decided here."""

import json
from datetime import datetime

from dreamkeep_server.dream.transcripts.harness import without_harness
from dreamkeep_server.dream.transcripts.turns import (
    CALL_CHARACTERS_MAX,
    FAILED,
    KEPT_CHARACTERS_MAX,
    NO_OUTPUT,
    Dropped,
    Said,
    Turns,
    as_list,
    as_object,
    as_text,
    clean,
)
from dreamkeep_store.models import Role

_SAYS_THAT_IT_FAILED = ("Exit code ", "Error", "<tool_use_error>", "The user doesn't want to ")
ToolNames = dict[str, str]
"""The name of the tool that each call went to, by the call's id; grows as calls are read."""


def read_content(content: object, *, role: Role, name: str | None, at: datetime | None, tools: ToolNames) -> Turns:
    """What the content of one message says, in order; blocks without words are dropped."""
    if isinstance(content, str):
        yield from read_text(content, role=role, name=name, at=at)
        return
    blocks = as_list(content)
    if not blocks:
        yield Dropped()
    for value in blocks:
        block = as_object(value)
        match block.get("type"):
            case "text" | "input_text" | "output_text":
                yield from read_text(block.get("text"), role=role, name=name, at=at)
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                yield from read_call(block.get("name"), block.get("input"), block.get("id"), at=at, tools=tools)
            case str(kind) if kind.endswith("tool_result"):
                failed = block.get("is_error") is True
                yield from read_result(
                    block.get("content"), block.get("tool_use_id"), at=at, tools=tools, failed=failed
                )
            case _:
                yield Dropped()


def read_text(text: object, *, role: Role, name: str | None, at: datetime | None) -> Turns:
    """One text as one turn; a user's without what the client wrote into it."""
    said = as_text(text)
    if said is None:
        yield Dropped()
        return
    if role == "user":
        said, cut = without_harness(said)
        if cut:
            yield Dropped(cut)
    if said:
        characters_max = KEPT_CHARACTERS_MAX if role in ("tool", "system") else None
        yield Said(role=role, text=said, name=name, at=at, characters_max=characters_max)


def read_call(name: object, arguments: object, call_id: object, *, at: datetime | None, tools: ToolNames) -> Turns:
    """A tool call as a turn of the assistant: the tool's name, and its input as JSON."""
    tool = as_text(name)
    if tool is None:
        yield Dropped()
        return
    if isinstance(call_id, str):
        tools[call_id] = tool
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    yield Said(role="assistant", text=text, name=tool, at=at, characters_max=CALL_CHARACTERS_MAX)


def read_result(
    content: object, call_id: object, *, at: datetime | None, tools: ToolNames, failed: bool = False
) -> Turns:
    """What a tool answered, as one turn named after the tool; one that failed says so in its first line.

    An answer without text is kept as such; one of images or the like alone is dropped.
    """
    texts, others = _texts_of(content)
    if others:
        yield Dropped(others)
        if not texts:
            return
    text = "\n".join(texts) or NO_OUTPUT
    if failed and not text.lstrip().startswith(_SAYS_THAT_IT_FAILED):
        text = f"{FAILED}\n{text}"
    name = tools.get(call_id) if isinstance(call_id, str) else None
    yield Said(role="tool", text=text, name=name, at=at, characters_max=KEPT_CHARACTERS_MAX)


def _texts_of(content: object) -> tuple[list[str], int]:
    """The texts of a tool's answer, and how many of its blocks are left out."""
    if isinstance(content, str) or content is None:
        return [content] if content and clean(content) else [], 0
    texts = [as_object(block).get("text") for block in as_list(content)]
    if not texts and content != []:
        return [], 1
    told = [text for text in texts if isinstance(text, str) and clean(text)]
    is_empty = not told and all(isinstance(text, str) for text in texts)
    return told, 0 if is_empty else len(texts) - len(told)
