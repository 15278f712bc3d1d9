"""What was run in the same way in several sessions: the same commands, letter for letter, one after the other.

Only what plainly is a way of working: two to four commands that all went well, in three sessions or more. Looking
around is no work, and the same commands in a few sessions of one day may be chance.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Recurring
from dreamkeep_server.dream.commands import Ran, is_looking
from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_store.models import Quote, SessionId, Transcript

SESSIONS_MIN: Final = 3
_STEPS: Final = range(4, 1, -1)
_CHARACTERS_MAX: Final = 80
"""A longer command is of its day."""


def find_workflows(sessions: Sequence[tuple[Transcript, Sequence[Ran]]]) -> Iterator[Recurring]:
    """Yield the commands that several sessions ran one after the other, the longest first, none inside another.

    Sessions are given with what they ran, the oldest first.
    """
    runs: defaultdict[tuple[str, ...], dict[SessionId, tuple[Ran, ...]]] = defaultdict(dict)
    for transcript, all_ran in sessions:
        ran = [one for one in all_ran if _is_step(one)]
        for steps in _STEPS:
            for at in range(len(ran) - steps + 1):
                part = tuple(ran[at : at + steps])
                commands = tuple(one.command for one in part)
                if len(set(commands)) == steps and all(one.worked for one in part):
                    runs[commands].setdefault(transcript.session.session_id, part)
    by_id = {transcript.session.session_id: transcript for transcript, _ in sessions}
    told: list[tuple[str, ...]] = []
    for commands in sorted(runs, key=lambda one: (-len(one), one)):
        found = runs[commands]
        if len(found) < SESSIONS_MIN or any(_is_within(commands, longer) for longer in told):
            continue
        told.append(commands)
        if _is_plain(commands):
            yield _workflow(commands, found, by_id)


def _is_step(ran: Ran) -> bool:
    return len(ran.command) <= _CHARACTERS_MAX and not is_looking(ran.command)


def _is_within(commands: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    return any(longer[at : at + len(commands)] == commands for at in range(len(longer) - len(commands) + 1))


def _is_plain(commands: tuple[str, ...]) -> bool:
    content = _content(commands)
    held = not words.unheld(words.specifics(content), *commands)
    return held and "`" not in "".join(commands) and looks_like_instruction(content) is None


def _content(commands: tuple[str, ...]) -> str:
    return f"Run in this order: {', then '.join(f'`{command}`' for command in commands)}."


def _workflow(
    commands: tuple[str, ...], found: dict[SessionId, tuple[Ran, ...]], transcripts: dict[SessionId, Transcript]
) -> Recurring:
    quotes = [
        Quote(session_id=session_id, message=one.call.number, text=one.written,
              role=one.call.role, at=one.call.at)
        for session_id, part in found.items()
        for one in part
    ]  # fmt: skip
    return Recurring(
        kind="workflow",
        content=_content(commands),
        quotes=tuple(quotes),
        transcripts=tuple(transcripts[session_id] for session_id in found),
        evidence=(f"in {len(found)} sessions, each time with success",),
    )
