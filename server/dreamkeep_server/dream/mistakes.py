"""What went wrong in sessions, and what worked instead: commands that failed, and what an agent then ran.

Only what will be there the next time is learnt: a program that is missing, an option that does not exist, a service
that must be started first. That a test failed and was mended, or that a path was mistyped, is the day's work. The
words are the commands' own, so that whoever reviews them sees what was run; and since they come from tools, a person
decides on each.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Learnt, Recurring
from dreamkeep_server.dream.commands import Failure, Ran, is_looking, named_of, words_of_command
from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_server.dream.statements import states_something
from dreamkeep_store.models import Message, Quote, Transcript

_TRIED_AFTER_MAX: Final = 25
"""How many commands later something is still taken for another try."""
_LESSONS_A_SESSION_MAX: Final = 5
_LINE_SHOWN_MAX: Final = 120
_INSTALLED_BY: Final = frozenset({"missing program", "missing part", "no connection", "not set up", "not allowed"})
"""What another command can put right, so that the same one works afterwards."""
_PUTS_RIGHT: Final = frozenset(
    """
    install add sync up start restart init login ensurepip use enable create migrate chmod export source systemctl
    set-upstream-to config ci bootstrap setup
    """.split()  # noqa: SIM905 - a line of words reads better than as many quoted ones
)
_FAMILIES: Final = (
    frozenset({"npm", "pnpm", "yarn", "bun"}),
    frozenset({"pip", "pip3", "uv", "pipx", "poetry", "conda"}),
    frozenset({"python", "python3", "python2", "py"}),
    frozenset({"node", "nodejs", "deno", "tsx", "bun"}),
    frozenset({"docker", "podman"}),
    frozenset({"make", "gmake", "just", "task"}),
)
"""Programs that do the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """A failure that will be there the next time, and the way that worked, if one did."""

    failed: Ran
    failure: Failure
    worked: Ran | None
    between: Ran | None
    """What was run in between and put it right, where the same command works afterwards."""
    transcript: Transcript

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same mistake in another session; of a program that is missing, whatever it was to do."""
        named = named_of(self.failed.command)[:2]
        # A script that is there can miss another program: that one stands at the end of what was answered.
        if self.failure.cause == "missing program" and named and named[0] in self.failure.line.split(": ")[-2:]:
            named = named[:1]
        return (self.failure.cause, *(word.casefold() for word in named))


def find_mistakes(sessions: Sequence[tuple[Transcript, Sequence[Ran]]]) -> Iterator[Learnt | Recurring]:
    """Yield what single sessions learnt, given with what they ran, the oldest first, and what went wrong in several."""
    lessons: defaultdict[tuple[str, ...], list[_Lesson]] = defaultdict(list)
    for transcript, ran in sessions:
        for lesson in _lessons(transcript, ran):
            lessons[lesson.key].append(lesson)
    for key in sorted(lessons):
        yield from _told(lessons[key])


def _lessons(transcript: Transcript, ran: Sequence[Ran]) -> Iterator[_Lesson]:
    """Yield the lessons of one session, of the same mistake the last one that found a way."""
    found: dict[tuple[str, ...], _Lesson] = {}
    for at, one in enumerate(ran):
        failure = one.failure
        if failure is None or failure.cause == "other":
            continue
        if failure.cause == "refused" and not states_something(f"No, {failure.line}"):
            continue
        if failure.cause != "missing program" and is_looking(one.command):
            continue
        worked, between = _way(one, failure, ran[at + 1 : at + 1 + _TRIED_AFTER_MAX])
        lesson = _Lesson(failed=one, failure=failure, worked=worked, between=between, transcript=transcript)
        if _is_plain(lesson) and (worked is not None or lesson.key not in found):
            found[lesson.key] = lesson
    yield from list(found.values())[:_LESSONS_A_SESSION_MAX]


def _way(failed: Ran, failure: Failure, later: Sequence[Ran]) -> tuple[Ran | None, Ran | None]:
    """Return what worked for the same purpose, and what had to be run before it."""
    between: Ran | None = None
    for one in later:
        if one.command == failed.command:
            if one.worked and between is not None and failure.cause in _INSTALLED_BY:
                return one, between
        elif one.worked and is_same_purpose(failed.command, one.command):
            return one, None
        elif one.failure is None and not _PUTS_RIGHT.isdisjoint(words_of_command(one.command)[:4]):
            between = one
    return None, None


def is_same_purpose(failed: str, worked: str) -> bool:
    """Say whether one command can be another try at what the other was run for."""
    here, there = words_of_command(failed), words_of_command(worked)
    if here == there:
        return failed.split() != worked.split()
    if not here or not there:
        return False
    if here[0] != there[0]:
        related = any({here[0], there[0]} <= family for family in _FAMILIES)
        return related and len(here) > 1 and _arguments(here) == _arguments(there)
    ours, theirs = named_of(failed)[1:], named_of(worked)[1:]
    if ours == theirs:
        return True
    return len(ours) > 0 and ours[:1] == theirs[:1] and (len(ours) == 1 or not set(ours[1:]).isdisjoint(theirs[1:]))


def _arguments(command: Sequence[str]) -> tuple[str, ...]:
    """Return what a program is given; `npm test` and `pnpm run test` are given the same."""
    return tuple(word for word in command[1:] if word not in {"run", "pip"})


def _is_plain(lesson: _Lesson) -> bool:
    """Say whether its words can be told as they are: in one line, without an order to whoever reads them."""
    content, quotes = _content(lesson), _quotes(lesson)
    texts = [content, *(quote.text for quote in quotes)]
    return (
        not any("`" in part.command for part in _commands(lesson))
        and not words.unheld(words.specifics(content), *(quote.text for quote in quotes))
        and not any(looks_like_instruction(text) for text in texts)
    )


def _commands(lesson: _Lesson) -> tuple[Ran, ...]:
    return tuple(one for one in (lesson.failed, lesson.between, lesson.worked) if one is not None)


def _content(lesson: _Lesson) -> str:
    line = lesson.failure.line.removesuffix(".")
    if len(line) > _LINE_SHOWN_MAX:
        line = line[:_LINE_SHOWN_MAX].rsplit(maxsplit=1)[0] + " ..."
    if lesson.failure.cause == "refused":
        told = f"The user refused `{lesson.failed.command}`: {line}."
        return told if lesson.worked is None else f"{told[:-1]}; `{lesson.worked.command}` was run instead."
    told = f"`{lesson.failed.command}` failed ({line})"
    if lesson.worked is None:
        return f"{told}."
    if lesson.between is not None:
        return f"{told}; it worked after `{lesson.between.command}`."
    return f"{told}; `{lesson.worked.command}` worked."


def _quotes(lesson: _Lesson) -> tuple[Quote, ...]:
    parts = [(lesson.failed.call, lesson.failed.written), (lesson.failed.result, lesson.failure.line)]
    parts += [(one.call, one.written) for one in (lesson.between, lesson.worked) if one is not None]
    return tuple(_quote(lesson.transcript, message, text) for message, text in parts)


def _quote(transcript: Transcript, message: Message, text: str) -> Quote:
    session_id = transcript.session.session_id
    return Quote(session_id=session_id, message=message.number, text=text, role=message.role, at=message.at)


def _told(lessons: Sequence[_Lesson]) -> Iterator[Learnt | Recurring]:
    """Yield the same mistake of several sessions as one, told by the newest that found a way; else the way of one."""
    told = next((one for one in reversed(lessons) if one.worked is not None), lessons[-1])
    if len(lessons) > 1:
        others = [quote for one in lessons if one is not told for quote in _quotes(one)[:2]]
        yield Recurring(
            kind="mistake",
            content=_content(told),
            quotes=(*_quotes(told), *others),
            transcripts=tuple(one.transcript for one in lessons),
            evidence=(f"it went wrong in {len(lessons)} sessions",),
        )
    elif told.worked is not None or told.failure.cause == "refused":
        tried = f"{told.failure.cause}: another form of the command was tried in the same session"
        yield Learnt(
            content=_content(told),
            quotes=_quotes(told),
            transcript=told.transcript,
            evidence=(tried,) if told.worked else ("the user's own words, as the tool passed them on",),
        )
