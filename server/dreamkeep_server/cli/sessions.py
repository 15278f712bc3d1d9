"""`record`: past conversations, from files."""

import sys
from pathlib import Path

import click

from dreamkeep_server.cli.opening import (
    ACTOR,
    Opened,
    chosen_store,
    json_option,
    store_option,
    with_stores,
)
from dreamkeep_server.cli.text import plural, shown, to_json
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TRANSCRIPT_BYTES_MAX, Session, StoreName


@click.command
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@store_option
@click.option("--session-id", help="What to call the session; one file only (the transcript's own id, if it has one).")
@json_option
@with_stores
async def record(
    opened: Opened, *, files: tuple[Path, ...], store: str | None, session_id: str | None, as_json: bool
) -> None:
    """Record past conversations, for dreams to read.

    FILE is a transcript, or - for standard input. Reads what Claude Code, the Messages API and the
    usual exports write. A session that is recorded again is replaced when it grew. What the user says
    in it is trusted as the user's own words, except in plain text, where any line may claim to be the user's.
    """
    if session_id and len(files) > 1:
        raise click.UsageError("--session-id names one session, and these are several files.")
    name = await chosen_store(opened, store)
    recorded: list[Session] = []
    refused = 0
    for file in files:
        try:
            session, dropped = await _record(opened, name, file, session_id)
        except InvalidError as error:
            refused += 1
            click.echo(f"{file}: {shown(as_commands(str(error)))}", err=True)
            continue
        recorded.append(session)
        if not as_json:
            left_out = f", {dropped} left out" if dropped else ""
            redactions = f", {plural(session.redactions, 'secret')} redacted" if session.redactions else ""
            click.echo(
                f"{session.session_id}  {plural(session.messages, 'message')}{left_out}{redactions}  {shown(str(file))}"
            )
    if as_json:
        click.echo(to_json(recorded))
    if refused:
        raise click.ClickException(f"{plural(refused, 'file')} of {len(files)} could not be read as a transcript.")


async def _record(opened: Opened, store: StoreName, file: Path, session_id: str | None) -> tuple[Session, int]:
    """The session that the file became, its text redacted by its reader, and how much was left out."""
    from dreamkeep_server.dream.transcripts import read_transcript

    parsed = read_transcript(_bytes(file))
    session = await opened.stores.record_session(
        store,
        parsed.messages,
        session_id=session_id or parsed.external_id,
        # A page that somebody quotes in a plain text may go on with a line that begins with "User:".
        trust="user" if parsed.says_who_spoke else "agent",
        redactions=parsed.redactions,
        actor=ACTOR,
    )
    return session, parsed.dropped


def _bytes(file: Path) -> bytes:
    """The file, if it is not too long; a byte more than the most is read, to see that."""
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(TRANSCRIPT_BYTES_MAX + 1)
        else:
            with file.open("rb") as stream:
                raw = stream.read(TRANSCRIPT_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidError(f"it cannot be read: {error.strerror}.") from error
    if len(raw) > TRANSCRIPT_BYTES_MAX:
        raise InvalidError(f"it is longer than {TRANSCRIPT_BYTES_MAX:,} bytes; split it.")
    return raw
