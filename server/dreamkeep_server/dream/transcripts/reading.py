"""Recognising which format a transcript is in, and reading it; the formats' own rules stand beside this."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from dreamkeep_server.dream.redaction import redact
from dreamkeep_server.dream.transcripts import chats, claude_code, events, labelled, trajectories
from dreamkeep_server.dream.transcripts.turns import (
    Dropped,
    Said,
    Turns,
    as_list,
    as_object,
    as_text,
    clean,
    elide,
)
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TRANSCRIPT_BYTES_MAX, Message

FORMATS = (
    "Claude Code session files (JSONL), Messages API lists, lists of {role, content, name, at}, "
    "Managed Agents events, claude.ai exports of one conversation, SWE-agent .traj files, "
    "and plain text or Markdown in which each speaker has a label such as `User:`"
)
"""What `read_transcript` reads, for refusals and for people."""

LABELLED = "labelled text"
"""The one format in which whatever a speaker quotes can begin a line as another speaker's turn does."""

EXTERNAL_ID_CHARACTERS_MAX = 200
"""Of a client's session id; a UUID has 36."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A transcript as it was read: redacted, cleaned, and without bulk."""

    messages: tuple[Message, ...]
    format: str
    started_at: datetime | None
    """When the first message with a time was said."""
    external_id: str | None
    """What the client calls the session."""
    dropped: int
    """Blocks, lines and events that were left out: thinking, images, reminders, what could not be read."""
    redactions: int
    """Secrets that were taken out; before anything was elided, so that none is cut in two and missed."""

    @property
    def says_who_spoke(self) -> bool:
        """Whether its form says who said what, and not a label that any text can hold."""
        return self.format != LABELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recognised:
    format: str
    turns: Turns
    external_id: str | None = None


def read_transcript(raw: bytes | list[dict[str, object]]) -> Parsed:
    """The messages of a transcript, in whichever known format it is written.

    Raises InvalidError when it is too large, in no known format, damaged beyond reading, or says nothing.
    """
    try:
        recognised = _recognise_list(raw) if isinstance(raw, list) else _recognise_bytes(raw)
        return _collect(recognised)
    except RecursionError:
        raise InvalidError(
            f"The transcript is nested too deeply to be a conversation. These are read: {FORMATS}."
        ) from None


def _collect(recognised: _Recognised) -> Parsed:
    messages: list[Message] = []
    dropped = 0
    redactions = 0
    for turn in recognised.turns:
        if isinstance(turn, Dropped):
            dropped += turn.count
            continue
        redacted = redact(clean(turn.text))
        if not redacted.text:
            dropped += 1
            continue
        redactions += redacted.count
        messages.append(_message(len(messages) + 1, turn, redacted.text))
    if not messages:
        raise InvalidError(
            f"The transcript was read as {recognised.format}, but nothing is said in it "
            f"({dropped} blocks or lines were left out as bulk or unreadable). These are read: {FORMATS}."
        )
    return Parsed(
        messages=tuple(messages),
        format=recognised.format,
        started_at=next((message.at for message in messages if message.at), None),
        external_id=clean(recognised.external_id or "")[:EXTERNAL_ID_CHARACTERS_MAX] or None,
        dropped=dropped,
        redactions=redactions,
    )


def _message(number: int, turn: Said, text: str) -> Message:
    if turn.characters_max is not None:
        text = elide(text, turn.characters_max)
    name = redact(clean(turn.name)).text if turn.name else None
    return Message(number=number, role=turn.role, text=text, name=name or None, at=turn.at)


def _recognise_list(raw: list[dict[str, object]]) -> _Recognised:
    if not raw:
        raise InvalidError("The list of messages is empty. Pass at least one {role, content}.")
    try:
        size = len(json.dumps(raw, ensure_ascii=False, default=str).encode(errors="surrogatepass"))
    except (TypeError, ValueError) as error:
        raise InvalidError(f"The list of messages is not JSON: {error}. These are read: {FORMATS}.") from None
    _check_size(size)
    return _recognise([list[object](raw)])


