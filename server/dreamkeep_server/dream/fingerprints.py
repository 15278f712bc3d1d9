"""Which question a change puts to whoever reviews it: what was rejected once is the same question, and not put again.

A key is over what is proposed about which texts, and over nothing that time, other entries or a judge's choice of words
change. An entry whose text was edited since is another question, and so is a group that another entry has joined.
"""

import hashlib
from collections.abc import Sequence
from typing import assert_never

from dreamkeep_server.dream import words
from dreamkeep_server.dream.vocabulary import STOP_WORDS
from dreamkeep_store.models import Entry, Operation


def fingerprint(operation: Operation, reads: Sequence[Entry], says: Sequence[str] = ()) -> bytes:
    """Return a SHA-256 over the question that a change of these entries puts.

    `says` is what it says beyond the entries: the new text of an addition, a tier, a topic, what a merge supersedes,
    why an entry is of no use. Which text a merge keeps and where a split cuts is no question of its own: whoever
    rejects it wants the entries as they are. Nor is which of two entries gives way: both are to stay.
    """
    parts = [_question(operation)]
    for entry in sorted(reads, key=lambda entry: entry.entry_id):
        parts += ["reads", entry.entry_id, entry.content]
    parts += ["says", *sorted(said_key(text) if operation in {"add", "insight"} else text for text in says)]
    digest = hashlib.sha256()
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def said_key(content: str) -> str:
    """Return the key under which two statements are one to whoever said that it is not to be remembered.

    The telling words in their order, whatever their endings: "I prefer tabs" is "The user prefers tabs", and neither
    is "I do not prefer tabs".
    """
    telling = [words.stem(word) for word in words.tokens(content) if word not in STOP_WORDS]
    return " ".join(telling) or words.same_words(content)


def _question(operation: Operation) -> str:
    match operation:
        case "supersede" | "conflict":
            return "contradiction"  # whether it is certain which one holds depends on when they were said
        case "add" | "insight":
            return "add"  # by one session or by several
        case "merge" | "archive" | "split" | "retier" | "move" | "revert" | "restore":
            return operation
        case _:
            assert_never(operation)
