"""All that sessions give reason to add to a memory, the most telling first, and no more than a person can review."""

from collections.abc import Iterable, Sequence
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream.candidate import Candidate, Learnt, Recurring, Repeated, Stated, transcripts_of
from dreamkeep_server.dream.commands import find_commands
from dreamkeep_server.dream.known import find_known
from dreamkeep_server.dream.mistakes import find_mistakes
from dreamkeep_server.dream.said import Said, say_the_same
from dreamkeep_server.dream.stated import find_stated, is_unread
from dreamkeep_server.dream.wordings import Kind
from dreamkeep_server.dream.workflows import find_workflows
from dreamkeep_store.models import Material, SessionId

ADDITIONS_A_DREAM_MAX: Final = 100
"""What a person can review; sessions of which something was left out stay new for the next dream."""
_RANKS: Final[dict[Kind, int]] = {"correction": 1, "decision": 3, "preference": 4, "fact": 5}

Addition = Learnt | Recurring | Repeated | Stated


def find_learnt(material: Material, said: Sequence[Said]) -> tuple[Addition, ...]:
    """Return what to ask about, in an order that only the content sets: what several sessions say first, facts last."""
    return tuple(_ranked(material, said)[:ADDITIONS_A_DREAM_MAX])


def sessions_left(material: Material, found: Iterable[Candidate]) -> tuple[SessionId, ...]:
    """Return the sessions of which something is not among the candidates that were found in this material.

    Reads the sessions again where there were too many; mostly there were not.
    """
    if sum(isinstance(one, Learnt | Recurring | Repeated | Stated) for one in found) < ADDITIONS_A_DREAM_MAX:
        return ()
    said = say_the_same(entry for entry in material.entries if not staleness.has_expired(entry, material.now))
    left = _ranked(material, said)[ADDITIONS_A_DREAM_MAX:]
    return tuple(sorted({one.session.session_id for further in left for one in transcripts_of(further)}))


def _ranked(material: Material, said: Sequence[Said]) -> list[Addition]:
    if not material.transcripts:
        return []
    oldest_first = sorted(material.transcripts, key=lambda one: (one.session.started_at, one.session.session_id))
    ran = [(one, find_commands(one)) for one in oldest_first]
    seen: list[Learnt | Recurring] = [*find_mistakes(ran), *find_workflows(ran)]
    anew = [one for one in seen if _has_unread(one)]
    known = find_known([one.content for one in anew], [one.as_one.content for one in said])
    found: list[Addition] = [one for at, one in enumerate(anew) if at not in known]
    return sorted([*found, *find_stated(material, said)], key=_place)


def _has_unread(found: Learnt | Recurring) -> bool:
    """Say whether some of its quotes was read by no dream: a session that grew was asked about before."""
    by_id = {transcript.session.session_id: transcript for transcript in transcripts_of(found)}
    return any(is_unread(by_id[quote.session_id], quote.message) for quote in found.quotes)


def _place(found: Addition) -> tuple[int, int, float, str]:
    match found:
        case Repeated(statements=statements):
            newest = statements[-1]
            return (0, -len(statements), -newest.asserted_at.timestamp(), newest.content)
        case Recurring(content=content, transcripts=transcripts):
            return (0, -len(transcripts), 0, content)
        case Learnt(content=content):
            return (2, 0, 0, content)
        case Stated(statement=statement):
            return (_RANKS[statement.kind], 0, -statement.asserted_at.timestamp(), statement.content)
