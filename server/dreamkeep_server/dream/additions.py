"""New entries that sessions give reason for: checked against the words that were really said.

A judge may quote what nobody said; quotes are looked up in their transcripts, and so is when they were said.
"""

from datetime import datetime
from typing import assert_never

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.drafts import (
    Draft,
    RuleBrokenError,
    check_nothing_invented,
    checked_text,
    own_words,
    written,
)
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Add, Insight
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_store.models import TAG_CHARACTERS_MAX, TAGS_MAX, EntryId, NewRevision, Quote, Trust


def draft_addition(candidate: Candidate, judgement: Add | Insight, ground: Ground) -> Draft | None:
    """Return the new entry, or None when it is live already, or was forgotten or replaced after it was said."""
    content = checked_text(judgement.content)
    if len(judgement.tags) > TAGS_MAX or not all(0 < len(tag) <= TAG_CHARACTERS_MAX for tag in judgement.tags):
        raise RuleBrokenError(f"it has over {TAGS_MAX} tags, or one that is empty or too long")
    if not judgement.quotes:
        raise RuleBrokenError("it quotes nothing")
    trusts: list[Trust] = [_check_quote(quote, ground) for quote in judgement.quotes]
    if isinstance(judgement, Insight) and len({quote.session_id for quote in judgement.quotes}) < 2:
        raise RuleBrokenError("an insight needs at least two sessions")
    quoted = [quote.text for quote in judgement.quotes]
    check_nothing_invented(content, quoted)
    said_at = max(_said_at(quote, ground) for quote in judgement.quotes)
    key = words.same_words(content)
    if key in ground.live or any(at >= said_at for at in ground.forgotten.get(key, ())):
        return None
    if ground.was_replaced(content, said_at):
        return None  # an old session, read again, does not bring back what was superseded since
    trust = least_trust((*trusts, judgement.trust_max))
    revision = NewRevision(
        entry_id=EntryId(""),
        content=content,
        tier="standard",
        tags=tuple(sorted(set(judgement.tags))),
        topic=None,
        trust=trust if any(_spaced(content) in _spaced(text) for text in quoted) else own_words(trust),
        asserted_at=min(said_at, ground.material.now),
        session_id=judgement.quotes[0].session_id,
    )
    return written(
        candidate, judgement, ground,
        operation="add" if isinstance(judgement, Add) else "insight",
        reads=(), closes=(), opens=(revision,), new_from=0, quotes=judgement.quotes,
        risk="high" if trust in {"tool", "external"} else "medium",
        sure=judgement.sure,
    )  # fmt: skip


def _spaced(text: str) -> str:
    """Return the text with single spaces: where its lines were broken is no part of what was said."""
    return " ".join(text.split())


def _check_quote(quote: Quote, ground: Ground) -> Trust:
    """Return how far the words of a quote can be trusted, once they are found where it says they are."""
    transcript = ground.transcripts.get(quote.session_id)
    if transcript is None:
        raise RuleBrokenError(f"session {quote.session_id} is not among those of this dream")
    message = next((m for m in transcript.messages if m.number == quote.message), None)
    if message is None or not quote.text.strip() or quote.text not in message.text:
        raise RuleBrokenError(f"message {quote.message} of session {quote.session_id} does not say {quote.text!r}")
    if message.role != quote.role:
        raise RuleBrokenError(f"message {quote.message} of session {quote.session_id} is not {quote.role}'s")
    trust = transcript.session.trust
    match message.role:
        case "user":
            return trust
        case "assistant":
            return least_trust((trust, "agent"))
        case "tool":
            return least_trust((trust, "tool"))
        case "system":
            return "external"
        case _:
            assert_never(message.role)


def _said_at(quote: Quote, ground: Ground) -> datetime:
    """Return when a quote was said, by its transcript; what the quote itself claims does not count."""
    transcript = ground.transcripts[quote.session_id]
    message = next(m for m in transcript.messages if m.number == quote.message)
    return message.at or transcript.session.started_at
