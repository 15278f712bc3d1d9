"""What every format is read into, and the cleaning that every text gets; no format's own rules."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from dreamkeep_store.models import Role

KEPT_CHARACTERS_MAX = 4_000
"""Of a tool's result or a system prompt; what is in the middle of a longer one is left out."""
CALL_CHARACTERS_MAX = 1_000
"""Of a tool call's input, which is often a whole file."""

FAILED = "[failed]"
"""The first line of a tool's result that the client marked as an error, where its own words do not say so."""
NO_OUTPUT = "(no output)"
"""What stands for a tool's result without text: whoever pairs calls with answers needs one for each call."""

_EPOCH_MILLISECONDS_MIN = 100_000_000_000
"""A bigger number is in milliseconds: as seconds it would be after the year 5000."""

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that somebody said."""

    role: Role
    text: str
    name: str | None = None
    at: datetime | None = None
    characters_max: int | None = None
    """How much of a text that no person wrote is kept."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """That many blocks, lines or events were left out."""

    count: int = 1


Turns = Iterator[Said | Dropped]


def as_object(value: object) -> dict[str, object]:
    """The value where it is a JSON object, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The value where it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """The value where it is a string with something in it."""
    return value if isinstance(value, str) and value.strip() else None


def as_time(value: object) -> datetime | None:
    """An ISO 8601 string, a datetime or seconds (or milliseconds) since 1970, in UTC; None for the rest.

    A time without a zone is taken as UTC, since nothing says what else it would be.
    """
    try:
        match value:
            case datetime():
                time = value
            case str():
                time = datetime.fromisoformat(value.strip())
            case bool():
                return None
            case int() | float():
                time = datetime.fromtimestamp(value / 1_000 if value > _EPOCH_MILLISECONDS_MIN else value, UTC)
            case _:
                return None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def clean(text: str) -> str:
    """The text as it can be stored and shown: no terminal codes, NULs or lone surrogates."""
    text = text.replace("\r\n", "\n")
    if "\x1b" in text:
        text = _TERMINAL_CODES.sub("", text)
    return _UNWRITABLE.sub("\ufffd", text).strip()


def elide(text: str, characters_max: int) -> str:
    """The text with its middle left out where it is too long, saying how much is missing.

    Two thirds of what is kept come from the beginning; errors mostly stand at the end.
    """
    if len(text) <= characters_max:
        return text
    head_end = characters_max * 2 // 3
    tail_start = len(text) - (characters_max - head_end)
    head_end = _word_end_before(text, head_end)
    tail_start = _word_start_after(text, tail_start)
    return f"{text[:head_end]}\n[... {tail_start - head_end:,} characters left out ...]\n{text[tail_start:]}"


def _word_end_before(text: str, position: int) -> int:
    cut = max(text.rfind(" ", position - 80, position), text.rfind("\n", position - 80, position))
    return cut if cut > 0 else position


def _word_start_after(text: str, position: int) -> int:
    found = (text.find(space, position, position + 80) for space in (" ", "\n"))
    return min((cut + 1 for cut in found if cut >= 0), default=position)
