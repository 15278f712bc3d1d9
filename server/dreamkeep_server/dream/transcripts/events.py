"""Managed Agents sessions: a list of events whose type says who they are from."""

from collections.abc import Iterable

from dreamkeep_server.dream.transcripts.blocks import ToolNames, read_call, read_content, read_result
from dreamkeep_server.dream.transcripts.turns import Dropped, Turns, as_object, as_text, as_time

_FAMILIES = ("user.", "agent.", "session.", "span.", "system.")


def is_event(value: object) -> bool:
    """Whether this is an event of a Managed Agents session."""
    kind = as_object(value).get("type")
    return isinstance(kind, str) and kind.startswith(_FAMILIES)


def read_events(events: Iterable[object]) -> Turns:
    """What was said in a session; status, thinking and accounting events are dropped."""
    tools: ToolNames = {}
    for value in events:
        event = as_object(value)
        at = as_time(event.get("processed_at") or event.get("created_at"))
        content = event.get("content")
        match event.get("type"):
            case "user.message":
                yield from read_content(content, role="user", name=None, at=at, tools=tools)
            case "agent.message":
                yield from read_content(content, role="assistant", name=None, at=at, tools=tools)
            case "system.message":
                yield from read_content(content, role="system", name=None, at=at, tools=tools)
            case "agent.tool_use" | "agent.mcp_tool_use" | "agent.custom_tool_use":
                yield from read_call(event.get("name"), event.get("input"), event.get("id"), at=at, tools=tools)
            case "agent.tool_result" | "agent.mcp_tool_result" | "user.tool_result" | "user.custom_tool_result":
                failed = event.get("is_error") is True
                yield from read_result(content, _call_id(event), at=at, tools=tools, failed=failed)
            case _:
                yield Dropped()


def session_id(events: Iterable[object]) -> str | None:
    """The session's id, where the events carry it."""
    return next((found for event in events if (found := as_text(as_object(event).get("session_id")))), None)


def _call_id(event: dict[str, object]) -> object:
    keys = ("tool_use_id", "mcp_tool_use_id", "custom_tool_use_id")
    return next((event[key] for key in keys if key in event), None)
