"""How a function becomes a tool: its description, what it does to the memory, slim schemas, a compact answer."""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from mcp.types import Tool as ListedTool
from pydantic import ValidationError

from dreamkeep_server.tools.results import Answer


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A tool as it is declared; what the SDK needs of it is made when somebody asks."""

    function: Callable[..., Awaitable[Answer]]
    title: str
    reads: bool
    """Whether it changes nothing."""
    destroys: bool
    repeats: bool
    always_loaded: bool

    @property
    def name(self) -> str:
        """What clients call it."""
        return self.function.__name__

    @property
    def answer(self) -> type[Answer]:
        """The model of its answers."""
        return inspect.signature(self.function).return_annotation

    @functools.cached_property
    def tool(self) -> Tool:
        """The SDK's tool, with a slim schema of its arguments.

        Making one costs as much as a call, so a server makes each at its first call or listing. The SDK
        derives no output schema: it would check each answer twice, and write it a second time with
        indentation. `output_schema` derives it when asked.
        """
        function = self.function

        @functools.wraps(function)
        async def answering(**arguments: Any) -> CallToolResult:
            try:
                return compact(await function(**arguments))
            except ValidationError as fault:
                # The arguments were valid: this is a fault of ours, and must not read as the caller's.
                raise RuntimeError(f"{function.__name__} made an answer that its own model refuses") from fault

        tool = Tool.from_function(
            answering,
            title=self.title,
            description=" ".join(inspect.cleandoc(function.__doc__ or "").split()),
            annotations=ToolAnnotations(
                read_only_hint=self.reads,
                destructive_hint=self.destroys,
                idempotent_hint=self.repeats or self.reads,
                open_world_hint=False,
            ),
            meta={"anthropic/alwaysLoad": True} if self.always_loaded else None,
            structured_output=False,
        )
        tool.parameters = {**slim(tool.parameters), "additionalProperties": False}
        return tool

    def listed(self) -> ListedTool:
        """The tool as a client sees it, with the schema of its answers."""
        tool = self.tool
        return ListedTool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.parameters,
            output_schema=output_schema(self.answer),
            annotations=tool.annotations,
            _meta=tool.meta,
        )


def declare(
    function: Callable[..., Awaitable[Answer]],
    *,
    title: str,
    reads: bool = False,
    destroys: bool = False,
    repeats: bool = False,
    always_loaded: bool = False,
) -> Declared:
    """The tool that `function` is, named after it and described by its docstring.

    `reads`: it changes nothing. `destroys`: it may take something away (all of it can be undone).
    `repeats`: the same call twice does no more than once. `always_loaded`: clients that load tools on
    demand keep this one in view.
    """
    return Declared(
        function=function,
        title=title,
        reads=reads,
        destroys=destroys,
        repeats=repeats,
        always_loaded=always_loaded,
    )


@functools.cache
def output_schema(answer: type[Answer]) -> dict[str, Any]:
    """The slim JSON schema of a tool's answers."""
    return slim(answer.model_json_schema(mode="serialization"))


def compact(answer: Answer) -> CallToolResult:
    """The answer without what was left out (null), and the same as one line of text."""
    content = answer.model_dump(mode="json", exclude_none=True)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def slim(schema: dict[str, Any]) -> dict[str, Any]:
    """The same JSON schema without what a model does not need.

    Titles, null branches, empty defaults and our classes' docstrings go, and definitions move to where
    they are used: these schemas are in front of the model in every conversation. None of ours refers
    to itself.
    """
    return cast("dict[str, Any]", _slim(schema, schema.get("$defs", {})))


def _slim(part: object, definitions: dict[str, Any]) -> object:
    if isinstance(part, list):
        return [_slim(member, definitions) for member in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    node = _resolved(cast("dict[str, Any]", part), definitions)
    slimmed: dict[str, Any] = {}
    for name, value in node.items():
        empty_default = name == "default" and value in (None, "", [], False)
        docstring = name == "description" and "properties" in node
        if name in ("title", "$defs") or empty_default or docstring:
            continue
        if name == "properties":
            fields = cast("dict[str, object]", value)
            slimmed[name] = {field: _slim(member, definitions) for field, member in fields.items()}
        else:
            slimmed[name] = _slim(value, definitions)
    return slimmed


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The node with its definition in place, and without the branch that only says null."""
    if "anyOf" in node:
        branches = [branch for branch in node["anyOf"] if branch != {"type": "null"}]
        rest = {name: value for name, value in node.items() if name != "anyOf"}
        node = {**branches[0], **rest} if len(branches) == 1 else {**rest, "anyOf": branches}
    if "$ref" in node:
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return {**definitions[node["$ref"].rpartition("/")[2]], **rest}
    return node
