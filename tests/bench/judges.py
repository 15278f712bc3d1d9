"""What a judge that is a model takes: tokens by entry and by session, and the estimate against what was used.

The real Anthropic client asks an endpoint on this machine that counts 3.5 bytes as a token, and answers as a
careful model might: alike entries are merged, and of a session the facts are added that the data set found in it.
`small_model` beside this asks a real small model.
"""

import json
import os
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from figures import Table, skipped
from real import locomo_time
from texts import LOCOMO, PROJECT, session_names

from dreamkeep_server.dream.judging import total_of
from dreamkeep_server.worker import run_worker
from dreamkeep_store.models import Dream, JudgeName, Message, NewDream, NewEntry, StoreName, TokenUsage
from dreamkeep_store.store import Stores, open_stores

sys.path.insert(0, str(PROJECT))
from tests.server.judges.messages_api import Answer, Asked, endpoint, judged  # found only now

STORE = StoreName("bench")
BYTES_A_TOKEN = 3.5
YIELDS = (0, 5, 12)
"""How many things the model adds of a session at most: the estimate takes five."""


async def measure_judges(*, quick: bool) -> list[Table]:
    """Return what dreams over the conversations take, or say why there are none."""
    if not LOCOMO.exists():
        return [skipped("judges", LOCOMO)]
    samples: list[dict[str, Any]] = json.loads(LOCOMO.read_text(encoding="utf-8"))
    talks = [_Talk(sample) for sample in samples[: 1 if quick else None]]
    kinds = [("entries", 0), *(("sessions", most) for most in YIELDS)]
    rows = [await _row(talks, kind, most) for kind, most in kinds]
    return [_spent(rows), _agents(rows)]


@dataclass(slots=True)
class _Talk:
    """A conversation of the data set, with what it found in each session."""

    sample: dict[str, Any]

    @property
    def name(self) -> str:
        return self.sample["sample_id"]

    def facts(self) -> Iterator[NewEntry]:
        for name in session_names(self.sample["conversation"]):
            at = locomo_time(self.sample["conversation"][f"{name}_date_time"])
            for facts in self.sample["observation"].get(f"{name}_observation", {}).values():
                yield from (NewEntry(content=text, asserted_at=at) for text, _ in facts)

    def sessions(self) -> Iterator[list[Message]]:
        talk = self.sample["conversation"]
        for name in session_names(talk):
            at = locomo_time(talk[f"{name}_date_time"])
            turns = [turn for turn in talk[name] if turn["text"]]
            yield [
                Message(
                    number=number,
                    role="user" if turn["speaker"] == talk["speaker_a"] else "assistant",
                    text=turn["text"],
                    name=turn["speaker"],
                    at=at,
                )
                for number, turn in enumerate(turns, start=1)
            ]

    def found(self) -> dict[str, list[tuple[str, str]]]:
        """What was found in each session, by its first words: the fact, and the words that it rests on."""
        talk = self.sample["conversation"]
        found: dict[str, list[tuple[str, str]]] = {}
        for name in session_names(talk):
            said = {turn["dia_id"]: turn["text"] for turn in talk[name] if turn["text"]}
            facts = [
                pair for pairs in self.sample["observation"].get(f"{name}_observation", {}).values() for pair in pairs
            ]
            words = next(iter(said.values()))
            found[words] = [(text, said[where]) for text, where in facts if isinstance(where, str) and where in said]
        return found


@dataclass(slots=True, kw_only=True)
class _Row:
    """What dreams over all conversations took together."""

    what: str
    count: int = 0
    calls: int = 0
    repairs: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)
    estimated: int = 0
    batches: list[int] = field(default_factory=list[int])
    offered: int = 0

    @property
    def each(self) -> str:
        """The tokens of 1,000 entries, or of one session."""
        tokens = total_of(self.usage) / self.count
        return f"{1_000 * tokens:,.0f} per 1,000" if self.what == "entries" else f"{tokens:,.0f} each"


async def _row(talks: Sequence[_Talk], kind: str, additions_max: int) -> _Row:
    """Dream over the facts, or over the sessions, of each conversation, by Claude's judge and by the agent's."""
    row = _Row(what=kind if kind == "entries" else f"{kind}, of which at most {additions_max} things are added each")
    for talk in talks:
        careful = _Careful(found=talk.found(), additions_max=additions_max)
        with tempfile.TemporaryDirectory() as folder, endpoint(careful) as opened, asking(opened.url):
            async with open_stores(Path(folder) / "dreamkeep.db") as stores:
                row.count += await (_remember if kind == "entries" else _record)(stores, talk)
                by_agent = await dreamt(stores, "agent")
                await stores.cancel_dream(by_agent.dream_id, actor="user")
                by_claude = await dreamt(stores, "claude", model="claude-sonnet-5", budget_usd=100.0)
        row.calls += len(opened.asked)
        row.repairs += sum("code refused" in asked.body["messages"][0]["content"] for asked in opened.asked)
        row.usage = _sum(row.usage, by_claude.usage)
        row.estimated += by_claude.estimated_tokens or 0
        row.batches.append(by_agent.total)
        row.offered += by_agent.estimated_tokens or 0
    return row


