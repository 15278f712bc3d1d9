"""The entries of a material as the finders of candidates go through them: each wording once, in order of id."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from dreamkeep_server.dream import words
from dreamkeep_server.dream.survivors import ranked, survivor
from dreamkeep_store.models import Entry

_ENTRIES_A_STEP: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The entries that say the same words, and the one they would become."""

    entries: tuple[Entry, ...]
    as_one: Entry


def say_the_same(entries: Iterable[Entry]) -> list[Said]:
    """Return the entries, those with the same words together, the survivor of each first."""
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[words.same_words(entry.content)].append(entry)
    said = [
        Said(entries=tuple(ranked(group)), as_one=survivor(group) if len(group) > 1 else group[0])
        for group in groups.values()
    ]
    return sorted(said, key=lambda one: one.as_one.entry_id)


class Steps:
    """How far the search is; it goes through the entries several times."""

    def __init__(self, watch: Callable[[int, int], None] | None, total: int) -> None:
        self._watch = watch
        self._done = 0
        self._total = total

    def step(self, count: int = 1) -> None:
        """So many entries more were gone through."""
        before = self._done
        self._done = min(before + count, self._total)
        if self._watch is not None and self._done // _ENTRIES_A_STEP > before // _ENTRIES_A_STEP:
            self._watch(self._done, self._total)

    def over(self, said: Iterable[Said]) -> Iterator[Said]:
        """The same, noticed one by one."""
        for one in said:
            yield one
            self.step()
