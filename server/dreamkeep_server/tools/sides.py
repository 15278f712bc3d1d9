"""What a change takes away, keeps and writes, for whoever reviews it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dreamkeep_server.tools.cuts import cut, fit, flat
from dreamkeep_store.models import Change, Entry, NewRevision

REMARK_CHARACTERS_MAX = 40
CONTEXT_WORDS = 2
"""How much of a shared beginning stays before the words in which a text differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The texts with which a change does one thing."""

    mark: Literal["-", "=", "+"]
    """`-` goes, `=` stays, `+` comes."""
    texts: tuple[str, ...]
    remark: str = ""
    """What is new about texts that stay."""


def sides(change: Change) -> tuple[Side, ...]:
    """What goes, stays and comes when the change applies, each only where there is something.

    A closed entry whose text the change writes again, only in another tier or topic, stays.
    """
    gone = [entry for entry in change.before if entry.revision_id in change.closes]
    stays = [entry.content for entry in change.before if entry.revision_id not in change.closes]
    comes: list[str] = []
    remarks: list[str] = []
    for revision in change.after:
        same = _same(gone, revision)
        if same is None:
            comes.append(revision.content)
            continue
        gone.remove(same)
        stays.append(revision.content)
        remarks += [f"now {revision.tier}"] if revision.tier != same.tier else []
        remarks += [f"now in {revision.topic}"] if revision.topic != same.topic and revision.topic else []
    found = (
        Side(mark="-", texts=tuple(entry.content for entry in gone)),
        Side(mark="=", texts=tuple(stays), remark=", ".join(dict.fromkeys(remarks))),
        Side(mark="+", texts=tuple(comes)),
    )
    return tuple(side for side in found if side.texts)


def _same(closed: Sequence[Entry], revision: NewRevision) -> Entry | None:
    """The closed entry that goes on as this revision: under its own id, else under another."""
    alike = [entry for entry in closed if entry.content == revision.content]
    return next((entry for entry in alike if entry.entry_id == revision.entry_id), alike[0] if alike else None)


def on_one_line(change: Change, characters: int) -> str:
    """The sides on one line, each by its first text.

    Too long, it is cut first at the beginnings that the texts share: the words in which they differ are
    what somebody decides on.
    """
    shown = sides(change)
    ends = [_end(side) for side in shown]
    room = characters - sum(len("- ") + len(end) for end in ends) - (len(shown) - 1)
    texts = _apart([flat(side.texts[0]) for side in shown], room)
    return " ".join(f"{side.mark} {text}{end}" for side, text, end in zip(shown, texts, ends, strict=True))


def _end(side: Side) -> str:
    more = f"and {len(side.texts) - 1} more" if len(side.texts) > 1 else ""
    told = ", ".join(part for part in (more, cut(side.remark, REMARK_CHARACTERS_MAX)) if part)
    return f" ({told})" if told else ""


def _apart(texts: Sequence[str], characters: int) -> list[str]:
    """The texts cut to take `characters` together, at beginnings that they share before anything else."""
    if sum(len(text) for text in texts) <= characters or len(texts) < 2:
        return fit(texts, characters, least=1)
    shared = [_shared_words(texts[0], other) for other in texts[1:]]
    first = texts[0]
    others = [_from_word(text, words - CONTEXT_WORDS) for text, words in zip(texts[1:], shared, strict=True)]
    if len(first) + sum(len(other) for other in others) > characters:
        first = _from_word(first, min(shared) - CONTEXT_WORDS)
    return fit([first, *others], characters, least=1)


def _shared_words(one: str, other: str) -> int:
    pairs = list(zip(one.split(" "), other.split(" "), strict=False))
    return next((place for place, (left, right) in enumerate(pairs) if left != right), len(pairs))


def _from_word(text: str, place: int) -> str:
    return text if place < 1 else "…" + text.split(" ", place)[place]


def reason_told(change: Change) -> str:
    """Why a change was proposed; of a conflict that nobody decided on, also what accepting it does."""
    if change.operation != "conflict" or change.decision != "suggested" or change.applied is not None:
        return change.reason
    after = {revision.entry_id for revision in change.after}
    closed = [e for e in change.before if e.revision_id in change.closes and e.entry_id not in after]
    stays = [e for e in change.before if e not in closed]
    older = bool(stays) and all(e.asserted_at < min(s.asserted_at for s in stays) for e in closed)
    ids = ", ".join(entry.entry_id for entry in closed)
    return f"{change.reason} Accepting closes {ids}{', the older' if older else ''}."


def changes_counted(number: int) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} change{'' if number == 1 else 's'}"
