"""One line of an import or an export: an entry as JSON, with the arguments of `remember`; pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from dreamkeep_server.cli.text import one_line
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TIERS, TRUSTS, Entry, EntryId, NewEntry, SessionId, Trust

FIELDS = ("content", "tier", "tags", "topic", "store", "asserted_at", "replaces", "session_id", "trust")
W = TypeVar("W", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One good line."""

    number: int
    store: str | None
    entry: NewEntry


def read_line(number: int, raw: bytes, trust_max: Trust) -> tuple[Line, int]:
    """The entry that a line describes, checked as far as can be without the database, and its redactions."""
    from dreamkeep_server.dream.redaction import redact
    from dreamkeep_server.dream.survivors import least_trust
    from dreamkeep_store import limits

    fields = _object(raw)
    redacted = redact(limits.check_content(_text(fields, "content") or ""))
    trust: Trust | None = _one_of(fields, "trust", TRUSTS)
    entry = NewEntry(
        content=redacted.text,
        tier=_one_of(fields, "tier", TIERS),
        tags=None if fields.get("tags") is None else limits.check_tags(_texts(fields, "tags")),
        topic=limits.check_topic(_text(fields, "topic")),
        trust=least_trust([trust_max, *([trust] if trust else [])]),
        asserted_at=_time(fields),
        session_id=SessionId(session) if (session := _text(fields, "session_id")) else None,
        replaces=tuple(EntryId(entry) for entry in _texts(fields, "replaces")),
    )
    return Line(number=number, store=_text(fields, "store"), entry=entry), redacted.count


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"it is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise InvalidError('it is not an object; a line looks like {"content": "..."}.')
    fields = cast("dict[str, Any]", value)
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise InvalidError(f"{one_line(unknown[0], 40)!r} is no field; there are {', '.join(FIELDS)}.")
    return fields


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidError(f"{name} is not a text.")
    return value


def _texts(fields: dict[str, Any], name: str) -> list[str]:
    value: Any = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in cast("list[object]", value)):
        raise InvalidError(f"{name} is not a list of texts.")
    return cast("list[str]", value)


def _one_of(fields: dict[str, Any], name: str, words: tuple[W, ...]) -> W | None:
    value = _text(fields, name)
    found = next((word for word in words if word == value), None)
    if value is not None and found is None:
        raise InvalidError(f"{name} is {one_line(value, 40)!r}; it is one of {', '.join(words)}.")
    return found


def _time(fields: dict[str, Any]) -> datetime | None:
    """A time without a zone is in UTC: the file may have been written anywhere."""
    from dreamkeep_store import limits
    from dreamkeep_store.database import to_micros

    text = _text(fields, "asserted_at")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(f"asserted_at is {one_line(text, 40)!r}; write it as 2026-03-01T09:30:00Z.") from None
    limits.check_asserted(at, to_micros(datetime.now(UTC)))
    return at


def write_line(entry: Entry) -> bytes:
    """What `import` needs to make the same entry; ids are given anew by whoever imports it."""
    fields: dict[str, object] = {"content": entry.content, "tier": entry.tier, "trust": entry.trust}
    if entry.tags:
        fields["tags"] = list(entry.tags)
    if entry.topic:
        fields["topic"] = entry.topic
    fields["asserted_at"] = entry.asserted_at.isoformat().replace("+00:00", "Z")
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
