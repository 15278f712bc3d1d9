"""The demo: an agent's memory after six weeks, its dream, the switch, and the way back.

It is the product, not a film of it: a real server over stdio with a real MCP client, a real worker, and
the command line's own drawing, in a folder that is gone afterwards.
"""

import json
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamkeep_server.cli.text import one_line, plural
from dreamkeep_store.models import Change, Dream, DreamId, StoreName

if TYPE_CHECKING:
    from mcp.client import Client
    from rich.console import Console

    from dreamkeep_server.meaning.meaning import Meaning
    from dreamkeep_store.store import Stores

STORE = StoreName("tidewater")
QUESTIONS = ("Which port does the Tidewater API listen on?", "When do deploys of Tidewater go out?")
QUESTION_FOR_SESSIONS = "How does Mara prefer dates written?"
ACCEPTED = ("on Fridays", "dates written like")
"""Of the suggestions, the ones that the person accepts."""
WRITTEN_MEANWHILE = "Tidewater 2.4 is out since this morning."
RECALLED = 3
DIGEST_CHARACTERS = 32


@click.command
@click.option("--keep", is_flag=True, help="Keep the folder, to look around in.")
def demo(*, keep: bool) -> None:
    """Show in half a minute what this is for.

    A sample memory dreams, in a folder of its own; nothing of yours is touched."""
    import anyio

    with _folder(keep=keep) as home:
        anyio.run(_play, home)


@contextmanager
def _folder(*, keep: bool) -> Generator[Path]:
    if keep:
        home = Path(tempfile.mkdtemp(prefix="dreamkeep-demo-"))
        yield home
        click.echo(f"Kept in {home}: DREAMKEEP_HOME={home} dreamkeep status")
        return
    # The worker may still be closing its files.
    with tempfile.TemporaryDirectory(prefix="dreamkeep-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


async def _play(home: Path) -> None:
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters

    from dreamkeep_server.cli.drawing import to_stdout
    from dreamkeep_server.embedding.embedder import EmbedderError
    from dreamkeep_server.meaning.meaning import Meaning
    from dreamkeep_store.store import open_stores

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "dreamkeep_server", "serve"],
        env={"DREAMKEEP_HOME": str(home), "DREAMKEEP_STORE": STORE},
        cwd=home,
    )
    console = to_stdout()
    waiting = console.status("An agent works with Mara for six weeks...")
    waiting.start()
    async with Client(server) as client, open_stores(home / "dreamkeep.db") as stores:
        agent = Agent(client=client)
        await agent.work_for_six_weeks()
        meaning = Meaning("minilm")
        with suppress(EmbedderError):  # recall says by itself that it goes by words
            while await meaning.embed_waiting(stores):
                pass
        waiting.stop()
        await _tell(console, agent, stores, meaning)


async def _tell(console: "Console", agent: "Agent", stores: "Stores", meaning: "Meaning") -> None:
    """The story, in the order in which it happens."""
    from dreamkeep_server.cli.watching import watch_drawn

    standing = await stores.standing(STORE)
    _scene(console, "1  Six weeks on", "what an agent remembered while it worked on Mara's app")
    console.print(
        f"{sum(standing.by_tier.values())} notes, {standing.sessions} conversations: "
        "some said three times, some not true any more."
    )
    for question in QUESTIONS:
        await _recall(console, agent, question)

    _scene(console, "2  It dreams", "in the background, on one version; no key, no network, no model")
    started = await agent.call("start_dream", judge="rules")
    await agent.call("remember", content=WRITTEN_MEANWHILE)
    dream = await watch_drawn(
        stores, meaning, await stores.get_dream(DreamId(started["dream_id"])), console, tells=False
    )
    if dream.status != "completed" or dream.output_version is None:
        raise click.ClickException(f"the dream ended {dream.status}: {dream.error_message}")
    changes = list((await stores.list_changes(dream.dream_id, limit=100)).changes)
    _summary(console, dream, changes)

    _scene(console, f"3  It proposes version {dream.output_version}", "nothing has moved; one change of each kind:")
    _one_of_each(console, [change for change in changes if change.decision == "included"])
    console.print("\nWhat rules cannot be sure of, and whatever is persistent, waits for a person:\n")
    suggested = [change for change in changes if change.decision == "suggested"]
    accepted = [next(change for change in suggested if _says(change, text)) for text in ACCEPTED]
    _one_of_each(console, accepted)
    await stores.decide(dream.dream_id, accept=[change.number for change in accepted], actor="user")
    names = " ".join(f"c{change.number}" for change in accepted)
    console.print(f"\n$ dreamkeep review accept {names}", style="bold")

    switched = await agent.call("switch_version", version=dream.output_version)
    console.print(f"$ dreamkeep switch {dream.output_version}", style="bold")
    _scene(console, f"4  Switched to version {switched['head']}", f"{plural(switched['applied'], 'change')} applied")
    for question in (*QUESTIONS, QUESTION_FOR_SESSIONS):
        await _recall(console, agent, question, limit=2)
    await _recall(console, agent, "Tidewater 2.4", limit=1, remark="  remembered while it dreamed: kept")

    before = await stores.digest(STORE, switched["checkpoint"])
    back = await agent.call("rollback")
    after = await stores.digest(STORE, back["head"])
    _scene(console, "5  Rolled back", "every version can be returned to, byte for byte")
    console.print(f"just before the switch   version {switched['checkpoint']}   {before[:DIGEST_CHARACTERS]}")
    console.print(f"after the rollback       version {back['head']}   {after[:DIGEST_CHARACTERS]}")
    if before != after or await stores.verify():
        raise click.ClickException("the memory after the rollback is not what it was; please report this")
    console.print("The same. Every digest and the audit chain were derived again and agree.", style="green")
    console.print("\nNext: claude_config.example.json gives your own agent a memory.")


