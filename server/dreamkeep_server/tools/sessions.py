"""The tool that keeps conversations: record_session."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import BaseModel, ConfigDict, Field

from dreamkeep_server.tools.arguments import moment, shown
from dreamkeep_server.tools.caller import ACTOR, Caller, agent_of, caller_of
from dreamkeep_server.tools.declaration import declare
from dreamkeep_server.tools.results import SessionAnswer
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import TRANSCRIPT_BYTES_MAX, Role

if TYPE_CHECKING:
    from dreamkeep_server.dream.transcripts import Parsed

MESSAGES_MAX = 20_000


class SessionMessage(BaseModel):
    """One message, as a client sends it."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    content: str
    name: str | None = None
    at: str | None = None


async def record_session(
    ctx: Context,
    *,
    messages: Annotated[list[SessionMessage], Field(max_length=MESSAGES_MAX)] | None = None,
    transcript_path: str = "",
    session_id: str = "",
    store: str = "",
) -> SessionAnswer:
    """Keep a conversation for the next dream to learn from: its messages, or the path of a transcript
    file. The same session_id again replaces it when it grew. Secrets are redacted."""
    caller = caller_of(ctx)
    where = caller.store(store)
    if (messages is None) == (not transcript_path):
        raise InvalidError("Give either messages (role and content each) or transcript_path, and not both.")
    # Its patterns take longer to compile than a server may take to start.
    from dreamkeep_server.dream.transcripts import read_transcript

    raw = _said(messages) if messages is not None else await anyio.to_thread.run_sync(_read, caller, transcript_path)
    parsed = await anyio.to_thread.run_sync(read_transcript, raw)
    session = await caller.stores.record_session(
        where,
        parsed.messages,
        session_id=session_id or parsed.external_id,
        trust="agent",
        redactions=parsed.redactions,
        recorded_by=agent_of(ctx),
        actor=ACTOR,
    )
    return SessionAnswer(
        session_id=session.session_id,
        store=session.store,
        messages=session.messages,
        redactions=session.redactions,
        note=_note(parsed) if messages is None else None,
    )


def _said(messages: list[SessionMessage]) -> list[dict[str, object]]:
    """The messages as a transcript's reader takes them."""
    size = sum(len(message.content.encode()) for message in messages)
    if size > TRANSCRIPT_BYTES_MAX:
        raise InvalidError(
            f"These messages hold {size:,} bytes; a transcript has at most {TRANSCRIPT_BYTES_MAX:,}. Leave out what "
            f"tools returned."
        )
    for number, message in enumerate(messages):
        moment(f"messages[{number}].at", message.at or "")
    return [message.model_dump(exclude_none=True) for message in messages]


def _note(parsed: "Parsed") -> str:
    left_out = f"; {parsed.dropped} parts that are not talk were left out" if parsed.dropped else ""
    return f"Read as {parsed.format}{left_out}."


def _read(caller: Caller, named: str) -> bytes:
    """The bytes of a transcript, from inside the owner's transcript folders only.

    Links are resolved first, and a file that became a link since is not followed. The size is asked of
    the open file, before anything is read.
    """
    folders = caller.settings.transcript_folders
    if not caller.serving.local:
        raise InvalidError("transcript_path works only where server and client share files; send messages instead.")
    path = Path(named).expanduser().resolve()
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        allowed = ", ".join(str(folder) for folder in folders)
        raise InvalidError(
            f"{shown(named)} is outside the transcript folders ({allowed}). Send messages instead; the owner can add "
            f"a folder with the setting transcript_folders, or run `dreamkeep record` on the file."
        )
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        raise NotFoundError(f"{shown(named)} cannot be read: {error.strerror}. Check transcript_path.") from None
    try:
        standing = os.fstat(descriptor)
        if not stat.S_ISREG(standing.st_mode):
            raise InvalidError(f"{shown(named)} is not a file; transcript_path names one conversation's file.")
        if standing.st_size > TRANSCRIPT_BYTES_MAX:
            raise InvalidError(
                f"{shown(named)} has {standing.st_size:,} bytes; a transcript is read up to {TRANSCRIPT_BYTES_MAX:,}. "
                f"Split it, or send the messages that matter."
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(TRANSCRIPT_BYTES_MAX)
    finally:
        os.close(descriptor)


TOOLS = (declare(record_session, title="Keep a conversation", repeats=True),)
