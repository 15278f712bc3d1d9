"""A session as a judge that is a model reads it: all of it where it is short, else less of what tells least."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from dreamkeep_server.dream.transcripts.turns import elide
from dreamkeep_store.models import Message, Role, Transcript

Line = dict[str, Any]
_CONTEXT_MESSAGES: Final = 2
"""How many of the messages that were read before stand ahead of what is new in a session that grew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Depth:
    """How many characters of a message are shown, by who said it: what people said tells most."""

    user: int
    assistant: int
    other: int

    def of(self, role: Role) -> int:
        match role:
            case "user":
                return self.user
            case "assistant":
                return self.assistant
            case "tool" | "system":
                return self.other


_DEPTHS: Final = (
    _Depth(user=24_000, assistant=24_000, other=4_000),
    _Depth(user=12_000, assistant=4_000, other=1_000),
    _Depth(user=6_000, assistant=1_500, other=400),
    _Depth(user=3_000, assistant=600, other=150),
    _Depth(user=1_200, assistant=300, other=0),
    _Depth(user=500, assistant=120, other=0),
)


def new_messages(transcript: Transcript) -> tuple[Message, ...]:
    """Return what no dream has read of a session, after a little of what it had read; all where all was read."""
    read = transcript.session.read_messages
    if not 0 < read < len(transcript.messages):
        return transcript.messages
    return transcript.messages[max(0, read - _CONTEXT_MESSAGES) :]


def excerpt(transcript: Transcript, *, most: int, size: Callable[[Line], int]) -> list[Line]:
    """Return what is new in a session as far as it fits, message by message, with its number and who said it.

    Long messages lose their middle first, those of tools before those of people; then the session loses its own. One
    of what `size` counts stands for at most four characters.
    """
    messages = new_messages(transcript)
    began = transcript.session.started_at.date()
    for depth in _DEPTHS:
        if sum(min(len(message.text), depth.of(message.role)) for message in messages) <= 4 * most:
            shown = _lines(messages, depth, began)
            if sum(map(size, shown)) <= most:
                return shown
    return _ends(_lines(messages, _DEPTHS[-1], began), most=most, size=size)


def _lines(messages: Sequence[Message], depth: _Depth, on: date) -> list[Line]:
    """Return what is shown of each message; its day stands where it is another one than before."""
    lines: list[Line] = []
    for message in messages:
        characters = depth.of(message.role)
        if not characters:
            continue
        line: Line = {"message": message.number, "role": message.role}
        if message.name:
            line["name"] = message.name
        if message.at is not None and message.at.date() != on:
            on = message.at.date()
            line["on"] = day(on)
        lines.append({**line, "text": elide(message.text, characters)})
    return lines


def _ends(lines: Sequence[Line], *, most: int, size: Callable[[Line], int]) -> list[Line]:
    """Return the first and the last lines, as many as fit, with a word about those between them."""
    gap: Line = {"left_out": len(lines)}
    taken = size(gap)
    first, last = 0, len(lines)
    while first < last:
        at = first if first <= len(lines) - last else last - 1
        taken += size(lines[at])
        if taken > most:
            break
        first, last = (first + 1, last) if at == first else (first, at)
    return [*lines[:first], *([{"left_out": last - first}] if first < last else []), *lines[last:]]


def day(on: date) -> str:
    """Return a day with its weekday: what "on Friday" means depends on both."""
    return f"{on:%A} {on.isoformat()}"