async def _remember(stores: Stores, talk: _Talk) -> int:
    return len(await stores.remember_all(STORE, list(talk.facts()), actor="agent"))


async def _record(stores: Stores, talk: _Talk) -> int:
    sessions = list(talk.sessions())
    for messages in sessions:
        await stores.record_session(STORE, messages, trust="user", redactions=0, actor="user")
    return len(sessions)


def _sum(left: TokenUsage, right: TokenUsage) -> TokenUsage:
    return TokenUsage(**{name: value + asdict(right)[name] for name, value in asdict(left).items()})


async def dreamt(stores: Stores, judge: JudgeName, **options: Any) -> Dream:
    """Return a dream over all that is new, as its worker left it."""
    new = NewDream(store=STORE, sessions="new", judge=judge, requested_by="agent", **options)
    started = await stores.start_dream(new)
    await run_worker(stores, idle_seconds=0)
    return await stores.get_dream(started.dream.dream_id)


@contextmanager
def asking(url: str) -> Generator[None]:
    """Point the Anthropic client at an endpoint."""
    with patch.dict(os.environ, {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "none of anybody's"}):
        yield


@dataclass(slots=True, kw_only=True)
class _Careful:
    """Answers as a careful model might, and counts what it would have billed."""

    found: dict[str, list[tuple[str, str]]]
    additions_max: int
    is_cached: bool = field(default=False, init=False)

    def __call__(self, asked: Asked) -> Answer:
        """Return the answer to a request; what stands before the questions is read from the cache the second time."""
        rows = [row for one in asked.candidates for row in self._judge(one)]
        prefix = _tokens(json.dumps(asked.body["system"])) + _tokens(json.dumps(asked.body["output_config"]))
        cached = {"cache_read_input_tokens" if self.is_cached else "cache_creation_input_tokens": prefix}
        self.is_cached = True
        said = json.dumps({"judgements": rows})
        return judged(
            *rows, tokens_in=_tokens(asked.body["messages"][0]["content"]), tokens_out=_tokens(said), **cached
        )

    def _judge(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        number = {"candidate": one["candidate"], "sure": True}
        if "messages" in one:
            facts = self.found.get(next((line["text"] for line in one["messages"] if "text" in line), ""), [])
            places = {line["text"]: line["message"] for line in one["messages"] if "text" in line}
            return [
                {
                    **number,
                    "operation": "add",
                    "kind": "fact",
                    "content": fact,
                    "reason": "It will matter when they talk again.",
                    "quotes": [{"session_id": one["session_id"], "message": places[words], "text": words}],
                }
                for fact, words in facts[: self.additions_max]
                if words in places
            ] or [{**number, "operation": "keep", "reason": "Nothing of it will matter again."}]
        if "say the same" in one["ask"]:
            longest = max((entry["text"] for entry in one["entries"]), key=len)
            ids = [entry["id"] for entry in one["entries"]]
            reason = "They say the same in other words."
            return [{**number, "operation": "merge", "entries": ids, "content": longest, "reason": reason}]
        return [{**number, "operation": "keep", "reason": "Both can hold beside each other."}]


def _tokens(text: str) -> int:
    return round(len(text.encode()) / BYTES_A_TOKEN)


def _spent(rows: Sequence[_Row]) -> Table:
    return Table(
        title="Claude's judge on LoCoMo: what dreams take",
        columns=("read", "calls", "repairs among them", "tokens", "tokens", "USD", "estimated tokens", "off by"),
        rows=tuple(
            (
                f"{row.count:,} {row.what}",
                str(row.calls),
                str(row.repairs),
                f"{total_of(row.usage):,}",
                row.each,
                f"{row.usage.cost_usd:.2f}",
                f"{row.estimated:,}",
                f"{row.estimated / max(1, total_of(row.usage)) - 1:+.0%}",
            )
            for row in rows
        ),
        note=(
            "An endpoint of ours answers, and counts 3.5 bytes as a token. Entries are read without sessions, and "
            "sessions into an empty memory. How much a model adds of a session nobody knows before: the estimate says "
            "five things."
        ),
    )


def _agents(rows: Sequence[_Row]) -> Table:
    return Table(
        title="The agent's judge on LoCoMo: what it is offered",
        columns=("read", "batches of each conversation", "estimated tokens, with the answers"),
        rows=tuple(
            (f"{row.count:,} {row.what}", ", ".join(map(str, row.batches)), f"{row.offered:,}") for row in rows[:2]
        ),
    )
