"""Text for a terminal and for a script; pure, and importing nothing heavy."""

import json
import unicodedata
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dreamkeep_store.models import CONTENT_BYTES_MAX

BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
CUT = "…"


def shown(text: str) -> str:
    """The text with nothing in it that a terminal obeys: what an agent once read may hold escape codes."""
    return "".join(character if _is_harmless(character) else _picture(character) for character in text)


def _is_harmless(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in BIDI


def _picture(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"<U+{code:04X}>"


def one_line(text: str, characters_max: int = CONTENT_BYTES_MAX) -> str:
    """The text on one line, cut when it is longer than that."""
    line = " ".join(shown(text).split())
    return line if len(line) <= characters_max else line[: characters_max - 1].rstrip() + CUT


def plural(number: int, word: str, words: str | None = None) -> str:
    """`1 entry`, `2 entries`."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def day(at: datetime | None) -> str:
    """The day in the reader's own time zone."""
    return at.astimezone().strftime("%Y-%m-%d") if at else "-"


def minute(at: datetime | None) -> str:
    """The minute in the reader's own time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else "-"


def to_json(value: object) -> str:
    """The value as JSON for a script, with the field names that the store uses."""
    return json.dumps(plain(value), ensure_ascii=False, indent=2)


def plain(value: Any) -> Any:
    """The value as JSON has it: dataclasses as objects, times in UTC, bytes in hexadecimal."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any dict
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # any sequence
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    return value