def _recognise_bytes(raw: bytes) -> _Recognised:
    _check_size(len(raw))
    text_bytes = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.startswith(_UTF16_MARKS):
        text_bytes = _decode(raw, "utf-16").encode(errors="replace")
    if not text_bytes.strip():
        raise InvalidError(f"The transcript is empty. These are read: {FORMATS}.")
    if text_bytes.lstrip()[:1] in (b"{", b"["):
        values, broken = _read_json(text_bytes)
        if values:
            recognised = _recognise(values)
            turns = chain(recognised.turns, [Dropped(broken)] if broken else [])
            return _Recognised(format=recognised.format, turns=turns, external_id=recognised.external_id)
    text = _decode(text_bytes, "utf-8").replace("\r\n", "\n")
    if labelled.is_labelled(text):
        return _Recognised(format=LABELLED, turns=labelled.read_labelled(text))
    raise _unknown("no line of it begins with a speaker's label, and it is not JSON")


def _recognise(values: Sequence[object]) -> _Recognised:
    """Decide by the shape of the values: one that is the whole file, or one for each line."""
    if len(values) == 1:
        whole = as_object(values[0])
        session = _session_id(whole)
        inner = next((found for key in ("loglines", "events", "data") if (found := as_list(whole.get(key)))), None)
        if trajectories.is_trajectory(whole):
            return _Recognised(format="SWE-agent trajectory", turns=trajectories.read_trajectory(whole))
        if "messages" in whole:
            system: list[object] = [{"role": "system", "content": whole["system"]}] if whole.get("system") else []
            turns = chats.read_messages([*system, *as_list(whole["messages"])])
            return _Recognised(format="list of messages", turns=turns, external_id=session)
        if "chat_messages" in whole:
            return _recognise_export(whole)
        if inner is not None:
            recognised = _recognise([inner])
            return _Recognised(
                format=recognised.format,
                turns=recognised.turns,
                external_id=recognised.external_id or session,
            )
        if (listed := as_list(values[0])) and not chats.is_snapshot(listed):
            return _recognise_records(listed)
    return _recognise_records(values)


def _recognise_records(records: Sequence[object]) -> _Recognised:
    if any(map(claude_code.is_record, records)):
        return _Recognised(
            format="Claude Code session",
            turns=claude_code.read_records(records),
            external_id=claude_code.session_id(records),
        )
    if any(map(events.is_event, records)):
        return _Recognised(
            format="Managed Agents events",
            turns=events.read_events(records),
            external_id=events.session_id(records),
        )
    if any(map(chats.is_message, records)):
        return _Recognised(format="list of messages", turns=chats.read_messages(records))
    if any(map(chats.is_snapshot, records)):
        return _Recognised(format="conversation log", turns=chats.read_snapshots(records))
    exports = [record for record in map(as_object, records) if "chat_messages" in record]
    if len(exports) == 1:
        return _recognise_export(exports[0])
    if exports:
        raise InvalidError(
            f"The file is an export of {len(exports)} conversations. Record them one at a time: each object "
            "with `chat_messages` is one session."
        )
    raise _unknown("it is JSON, but nothing in it is a message with a role")


def _recognise_export(conversation: dict[str, object]) -> _Recognised:
    return _Recognised(
        format="claude.ai export",
        turns=chats.read_messages(as_list(conversation["chat_messages"])),
        external_id=as_text(conversation.get("uuid")),
    )


def _session_id(whole: dict[str, object]) -> str | None:
    keys = ("session_id", "sessionId", "conversation_id", "id")
    return next((found for key in keys if (found := as_text(whole.get(key)))), None)


def _read_json(text: bytes) -> tuple[list[object], int]:
    """The one value of a JSON file, or the values of the lines of a JSONL file and how many are broken."""
    try:
        return [json.loads(text)], 0
    except ValueError:  # not JSON, not UTF-8, or a number with more digits than Python reads
        pass
    values: list[object] = []
    broken = 0
    for line in text.split(b"\n"):
        if line.strip():
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError):
                broken += 1
    return [value for value in values if isinstance(value, dict | list)], broken + sum(
        not isinstance(value, dict | list) for value in values
    )


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidError(
            f"The transcript is not text: byte {error.start} is not {encoding.upper()}. These are read: {FORMATS}."
        ) from None


def _check_size(size: int) -> None:
    if size > TRANSCRIPT_BYTES_MAX:
        raise InvalidError(
            f"The transcript has {size:,} bytes; at most {TRANSCRIPT_BYTES_MAX:,} are read. "
            "Record a part of it, or leave out tool results."
        )


def _unknown(why: str) -> InvalidError:
    return InvalidError(f"The transcript is in no known format: {why}. These are read: {FORMATS}.")
