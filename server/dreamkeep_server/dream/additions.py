"""New entries that sessions give reason for: checked against the words that were really said.

A judge may quote what nobody said; quotes are looked up in their transcripts, and so is when they were said, by whom,
and whether it was only passed on: pasted by a user, or repeated by an assistant from what a tool gave.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, assert_never

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.drafts import (
    Draft,
    RuleBrokenError,
    check_nothing_invented,
    checked_text,
    keeps_most,
    own_words,
    written,
)
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Add, Insight
from dreamkeep_server.dream.prose import find_sentences
from dreamkeep_server.dream.spoken_days import without_dates_said
from dreamkeep_server.dream.survivors import least_trust
from dreamkeep_store.models import TAG_CHARACTERS_MAX, TAGS_MAX, EntryId, NewRevision, Quote, Trust

_HEARD_CHARACTERS: Final = 300
"""What is looked at before and after a quote, as much as a judge is shown of it."""
_QUOTED_CHARACTERS_MAX: Final = 80
"""Of a quote that nobody said, in the sentence that refuses it."""
_BULLET: Final = re.compile(r"^\s*(?:[-*\u2022\u2013]|\d{1,2}[.)])\s+")
_QUOTATION: Final = re.compile("[\"'\u2018\u201c\u00ab\u201e].*[\"'\u2019\u201d\u00bb\u201c][.!?]?")
"""A sentence that is somebody else's as a whole."""


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
    rest = content
    for quote in judgement.quotes:
        rest = without_dates_said(rest, quote.text, _said_at(quote, ground).date())
    check_nothing_invented(rest, [*quoted, *_speakers(judgement.quotes, ground)])
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
        reads=(), closes=(), opens=(revision,), new_from=0, says=(content,), quotes=judgement.quotes,
        heard=tuple(_around(quote, ground) for quote in judgement.quotes),
        risk="high" if trust in {"tool", "external"} else "medium",
        # What only an assistant said, or a judge made of what was said, waits for somebody.
        sure=judgement.sure and all(quote.role == "user" for quote in judgement.quotes) and _bears_out(quoted, rest),
    )  # fmt: skip


def _speakers(quotes: Sequence[Quote], ground: Ground) -> list[str]:
    """Return the names of those who said it: whoever writes it down puts them for "I"."""
    said = {(quote.session_id, quote.message) for quote in quotes}
    return [
        message.name
        for session_id, number in sorted(said)
        for message in ground.transcripts[session_id].messages
        if message.number == number and message.name
    ]


def _spaced(text: str) -> str:
    """Return the text with single spaces: where its lines were broken is no part of what was said."""
    return " ".join(text.split())


def _bears_out(quoted: Sequence[str], content: str) -> bool:
    """Say whether the quotes have half of what a text tells, and deny as much as it does."""
    denied = words.negations(words.tokens(content))
    return keeps_most("\n".join(quoted), content, share=1 / 2) and any(
        words.negations(words.tokens(text)) == denied for text in quoted
    )


def _check_quote(quote: Quote, ground: Ground) -> Trust:
    """Return how far the words of a quote can be trusted, once they are found where it says they are."""
    transcript = ground.transcripts.get(quote.session_id)
    if transcript is None:
        raise RuleBrokenError(f"session {quote.session_id} is not among those of this dream")
    message = next((m for m in transcript.messages if m.number == quote.message), None)
    if message is None or not quote.text.strip() or quote.text not in message.text:
        what = repr(quote.text[:_QUOTED_CHARACTERS_MAX])
        raise RuleBrokenError(f"message {quote.message} of session {quote.session_id} does not say {what}")
    if message.role != quote.role:
        raise RuleBrokenError(f"message {quote.message} of session {quote.session_id} is not {quote.role}'s")
    trust = transcript.session.trust
    match message.role:
        case "user":
            return trust if _is_own(quote.text, message.text) else "external"
        case "assistant":
            return least_trust((trust, "agent", *ground.who_had_said(quote)))
        case "tool":
            return least_trust((trust, "tool"))
        case "system":
            return "external"
        case _:
            assert_never(message.role)


def _is_own(quoted: str, text: str) -> bool:
    """Say whether a user wrote these words, or pasted them: in a fence, as a quotation, within a wall of text."""
    own = _own_prose(text)
    lines = [_spaced(_BULLET.sub("", line)) for line in quoted.splitlines()]
    return all(line in own for line in lines)


@lru_cache(maxsize=64)
def _own_prose(text: str) -> str:
    sentences = (_spaced(sentence.text) for sentence in find_sentences(text))
    return " ".join(sentence for sentence in sentences if not _QUOTATION.fullmatch(sentence))


def _around(quote: Quote, ground: Ground) -> str:
    """Return what stands around a quote in its message."""
    text = next(m.text for m in ground.transcripts[quote.session_id].messages if m.number == quote.message)
    at = text.index(quote.text)
    return text[max(0, at - _HEARD_CHARACTERS) : at + len(quote.text) + _HEARD_CHARACTERS]


def _said_at(quote: Quote, ground: Ground) -> datetime:
    """Return when a quote was said, by its transcript; what the quote itself claims does not count."""
    transcript = ground.transcripts[quote.session_id]
    message = next(m for m in transcript.messages if m.number == quote.message)
    return message.at or transcript.session.started_at
