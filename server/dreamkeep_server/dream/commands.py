"""The commands that an agent ran in a session, and how each of them ended; what can be learnt is not decided here."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from dreamkeep_server.dream.transcripts.turns import FAILED
from dreamkeep_store.models import Message, Transcript

COMMAND_CHARACTERS_MAX: Final = 160
"""A longer command is a script, which no line can name."""
LINE_CHARACTERS_MAX: Final = 240

Cause = Literal[
    "missing program", "missing part", "wrong use", "not allowed", "no connection", "not set up", "refused", "other"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """That a command failed."""

    cause: Cause
    line: str
    """The line of the answer that says so, letter for letter; of a refusal, what the user said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that was run, and what came of it."""

    command: str
    written: str
    """The command as its message has it, letter for letter: in JSON some characters are escaped."""
    call: Message
    result: Message
    failure: Failure | None
    worked: bool
    """Whether nothing in the answer speaks of a fault; of some commands neither can be told."""


def find_commands(transcript: Transcript) -> tuple[Ran, ...]:
    """Return the commands of one line that a session ran, in order, where it is plain which answer is whose."""
    found: list[Ran] = []
    calls: list[Message] = []
    results: list[Message] = []
    for message in transcript.messages:
        if message.role == "tool":
            results.append(message)
            continue
        if results or message.role != "assistant":
            found += _paired(calls, results)
            calls, results = [], []
        if message.role == "assistant":
            calls.append(message)
    return (*found, *_paired(calls, results))


def _paired(calls: Sequence[Message], results: Sequence[Message]) -> Iterator[Ran]:
    """Yield what these calls ran: answers carry no number, and one of images alone was left out by the reader."""
    if not any(call.name for call in calls):
        if calls and len(results) == 1:
            yield from _ran(calls[-1], results[0])
        return
    for name in dict.fromkeys(call.name for call in calls if call.name):
        asked = [call for call in calls if call.name == name]
        answers = [result for result in results if result.name in {name, None}]
        if len(asked) == len(answers):
            for call, result in zip(asked, answers, strict=True):
                yield from _ran(call, result)


def _ran(call: Message, result: Message) -> Iterator[Ran]:
    command = _command_of(call)
    if command is None:
        return
    read, written = command
    failure = _failure_of(read, result.text)
    worked = failure is None and _FAULT.search(_ends(result.text)) is None
    yield Ran(command=read, written=written, call=call, result=result, failure=failure, worked=worked)


_ARGUMENT = re.compile(r'"(?:command|cmd)": ?"((?:[^"\\]|\\.){1,400})"')
_BLOCK = re.compile(r"(?:```(?:bash|sh|shell|console)?\n|<command>\n?)([^\n`<]{1,400})\n?(?:```|</command>)\s*\Z")
"""How SWE-agent acts: its message ends with the command."""


def _command_of(call: Message) -> tuple[str, str] | None:
    """Return the command of a call as it was run, and as it is written there."""
    found = (_ARGUMENT if call.name else _BLOCK).search(call.text)
    if found is None:
        return None
    written = found[1].strip()
    try:
        command = cast("str", json.loads(f'"{written}"')).strip() if call.name else written
    except ValueError:
        return None
    if not command or "\n" in command or len(command) > COMMAND_CHARACTERS_MAX:
        return None
    return command, written


_LOOKING: Final = frozenset(
    """
    cat head tail less more grep rg ack find fd ls ll tree file stat wc pwd cd echo printf which type whereis sed awk
    cut sort uniq diff jq man strings xxd hexdump curl wget sleep true clear history date test [ kill ps top df du env
    open goto scroll_up scroll_down search_file search_dir find_file create edit insert submit view str_replace undo
    dreamkeep str_replace_editor disassemble decompile connect_start connect_sendline exit_forfeit
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a hundred quoted ones
)
_LOOKING_AT: Final = frozenset(
    (program, word)
    for program, words in (
        ("git", "status diff log show blame grep reflog branch remote add stash"),
        ("docker", "ps logs images inspect"),
        ("kubectl", "get describe logs"),
        ("npm", "ls view outdated"),
    )
    for word in words.split()
)


def is_looking(command: str) -> bool:
    """Say whether a command looks at something, or is an editor's: its answer speaks of faults without being one."""
    return program_of(command) in _LOOKING or named_of(command)[:2] in _LOOKING_AT


_EXIT = re.compile(r"(?:Error: )?(?:Exit code|Command failed with exit code|exit status) ?:?(?: [1-9]|[1-9])")
_REFUSED = re.compile(r"The user doesn't want to (?:proceed with this tool use|take this action right now)")
_USER_SAID = re.compile(r"the user said:\s*(\S[^\n]*)")
_FRAME = re.compile(r"\((?:Open file|Current directory): .*\)|bash-\$|<?/?(?:tool_use_error|error|system)>?")
"""Lines with which an agent's shell ends each answer."""


def _signs(cause: Cause, *patterns: str) -> tuple[Cause, re.Pattern[str]]:
    return cause, re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)