def _scene(console: "Console", title: str, what: str) -> None:
    from rich.text import Text

    console.print()
    console.print(Text.assemble((title, "bold cyan"), (f"  {what}", "dim")))


async def _recall(
    console: "Console", agent: "Agent", question: str, *, limit: int = RECALLED, remark: str = ""
) -> None:
    from rich.text import Text

    now = datetime.now(UTC)
    answer = await agent.call("recall", query=question, limit=limit)
    console.print(Text.assemble((f"  recall: {question}", "bold"), (remark, "green")))
    for entry in answer["entries"]:
        age = (now - datetime.fromisoformat(entry["asserted_at"])).days
        days = "today" if age == 0 else plural(age, "day") + " old"
        console.print(Text.assemble(f"    {one_line(entry['content'], 62)}", (f"  {days}", "dim")))


def _summary(console: "Console", dream: Dream, changes: Sequence[Change]) -> None:
    included = [change for change in changes if change.decision == "included"]
    closed = sum(len(change.closes) for change in included) - sum(len(change.after) for change in included)
    seconds = (dream.ended_at - dream.started_at).total_seconds() if dream.ended_at and dream.started_at else 0
    console.print(
        f"Dreamed in {seconds:.1f} s: {plural(len(included), 'change')} that leave {plural(closed, 'note')} fewer, "
        f"{plural(len(changes) - len(included), 'suggestion')}."
    )
    if dream.recall_checked:
        found = f"{dream.recall_kept} of {plural(dream.recall_checked, 'earlier recall')}"
        console.print(f"Checked: {found} still find what they found, or what it became.")


def _one_of_each(console: "Console", changes: Sequence[Change]) -> None:
    """The first change of each kind, drawn as `dreamkeep diff` draws them all."""
    from dreamkeep_server.cli.drawing import changes_drawn

    first = {(change.risk, change.operation): change for change in reversed(changes)}
    console.print(changes_drawn(list(first.values())))
    if len(changes) > len(first):
        console.print(f"and {len(changes) - len(first)} more", style="dim")


def _says(change: Change, text: str) -> bool:
    return any(text in one.content for one in (*change.before, *change.after))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """What an agent does here, through the tools."""

    client: "Client"

    async def work_for_six_weeks(self) -> None:
        """Remember the notes and record the sessions of the sample, dated back from now."""
        now = datetime.now(UTC)
        for note in _sample("notes.jsonl"):
            await self.call("remember", **_dated(note, now))
        for session in _sample("sessions.jsonl"):
            at = _dated(session, now)["asserted_at"]
            messages = [{**message, "at": at} for message in session["messages"]]
            await self.call("record_session", session_id=session["session_id"], messages=messages)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The tool's structured answer."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            raise click.ClickException(f"{tool} was refused: {result.content}")
        return result.structured_content


def _sample(name: str) -> list[dict[str, Any]]:
    text = (resources.files("dreamkeep_server.demo") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _dated(note: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The note with `asserted_at` in place of `days_ago`."""
    at = now - timedelta(days=note["days_ago"])
    return {
        **{name: value for name, value in note.items() if name != "days_ago"},
        "asserted_at": at.isoformat(timespec="seconds"),
    }
