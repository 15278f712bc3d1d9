"""Cursors of paged answers: opaque to a caller, bound to the call that gave them, never kept."""

import hashlib

from dreamkeep_store.errors import InvalidError


def cursor_after(position: int, *call: object) -> str:
    """The cursor that goes on at `position` in the answer to `call` (its other arguments)."""
    return f"{position}-{_mark(call)}"


def belongs(cursor: str, *call: object) -> bool:
    """Whether this call gave the cursor."""
    return cursor.partition("-")[2] == _mark(call)


def position_of(cursor: str, *call: object) -> int:
    """Where the page after `cursor` begins; 0 for an empty one.

    Raises InvalidError for a cursor that another call gave, since its page would be of something else.
    """
    if not cursor:
        return 0
    position, _, mark = cursor.partition("-")
    if len(position) <= 9 and position.isascii() and position.isdigit() and mark == _mark(call):
        return int(position)
    raise InvalidError(
        "This cursor does not belong to this call. Repeat the call that gave it with the same arguments, "
        "or leave cursor out to start at the first page."
    )


def _mark(call: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(call).encode()).hexdigest()[:8]
