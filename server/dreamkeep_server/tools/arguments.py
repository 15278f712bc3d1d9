"""What tools take: the types of their arguments, and a sentence for every argument that is wrong."""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BeforeValidator, Field
from pydantic_core import ErrorDetails

from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import PAGE_MAX, Tier

CHANGE_ID = re.compile(r"c([1-9][0-9]{0,8})")
VALUE_SHOWN_CHARACTERS = 40
SENTENCES_MAX = 3
T = TypeVar("T")


def _one_or_several(value: object) -> object:
    """A list, where a client sent its only member bare: there is no second way to read that."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_one_or_several), Field(max_length=PAGE_MAX)]
Tiers = Annotated[list[Tier], BeforeValidator(_one_or_several), Field(max_length=PAGE_MAX)]
Limit = Annotated[int, Field(strict=True, ge=1, le=PAGE_MAX)]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
Dollars = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
VersionNumber = Annotated[int, Field(strict=True, ge=1)]
VersionOrHead = VersionNumber | Literal["head"]


def without_nulls(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something; clients send null for what they leave out."""
    return {name: value for name, value in arguments.items() if value is not None}


def undeclared(tool: str, declared: Sequence[str], given: Sequence[str]) -> str | None:
    """A sentence about arguments that nobody declared, or None when there are none.

    The SDK drops them silently, and `teir="persistent"` would store a standard entry.
    """
    strange = [name for name in given if name not in declared]
    if not strange:
        return None
    named = ", ".join(shown(name) for name in strange[:SENTENCES_MAX])
    near = difflib.get_close_matches(strange[0], declared, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"{tool} takes no argument {named}.{guess} It takes {', '.join(declared)}."


def unstorable(arguments: Mapping[str, Any]) -> str | None:
    """A sentence about text that no database should hold, or None when all of it is sound."""
    for name, value in arguments.items():
        for text in _texts(value):
            if "\0" in text:
                return f"{name} contains a NUL character; take it out and call again."
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                return f"{name} contains half of a surrogate pair, which is not text; send valid UTF-8."
    return None


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for member in cast("list[object]", value) for text in _texts(member)]
        case dict():
            pairs = cast("dict[str, object]", value)
            return [text for name, member in pairs.items() for text in (name, *_texts(member))]
        case _:
            return []


def mistakes(tool: str, schema: Mapping[str, Any], errors: Sequence[ErrorDetails], given: object) -> str:
    """Sentences that say what each wrong argument takes and what kind of thing was given.

    `schema` is the tool's input schema. Whole values are not repeated: they may be long or secret.
    """
    sentences: dict[str, str] = {}
    for error in errors:
        path, part = _walk(schema, error["loc"])
        if error["type"] == "missing":
            sentences.setdefault(path, f"{tool} needs {path}: {describe(part)}.")
        elif error["type"] == "extra_forbidden":
            sentences.setdefault(path, f"{path} is not a field that {tool} knows.")
        else:
            value = _kind(_at(given, error["loc"][: 1 + path.count("[") + path.count(".")]))
            sentences.setdefault(path, f"{path} takes {describe(part)}, not {value}.")
    told = list(sentences.values())
    more = len(told) - SENTENCES_MAX
    return " ".join(told[:SENTENCES_MAX]) + (f" {more} more arguments are wrong." if more > 0 else "")


def _walk(schema: Mapping[str, Any], loc: Sequence[int | str]) -> tuple[str, Mapping[str, Any]]:
    """The path of a wrong value and the schema of what belongs there; a union's inner steps are left out."""
    path, part = "", schema
    for step in loc:
        if isinstance(step, int) and "items" in part:
            path, part = f"{path}[{step}]", part["items"]
        elif isinstance(step, str) and step in part.get("properties", {}):
            path, part = (f"{path}.{step}" if path else step), part["properties"][step]
        elif isinstance(step, str) and "properties" in part:
            return (f"{path}.{step}" if path else step), {}
        else:
            break
    return path, part


def _at(value: object, loc: Sequence[int | str]) -> object:
    for step in loc:
        match value:
            case dict():
                value = cast("dict[object, object]", value).get(step)
            case list() if isinstance(step, int):
                value = cast("list[object]", value)[step]
            case _:
                break
    return value


def describe(schema: Mapping[str, Any]) -> str:
    """What a value of this JSON schema is, in words."""
    match schema:
        case {"anyOf": [*parts]}:
            return " or ".join(describe(part) for part in parts)
        case {"enum": [*members]}:
            return "one of " + ", ".join(str(member) for member in members)
        case {"const": only}:
            return f'"{only}"'
        case {"type": "integer"} | {"type": "number"}:
            return ("a whole number" if schema["type"] == "integer" else "a number") + _bounds(schema)
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "array"}:
            return _size(f"a list, each {describe(schema.get('items', {}))}", schema, "Items", "of them")
        case {"type": "object"}:
            fields = ", ".join(schema.get("properties", {}))
            return f"an object with {fields}" if fields else "an object"
        case {"type": "string"}:
            return _size("a text", schema, "Length", "characters")
        case _:
            return "something else"


def _bounds(schema: Mapping[str, Any]) -> str:
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    if "maximum" in schema:
        return f" from {schema.get('minimum', 0)} to {schema['maximum']}"
    return f" of at least {schema['minimum']}" if "minimum" in schema else ""


def _size(what: str, schema: Mapping[str, Any], suffix: str, unit: str) -> str:
    if (most := schema.get(f"max{suffix}")) is not None:
        return f"{what} (at most {most:,} {unit})"
    return f"{what} that is not empty" if schema.get(f"min{suffix}") else what


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value:.12g}"
        case str() if not value:
            return "an empty text"
        case str() if len(value) <= VALUE_SHOWN_CHARACTERS:
            return shown(value)
        case str():
            return f"a text of {len(value):,} characters"
        case list():
            return f"a list of {len(cast('list[object]', value)):,}"
        case None:
            return "null"
        case _:
            return "an object"


def shown(text: str) -> str:
    """A caller's own text in quotes, short and on one line."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= VALUE_SHOWN_CHARACTERS else flat[: VALUE_SHOWN_CHARACTERS - 1] + "…"
    return '"' + cut.replace('"', "'") + '"'


def moment(argument: str, text: str) -> datetime | None:
    """The aware UTC time that an ISO 8601 text names, or None for an empty one; naive means UTC.

    Raises InvalidError for anything else.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2026-03-01 or 2026-03-01T09:30:00Z"
        raise InvalidError(f"{argument} takes an ISO 8601 time such as {example}, not {shown(text)}.") from None


def number_of_change(text: str) -> int:
    """The number in a change id such as `c3`. Raises InvalidError."""
    if found := CHANGE_ID.fullmatch(text):
        return int(found[1])
    raise InvalidError(f"{shown(text)} is no change id; they look like c1, and review_dream lists them.")


def chosen(names: Sequence[T] | None) -> tuple[T, ...]:
    """An optional list as a tuple without repeats, in its order."""
    return tuple(dict.fromkeys(names or ()))
