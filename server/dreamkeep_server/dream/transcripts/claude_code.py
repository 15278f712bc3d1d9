"""Claude Code's session files, and session files of the same records in one JSON object."""

from collections.abc import Iterable

from dreamkeep_server.dream.transcripts.blocks import ToolNames, read_content
from dreamkeep_server.dream.transcripts.turns import Dropped, Turns, as_object, as_text, as_time
from dreamkeep_store.models import Role

_NOT_SAID = ("isSidechain", "isMeta", "isCompactSummary", "isApiErrorMessage")
"""Flags of records that look like turns: a subagent's, a reminder, a summary of earlier turns, an error."""


def is_record(value: object) -> bool:
    """Whether this is a record of a turn as Claude Code writes it."""
    record = as_object(value)
    return record.get("type") in ("user", "assistant") and "message" in record


def read_records(records: Iterable[object]) -> Turns:
    """What was said in a session; every other record is bulk and is dropped."""
    tools: ToolNames = {}
    seen: set[str] = set()
    for value in records:
        record = as_object(value)
        message = as_object(record.get("message"))
        role = _role(record)
        record_id = record.get("uuid")
        # A resumed session repeats the records that it goes on from.
        repeated = isinstance(record_id, str) and record_id in seen
        if role is None or not message or repeated or any(record.get(flag) is True for flag in _NOT_SAID):
            yield Dropped()
            continue
        content = message.get("content")
        if isinstance(record_id, str) and content:
            seen.add(record_id)
        yield from read_content(content, role=role, name=None, at=as_time(record.get("timestamp")), tools=tools)


def session_id(records: Iterable[object]) -> str | None:
    """Claude Code's own id of the session."""
    return next((found for record in records if (found := as_text(as_object(record).get("sessionId")))), None)


def _role(record: dict[str, object]) -> Role | None:
    match record.get("type"):
        case "user":
            return "user"
        case "assistant":
            return "assistant"
        case _:
            return None
