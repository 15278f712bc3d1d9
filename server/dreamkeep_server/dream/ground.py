"""A material with what checking a judgement looks up in it; nothing is decided here."""

from datetime import datetime
from functools import cached_property

from dreamkeep_server import staleness
from dreamkeep_server.dream import words
from dreamkeep_store.models import Entry, Material


class Ground:
    """A material, with what drafting looks up in it."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.entries = {entry.entry_id: entry for entry in material.entries}
        self.everybody = frozenset(self.entries)
        self.transcripts = {t.session.session_id: t for t in material.transcripts}

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
    def forgotten(self) -> dict[str, list[datetime]]:
        """When which words were forgotten, by their same-words key."""
        times: dict[str, list[datetime]] = {}
        for text, at in self.material.forgotten:
            times.setdefault(words.same_words(text), []).append(at)
        return times
