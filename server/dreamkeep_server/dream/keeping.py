"""Candidates as the journal keeps them: entries and sessions by their ids, everything else as it is.

A kind of candidate that is new costs nothing here.
"""

import functools
import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final, cast, get_args

from pydantic import TypeAdapter

from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.ground import Ground
from dreamkeep_store.models import Entry, Transcript

_ENTRY: Final = "entry by id"
_SESSION: Final = "session by id"
_KINDS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in get_args(Candidate)}


def kept(candidate: Candidate) -> str:
    """Return a candidate as JSON, with the entries and the sessions that it is about by their ids."""
    return json.dumps([type(candidate).__name__, _fields(candidate)], default=_plain)


def restored(text: str, ground: Ground) -> Candidate:
    """Return the candidate that was kept, from the material that it was found in."""

    def looked_up(found: dict[str, Any]) -> object:
        if _ENTRY in found:
            return ground.entries[found[_ENTRY]]
        return ground.transcripts[found[_SESSION]] if _SESSION in found else found

    kind, values = json.loads(text, object_hook=looked_up)
    return cast("Candidate", _adapter(_KINDS[kind]).validate_python(values))


def _plain(value: object) -> object:
    match value:
        case Entry():
            return {_ENTRY: value.entry_id}
        case Transcript():
            return {_SESSION: value.session.session_id}
        case datetime():
            return value.isoformat()
        case _ if is_dataclass(value):
            return _fields(value)
        case _:
            raise TypeError(f"no part of a candidate is a {type(value).__name__}")


def _fields(value: object) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(cast("Any", value))}


@functools.cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
