"""Facts and questions for the speed figures: LoCoMo's, repeated with other names, or made up from a seed.

LoCoMo is not ours to ship: it is read from `BENCH_DATA`, and where it is absent the generator takes over.
"""

import itertools
import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("BENCH_DATA", PROJECT / "../shared/bench/data")).resolve()
LOCOMO = DATA / "locomo" / "locomo10.json"

SEED = 20_261_121
FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAYS = 280


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BEGINNINGS = _words("Al Bel Cor Da El Fen Gra Hal Is Jor Kas Lor Mar Nel Or Per Quin Ras Sol Tam")
_ENDINGS = _words("ba ca da fi ga ha ka lo mi na pe ra sa ti va wen xa yo zu an en in on ur")
NAMES = tuple(beginning + ending for beginning, ending in itertools.product(_BEGINNINGS, _ENDINGS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One text to remember, and when it was said."""

    content: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Facts, and questions that people ask about such facts."""

    source: str
    facts: tuple[Fact, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conversation:
    speakers: tuple[str, str]
    texts: tuple[str, ...]
    questions: tuple[str, ...]


def make_corpus(count: int) -> Corpus:
    """Return `count` different facts and up to as many questions; the same ones for the same data."""
    chance = random.Random(SEED)
    conversations = _locomo() if LOCOMO.exists() else _made_up(chance)
    texts: dict[str, None] = {}
    questions: dict[str, None] = {}
    for names in _name_pairs(chance):
        for conversation in conversations:
            renamed = _renaming(conversation.speakers, names)
            texts.update(dict.fromkeys(renamed(text) for text in conversation.texts))
            questions.update(dict.fromkeys(renamed(question) for question in conversation.questions))
        if len(texts) >= count:
            break
    facts = chance.sample(list(texts), count)
    asked = chance.sample(list(questions), min(count, len(questions)))
    return Corpus(
        source="LoCoMo, repeated with other names" if LOCOMO.exists() else f"generated from seed {SEED}",
        facts=tuple(Fact(content=text, said_at=_some_day(chance)) for text in facts),
        questions=tuple(asked),
    )


def plant_changes(groups: int) -> list[Fact]:
    """Return two facts for each change that the rules judge is to be sure of.

    Half of the groups say one thing twice in the same words, half give one port two values.
    """
    chance = random.Random(SEED + groups)
    facts: list[Fact] = []
    for number in range(groups):
        early = _some_day(chance)
        late = early + timedelta(days=1)
        name = f"{chance.choice(NAMES)}{number}"
        if number % 2:
            text = f"{name} keeps the spare key of cabinet {number} in the drawer of room {number % 97}."
            facts += [Fact(content=text, said_at=early), Fact(content=f"{text.upper()}!", said_at=late)]
        else:
            for said_at, value in ((early, 20_000 + number), (late, f"now {40_000 + number}")):
                facts.append(Fact(content=f"The {name.lower()} service port is {value}.", said_at=said_at))
    return facts


def _some_day(chance: random.Random) -> datetime:
    return FIRST_DAY + timedelta(seconds=chance.randrange(DAYS * 86_400))


def _name_pairs(chance: random.Random) -> Iterator[tuple[str, str]]:
    names = list(NAMES)
    while True:
        chance.shuffle(names)
        yield from zip(names[::2], names[1::2], strict=True)


def _renaming(old: tuple[str, str], new: tuple[str, str]) -> Callable[[str], str]:
    by_old = dict(zip(old, new, strict=True))
    either = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in old))

    def renamed(text: str) -> str:
        return either.sub(lambda found: by_old[found[0]], text)

    return renamed


def _locomo() -> list[_Conversation]:
    samples: list[dict[str, Any]] = json.loads(LOCOMO.read_text(encoding="utf-8"))
    return [_conversation(sample) for sample in samples]


def _conversation(sample: dict[str, Any]) -> _Conversation:
    talk = sample["conversation"]
    turns = [turn for name in session_names(talk) for turn in talk[name]]
    observed = [text for session in sample["observation"].values() for said in session.values() for text, _ in said]
    return _Conversation(
        speakers=(talk["speaker_a"], talk["speaker_b"]),
        texts=(*observed, *(f"{turn['speaker']}: {turn['text']}" for turn in turns)),
        questions=tuple(asked["question"] for asked in sample["qa"]),
    )


def session_names(talk: dict[str, Any]) -> list[str]:
    """Return the keys of a LoCoMo conversation under which there are turns, in order."""
    named = [key for key, turns in talk.items() if re.fullmatch(r"session_\d+", key) and turns]
    return sorted(named, key=lambda key: int(key.removeprefix("session_")))


_THINGS = _words(
    """
    kettle violin tent ladder lamp camera kayak stove bicycle carpet mirror guitar basket printer
    heater
    """
)
_PLACES = _words("attic garage office cellar kitchen garden studio hallway library workshop balcony pantry")
_DEEDS = _words("repaired painted sold borrowed cleaned lost found bought packed measured photographed returned")
_HOBBIES = _words("pottery rowing chess baking astronomy fencing gardening archery weaving karate sailing origami")


def _made_up(chance: random.Random) -> list[_Conversation]:
    """Return conversations of about LoCoMo's size and variety, as far as templates have any."""
    speakers = ("Caroline", "Jon")
    texts: dict[str, None] = {}
    while len(texts) < 4_000:
        who, deed, thing = chance.choice(speakers), chance.choice(_DEEDS), chance.choice(_THINGS)
        place, hobby, other = chance.choice(_PLACES), chance.choice(_HOBBIES), chance.choice(_THINGS)
        texts[
            chance.choice(
                (
                    f"{who} {deed} the {thing} that was in the {place} last year.",
                    f"{who} took up {hobby} and practises it in the {place} with a {thing}.",
                    f"{who}: I {deed} my {thing} before the {hobby} course, and the {other} is still in the {place}.",
                )
            )
        ] = None
    questions = [
        f"What did {who} do with the {thing} in the {place}?"
        for who, thing, place in itertools.product(speakers, _THINGS, _PLACES)
    ]
    return [_Conversation(speakers=speakers, texts=tuple(texts), questions=tuple(questions))]


def lines(facts: Sequence[Fact]) -> str:
    """Return the facts as `dreamkeep import` takes them."""
    objects = ({"content": fact.content, "asserted_at": fact.said_at.isoformat()} for fact in facts)
    return "".join(json.dumps(one) + "\n" for one in objects)
