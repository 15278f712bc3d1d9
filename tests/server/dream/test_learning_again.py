"""What recall gave comes back in a transcript, and is not learned as if it were new."""

import json
from dataclasses import replace

import pytest

from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_store.models import Message, Role

from .material import entry, material, session

KNOWN = (
    "I prefer tabs over spaces.",
    "From now on use pnpm instead of npm.",
    "We decided to deploy on Tuesdays.",
)
RECALLED = json.dumps({"entries": [{"id": f"e_0000000{n}", "content": text} for n, text in enumerate(KNOWN)]})


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("tool", RECALLED),
        ("assistant", "From your memory: " + " ".join(KNOWN)),
        ("user", "\n".join(KNOWN)),
        ("user", "Relevant memories:\n" + "\n".join(f"- {text}" for text in KNOWN)),
        ("user", "\n".join(text.upper() for text in KNOWN)),
        ("system", "\n".join(KNOWN)),
    ],
)
def test_recalled_texts_in_a_session_propose_nothing(role: Role, text: str):
    entries = [entry(n, known, trust="user", age=30 + n) for n, known in enumerate(KNOWN, start=1)]
    said = replace(session(1, text), messages=(Message(number=1, role=role, text=text),))
    assert list(find_candidates(material(*entries, transcripts=[said]))) == []


def test_the_same_sentences_propose_something_where_nobody_remembered_them():
    said = session(1, *KNOWN)
    assert len(list(find_candidates(material(entry(1, "likes tea"), transcripts=[said])))) == len(KNOWN)
