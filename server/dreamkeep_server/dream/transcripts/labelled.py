"""Plain text and Markdown chats in which a label at the beginning of a line says who speaks."""

import re
from dataclasses import dataclass

from dreamkeep_server.dream.transcripts.blocks import read_text
from dreamkeep_server.dream.transcripts.chats import ROLES
from dreamkeep_server.dream.transcripts.turns import Dropped, Turns, as_time
from dreamkeep_store.models import Role

_MORE_SPEAKERS: dict[str, Role] = {
    "you": "user",
    "me": "user",
    "chatgpt": "assistant",
    "gpt": "assistant",
    "claude code": "assistant",
    "hermes": "assistant",
    "gemini": "assistant",
    "tool result": "tool",
    "tool output": "tool",
}
_SPEAKERS = ROLES | _MORE_SPEAKERS
_SPEAKER = "|".join(sorted(_SPEAKERS, key=len, reverse=True))
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?"
_SIGN = r"(?:[^\w\s*#>`\[({\\/.,:;!?'\"|=+-]{1,4}[ ]?)?"
"""A symbol before the name, as some clients put one there."""
_SAID = r"(?:[ ]said)?"

_LABEL = re.compile(
    rf"""
    [ ]{{0,3}}(?:[\[(](?P<before>{_TIME})[\])][ ]{{0,3}})?
    (?:
        \*\*{_SIGN}(?P<bold>{_SPEAKER}){_SAID}(?:[ ][\[(](?P<bold_at>{_TIME})[\])])?(?::\*\*|\*\*:?)(?=\s|$)
      | \#{{1,6}}[ ]{_SIGN}(?P<heading>{_SPEAKER}){_SAID}(?:[ ][\[(](?P<heading_at>{_TIME})[\])])?:?[ \t]*$
      | {_SIGN}(?P<plain>{_SPEAKER}){_SAID}(?:[ ][\[(](?P<plain_at>{_TIME})[\])])?:(?=\s|$)
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FENCE = re.compile(r" {0,3}(```|~~~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    role: Role
    at: str | None
    first_words: str


def is_labelled(text: str) -> bool:
    """Whether this is a chat: it opens with a speaker, or a user and somebody else speak in it."""
    lines = text.split("\n")
    opening = next((line for line in lines if line.strip()), "")
    if _read_label(opening):
        return True
    roles = {label.role for label in map(_read_label, lines) if label}
    return "user" in roles and "assistant" in roles


def read_labelled(text: str) -> Turns:
    """What each speaker said, up to the next label; labels inside code fences are code."""
    speaker: _Label | None = None
    words: list[str] = []
    fenced = False
    for line in text.split("\n"):
        label = None if fenced else _read_label(line)
        if label is None:
            words.append(line)
            fenced ^= _FENCE.match(line) is not None
            continue
        yield from _read_turn(speaker, words)
        speaker = label
        words = [label.first_words]
    yield from _read_turn(speaker, words)


def _read_turn(speaker: _Label | None, words: list[str]) -> Turns:
    text = "\n".join(words)
    if speaker is not None:
        yield from read_text(text, role=speaker.role, name=None, at=as_time(speaker.at))
    elif text.strip():
        # A title, or whatever else stands above the first speaker: nobody said it.
        yield Dropped()


def _read_label(line: str) -> _Label | None:
    found = _LABEL.match(line)
    if found is None:
        return None
    groups = found.groupdict()
    name = groups["bold"] or groups["heading"] or groups["plain"]
    at = groups["before"] or groups["bold_at"] or groups["heading_at"] or groups["plain_at"]
    return _Label(role=_SPEAKERS[name.lower()], at=at, first_words=line[found.end() :])
