"""Lists of messages with a role each: the Messages API's, chat exports', and whoever else writes them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from dreamkeep_server.dream.transcripts.blocks import ToolNames, read_call, read_content, read_result
from dreamkeep_server.dream.transcripts.turns import (
    Dropped,
    Turns,
    as_list,
    as_object,
    as_text,
    as_time,
)
from dreamkeep_store.models import Role

ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "agent": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "claude": "assistant",
    "tool": "tool",
    "function": "tool",
    "system": "system",
    "developer": "system",
}
"""What the speakers of a chat are called, and who that is."""

_LABELS = {"user": ("User: ", "Human: "), "assistant": ("Assistant: ", "AI: ")}


def role_of(message: dict[str, object]) -> Role | None:
    """Who said this message; None where it does not say so in words that are known."""
    role = message.get("role", message.get("sender"))
    return ROLES.get(role.strip().lower()) if isinstance(role, str) else None


def is_message(value: object) -> bool:
    """Whether this is a message with a role and something said."""
    message = as_object(value)
    return role_of(message) is not None and any(key in message for key in ("content", "text", "tool_calls"))


def is_snapshot(value: object) -> bool:
    """Whether this is a whole conversation as a list of exchanges, each a list of messages."""
    exchanges = as_list(value)
    return bool(exchanges) and all(as_list(exchange) for exchange in exchanges) and is_message(as_list(exchanges[0])[0])


def read_messages(messages: Iterable[object]) -> Turns:
    """What was said in a list of messages."""
    tools: ToolNames = {}
    for value in messages:
        message = as_object(value)
        role = role_of(message)
        if role is None:
            yield Dropped()
            continue
        yield from _read_message(message, role=role, tools=tools)


def read_snapshots(snapshots: Sequence[object]) -> Turns:
    """What was said in a log that wrote the whole conversation down again after each exchange.

    A message that stands at the same place with the same words and time is the same message.
    """
    seen: set[tuple[int, Role, str, datetime | None]] = set()
    for snapshot in snapshots:
        exchanges = as_list(snapshot)
        if not is_snapshot(snapshot):
            yield Dropped()
            continue
        for place, exchange in enumerate(exchanges):
            for turn in read_messages(map(_without_label, as_list(exchange))):
                if isinstance(turn, Dropped):
                    yield turn
                    continue
                key = (place, turn.role, turn.text, turn.at)
                if key not in seen:
                    seen.add(key)
                    yield turn


def _read_message(message: dict[str, object], *, role: Role, tools: ToolNames) -> Turns:
    at = next((at for key in ("at", "timestamp", "created_at", "time") if (at := as_time(message.get(key)))), None)
    content = message.get("content") or message.get("text")
    calls = as_list(message.get("tool_calls"))
    if role == "tool":
        name = as_text(message.get("name"))
        call_id = message.get("tool_call_id")
        if name and isinstance(call_id, str):
            tools[call_id] = name
        yield from read_result(content, call_id, at=at, tools=tools)
        return
    if content or not calls:
        yield from read_content(content, role=role, name=as_text(message.get("name")), at=at, tools=tools)
    for value in calls:
        call = as_object(value)
        function = as_object(call.get("function"))
        yield from read_call(function.get("name"), function.get("arguments"), call.get("id"), at=at, tools=tools)


def _without_label(value: object) -> object:
    """The message without the speaker that such logs write before its text as well."""
    message = as_object(value)
    content = message.get("content")
    if not isinstance(content, str):
        return value
    label = next((one for one in _LABELS.get(role_of(message) or "", ()) if content.startswith(one)), "")
    return message | {"content": content.removeprefix(label)}
