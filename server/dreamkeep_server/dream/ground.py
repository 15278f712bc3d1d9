"""A material with what checking a judgement looks up in it; nothing is decided here."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from dreamkeep_server import staleness
from dreamkeep_server.dream import attitudes, slots, words
from dreamkeep_store.models import Entry, Material, Message, Quote, SessionId, Trust


class Ground:
    """A material, with what drafting looks up in it."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.entries = {entry.entry_id: entry for entry in material.entries}
        self.everybody = frozenset(self.entries)
        self.transcripts = {t.session.session_id: t for t in material.transcripts}
        self._folded: dict[tuple[SessionId, int], str] = {}

    @cached_property
    def _last_said(self) -> dict[str, datetime]:
        said: dict[str, datetime] = {}
        for entry in self.material.entries:
            if not staleness.has_expired(entry, self.material.now):
                key = words.same_words(entry.content)
                said[key] = max(entry.asserted_at, said.get(key, entry.asserted_at))
        return said

    def last_said(self, entry: Entry) -> datetime:
        """Return when the words of an entry were last asserted, by it or by another one."""
        return self._last_said.get(words.same_words(entry.content), entry.asserted_at)

    @cached_property
    def live(self) -> frozenset[str]:
        """The same-words keys of all entries that have not expired."""
        entries, now = self.material.entries, self.material.now
        return frozenset(words.same_words(entry.content) for entry in entries if not staleness.has_expired(entry, now))

    @cached_property
    def _last_filled(self) -> dict[str, datetime]:
        filled: dict[str, datetime] = {}
        for entry in self.material.entries:
            for key in _filled_by(entry.content):
                if not staleness.has_expired(entry, self.material.now):
                    filled[key] = max(entry.asserted_at, filled.get(key, entry.asserted_at))
        return filled

    def was_replaced(self, content: str, said_at: datetime) -> bool:
        """Say whether a live entry speaks of the same attribute or attitude and was asserted later."""
        return any(self._last_filled.get(key, said_at) > said_at for key in _filled_by(content))

    def who_had_said(self, quote: Quote) -> tuple[Trust, ...]:
        """Return the trust of the tools and the prompts that had said these words before they were quoted here."""
        wanted = _folded(quote.text)
        return tuple(
            "tool" if message.role == "tool" else "external"
            for message in self.transcripts[quote.session_id].messages
            if message.role in {"tool", "system"} and message.number < quote.message
            if wanted in self._words_of(quote.session_id, message)
        )

    def _words_of(self, session_id: SessionId, message: Message) -> str:
        key = (session_id, message.number)
        if key not in self._folded:
            self._folded[key] = _folded(message.text)
        return self._folded[key]

    @cached_property
    def forgotten(self) -> dict[str, list[datetime]]:
        """When which words were forgotten, by their same-words key."""
        times: dict[str, list[datetime]] = {}
        for text, at in self.material.forgotten:
            times.setdefault(words.same_words(text), []).append(at)
        return times


def _filled_by(content: str) -> Iterator[str]:
    """Yield what this text gives a value to."""
    slot = slots.find_slot(content)
    if slot is not None:
        yield slots.spoken_key(slot)
    attitude = attitudes.find_attitude(content)
    if attitude is not None:
        yield f"attitude of {attitude.key}"


def _folded(text: str) -> str:
    """Return the text without regard to case and to where its lines were broken."""
    return " ".join(text.casefold().split())
