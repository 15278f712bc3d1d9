"""What recall gave comes back in a transcript, and is not learned as if it were new."""

import json
from dataclasses import replace

import pytest

from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.transcripts import read_transcript
from dreamkeep_store.models import Message, Role

from .material import entry, material, session
from .test_mistakes import session_with

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


@pytest.mark.parametrize(
    "text",
    [
        "<relevant-memories>\n{known}\n</relevant-memories>",
        '<system-reminder source="hook">\n{known}\n</system-reminder>',
        "<system-reminder>a <system-reminder>b</system-reminder> {known}\n</system-reminder>",
        "<memory_context>{known}",
    ],
)
def test_what_a_client_wrote_into_a_users_turn_is_not_theirs(text: str):
    written = text.format(known="\n".join(KNOWN))
    parsed = read_transcript([{"role": "user", "content": f"Hello there.\n{written}"}])
    assert [message.text for message in parsed.messages] == ["Hello there."]


def test_what_recall_printed_in_a_shell_is_no_mistake_to_learn_from():
    printed = ["npm error Missing script: test", *KNOWN]
    runs = [("dreamkeep recall npm", "\n".join(printed)), ("dreamkeep recall npm --limit 3", "fine")]
    assert list(find_candidates(material(transcripts=[session_with(1, *runs)]))) == []
