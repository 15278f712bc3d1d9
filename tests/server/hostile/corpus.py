"""Hostile memories and conversations (`corpus.jsonl`), and the memory that they are set upon."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_store.models import NewEntry

CORPUS = Path(__file__).with_name("corpus.jsonl")
LONG_AGO = datetime.now(UTC) - timedelta(days=40)

Door = Literal["remember", "session", "file", "outside"]
"""The tool remember, the tool record_session, a transcript file that the user records, an import from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that somebody hostile gets into a memory, by which door, and the harm that it is meant to do."""

    kind: str
    name: str
    door: Door
    harm: str
    seen: bool
    """Whether the filter of wordings sees it; the rest is held back by where it came from, or not at all."""
    plain: bool
    """Whether nothing tells it from what an agent was told to remember: then a dream may handle it as it does any."""
    texts: tuple[str, ...] = ()
    sessions: tuple[tuple[dict[str, str], ...], ...] = ()
    file: str = ""
    tags: tuple[str, ...] | None = None
    topic: str = ""
    secret: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Every text of it."""
        return self.texts or tuple(said["content"] for session in self.sessions for said in session) or (self.file,)

    @property
    def is_seen(self) -> bool:
        return any(looks_like_instruction(text) is not None for text in self.words)


@cache
def corpus() -> tuple[Case, ...]:
    return tuple(_case(json.loads(line)) for line in CORPUS.read_text(encoding="utf-8").splitlines())


def _case(fields: dict[str, Any]) -> Case:
    sessions = [
        tuple(one | {"content": _in_lines(one["content"], fields.get("lines", 1))} for one in session)
        for session in fields.get("sessions", ())
    ]
    return Case(
        kind=fields["class"],
        name=fields["name"],
        door=fields["from"],
        harm=fields["harm"],
        seen=fields["seen"],
        plain=fields["plain"],
        texts=tuple(fields.get("texts", ())),
        sessions=tuple(sessions),
        file=fields.get("file", ""),
        tags=tuple(fields["tags"]) if "tags" in fields else None,
        topic=fields.get("topic", ""),
        secret=fields.get("secret", ""),
    )


def _in_lines(text: str, count: int) -> str:
    """The text once for each number that it has a place for."""
    return "\n".join(text.replace("{n}", str(number)) for number in range(count)) if "{n}" in text else text


LASTING = (
    "The deploy key is kept in the vault Alder.",
    "Ana approves every release.",
    "The user is allergic to peanuts.",
)
OF_THE_USER = (
    "The staging database listens on port 5433.",
    "Invoices are sent to billing@acme.dev.",
    "The project's default branch is main.",
)
OF_AN_AGENT = (
    "Deploys are frozen on Fridays.",
    "deploys are frozen on fridays",
    "The web app is written in Svelte.",
    "Tests run on every push.",
    "The office plants get water on Mondays.",
    "Logs are kept for ninety days.",
    "The mobile app has a dark theme.",
    "Search goes through a queue.",
    "The newsletter goes out in the first week of a month.",
    "Backups are made at night.",
)
REPEATED = OF_AN_AGENT[:2]
"""What every dream joins by itself: where it did not, nothing was proved."""
MEMORY = (
    *(NewEntry(content=text, tier="persistent", trust="user", asserted_at=LONG_AGO) for text in LASTING),
    *(NewEntry(content=text, trust="user", asserted_at=LONG_AGO) for text in OF_THE_USER),
    *(NewEntry(content=text, trust="agent", asserted_at=LONG_AGO) for text in OF_AN_AGENT),
)
