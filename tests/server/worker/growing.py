"""A memory that grows by a script: facts, repeats, values that change, contradictions, talk; and what holds of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from dreamkeep_store.models import Message, NewEntry

ROUNDS = 10
START = datetime.now(UTC) - timedelta(days=2 * ROUNDS + 5)

_OWNERS = (
    "Ada",
    "Boris",
    "Chen",
    "Dora",
    "Emil",
    "Farah",
    "Goran",
    "Hana",
    "Ivo",
    "Jun",
    "Kira",
    "Liam",
    "Mona",
    "Nils",
)
_THINGS = (
    ("collects", "stamps from Iceland"),
    ("plays", "the cello in a quartet"),
    ("repairs", "bicycles at weekends"),
    ("grows", "tomatoes on the roof"),
    ("teaches", "chess to children"),
    ("studies", "medieval bridges"),
    ("bakes", "rye bread"),
    ("sails", "an old dinghy"),
    ("paints", "lighthouses in oil"),
    ("keeps", "two beehives"),
    ("writes", "crime novels"),
    ("runs", "marathons in winter"),
    ("restores", "radios"),
    ("photographs", "owls at dusk"),
)
_SERVICES = ("billing", "search", "mail", "login", "export", "report", "audit")
_PREFERRED = (
    ("tabs", "spaces"),
    ("short meetings", "long ones"),
    ("dark mode", "light mode"),
    ("pull requests", "patches by mail"),
    ("window seats", "aisle seats"),
    ("green tea", "coffee"),
    ("trains", "planes"),
)
_TOOLS = ("pnpm", "Vite", "Playwright", "Redis", "Terraform", "Grafana", "Caddy")
_AREAS = ("web app", "build", "end-to-end tests", "cache", "infrastructure", "dashboards", "proxy")


@dataclass(slots=True)
class Growing:
    """What comes in round by round, and what has to be there afterwards."""

    random: Random
    facts: list[str] = field(default_factory=list[str])
    """Sentences that hold for good."""
    ports: dict[str, int] = field(default_factory=dict[str, int])
    """The port of each service, as it was said last."""
    said: list[str] = field(default_factory=list[str])
    """What the user stated in sessions."""

    def entries(self, number: int) -> list[NewEntry]:
        """What is remembered in a round."""
        at = START + timedelta(days=2 * number)
        texts = list(self._texts(number))
        self.random.shuffle(texts)
        return [NewEntry(content=text, asserted_at=at + timedelta(minutes=n)) for n, text in enumerate(texts)]

    def _texts(self, number: int) -> Iterator[str]:
        owner = _OWNERS[number % len(_OWNERS)]
        for shift in (0, 5):
            verb, thing = _THINGS[(number + shift) % len(_THINGS)]
            fact = f"{owner} {verb} {thing}."
            if fact not in self.facts:
                self.facts.append(fact)
                yield fact
        for again in self.random.sample(self.facts, min(3, len(self.facts))):
            yield self.random.choice((again.lower(), again.removesuffix("."), f"  {again}", again.upper()))
        for service in self.random.sample(_SERVICES, 2):
            port = 4_000 + 10 * number + self.random.randrange(9)
            word = "now " if service in self.ports else ""
            self.ports[service] = port
            yield f"The {service} service {word}listens on port {port}."
        first = f"Room {number} is on floor {number + 20}."
        second = f"The printer of hall {number} belongs to team {number + 50}."
        self.facts += [first, second]
        yield f"{first} {second}"
        if number % 3 == 2:
            yield second.upper()  # what the other one is cut into is here already
        denial = "not " if number % 2 else ""
        yield f"Releases of the {_SERVICES[number // 2 % len(_SERVICES)]} client are {denial}signed."

    def talks(self, number: int) -> Iterator[list[Message]]:
        """What is said in the sessions of a round; the second one repeats what an earlier one stated."""
        wanted, other = _PREFERRED[number % len(_PREFERRED)]
        tool, area = _TOOLS[number % len(_TOOLS)], _AREAS[number % len(_AREAS)]
        told = [f"I prefer {wanted} over {other}.", f"We decided to use {tool} for the {area}."]
        yield self._talk(number, f"Good morning. {told[0]}", told[1])
        yield self._talk(number, self.random.choice(self.said or told), "What is left to do?")
        self.said += [one for one in told if one not in self.said]

    def _talk(self, number: int, *texts: str) -> list[Message]:
        at = START + timedelta(days=2 * number, hours=1)
        said = [(role, text) for text in texts for role, text in (("user", text), ("assistant", "All right."))]
        return [
            Message(number=n, role="user" if role == "user" else "assistant", text=text, at=at + timedelta(minutes=n))
            for n, (role, text) in enumerate(said, start=1)
        ]

    def lost(self, live: Sequence[str]) -> list[str]:
        """What has to be there and is not: each fact whole in one entry, each port with its service."""
        folded = [" ".join(text.casefold().split()) for text in live]
        wanted = [fact.casefold().rstrip(".") for fact in self.facts]
        missing = [fact for fact in wanted if not any(fact in text for text in folded)]
        return missing + [
            f"{service} {port}"
            for service, port in self.ports.items()
            if not any(f"{service} service" in text and str(port) in text for text in folded)
        ]