_SIGNS: Final[tuple[tuple[Cause, re.Pattern[str]], ...]] = (
    _signs(
        "missing program",
        r"^(?:\S+: )?(?:line \d+: |\d+: )?(?:command not found: \S+|[\w.@+-]+: (?:command )?not found)$",
        r"is not recognized as an internal or external command",
        r"^(?:/usr/bin/)?env: .{1,60}: No such file",
    ),
    _signs(
        "missing part",
        r"^(?:\S+: )?(?:ModuleNotFoundError: |ImportError: )?No module named \S",
        r"cannot find module ['\"]",
        r"missing script:|\bERR_PNPM_NO_SCRIPT\b|^error: Script not found|Command \"\S+\" not found",
        r"no rule to make target|^(?:\S+: )?can't open file",
        r"unable to locate package|no matching distribution found",
    ),
    _signs(
        "wrong use",
        r"unrecognized (?:arguments?|options?|command)",
        r"unknown (?:options?|flag|argument|command|subcommand|shorthand)",
        r"(?:invalid|illegal|no such|bad) option|invalid choice|unexpected (?:argument|option)",
        r"no such (?:sub)?command|is not a (?:git|docker) command",
        r"requires an argument|missing required (?:arg|opt|flag)",
    ),
    _signs(
        "not allowed",
        r"permission denied|operation not permitted|\bEACCES\b|are you root\?|must be run as root|requires superuser",
        r"externally-managed-environment|\[remote rejected\]|protected branch",
    ),
    _signs(
        "no connection",
        r"connection refused|\bECONNREFUSED\b|cannot connect to the docker daemon|could not connect to server",
    ),
    _signs(
        "not set up",
        r"has no upstream branch|not a git repository|please tell me who you are|not logged in",
        r"\b[A-Z][A-Z0-9_]{3,} (?:is not set|must be set|is required)",
        r"environment variable \S+ (?:is )?(?:not set|required|missing)",
        r"unsupported engine|requires (?:python|node)\b|no configuration file provided",
    ),
)
"""What the answer of a command says when it failed for a reason that will be there the next time."""
_FAULT = re.compile(
    r"\b(?<!0 )(?<!no )(?:errors?|failed|failures?|fatal|denied|refused|cannot|unable|not found|timed out|traceback|"
    r"usage|wrong|invalid|no such)\b",
    re.IGNORECASE,
)


_HEAD_LINES: Final = 6
_TAIL_LINES: Final = 8
"""Where a command says why it failed: above or below all that it had to say."""


def _failure_of(command: str, answer: str) -> Failure | None:
    refused = _REFUSED.match(answer)
    if refused is not None:
        said = _USER_SAID.search(answer, refused.end())
        return Failure(cause="refused" if said else "other", line=said[1].strip() if said else refused[0])
    lines = [line.strip() for line in answer.splitlines() if line.strip() and not _FRAME.fullmatch(line.strip())]
    if not lines:
        return None
    told = lines[0] == FAILED or _EXIT.match(lines[0]) is not None
    if not told and is_looking(command):
        own = re.compile(rf"(?:\S+: )?(?:line \d+: )?{re.escape(program_of(command))}: ")
        lines = [line for line in lines[:1] if own.match(line)]
    near = [
        line for line in (*lines[:_HEAD_LINES], *lines[_HEAD_LINES:][-_TAIL_LINES:]) if len(line) <= LINE_CHARACTERS_MAX
    ]
    block = "\n".join(near)
    signs: list[tuple[int, Cause]] = [(found.start(), cause) for cause, sign in _SIGNS if (found := sign.search(block))]
    if signs:
        at, cause = min(signs)
        return Failure(cause=cause, line=block[block.rfind("\n", 0, at + 1) + 1 :].partition("\n")[0])
    return Failure(cause="other", line=lines[0]) if told or _is_traceback(near) else None


def _is_traceback(lines: Sequence[str]) -> bool:
    return any(line.startswith("Traceback (most recent call last)") for line in lines)


def _ends(answer: str) -> str:
    """Return where a command says how it went: its first and its last lines."""
    return answer if len(answer) <= 2_000 else f"{answer[:500]}\n{answer[-1_500:]}"


_BEFORE = re.compile(r"(?:cd [^\s&;|]+ ?(?:&&|;) ?|sudo (?:-\w+ )*|time |env |[A-Z][A-Z0-9_]*=\S* )+")
_RUNNER = re.compile(
    r"(?:uv run|uvx|poetry run|pipenv run|pdm run|hatch run|rye run|bundle exec|mise exec --|python3? -m|py -m"
    r"|pnpm exec|pnpm dlx|npm exec --|yarn exec|npx(?: --yes| -y)?|bunx"
    r"|docker compose exec(?: -T)? \S+|docker exec(?: -\w+)* \S+) "
)


def words_of_command(command: str) -> tuple[str, ...]:
    """Return the words of a command without what only says where, as whom and through what it is run."""
    core = _BEFORE.sub("", command, count=1) if _BEFORE.match(command) else command
    runner = _RUNNER.match(core)
    core = core[runner.end() :] if runner else core
    words = core.split()
    return ("docker", "compose", *words[1:]) if words[:1] == ["docker-compose"] else tuple(words)


def program_of(command: str) -> str:
    """Return the program that a command runs."""
    return next(iter(words_of_command(command)), "")


def named_of(command: str) -> tuple[str, ...]:
    """Return the program and what it is given, without options: `git push origin`."""
    return tuple(word for word in words_of_command(command) if not word.startswith("-"))
