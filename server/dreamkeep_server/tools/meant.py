"""Which of a dream's changes somebody means who names ids and kinds; pure, and one rule for every door."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from dreamkeep_store.models import DECISIONS, OPERATIONS, RISKS, Change

KINDS: tuple[str, ...] = (*OPERATIONS, *RISKS, *DECISIONS)
"""What a kind of changes is named by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The numbers of the changes that are to be decided on."""

    by_id: tuple[int, ...] = ()
    """All of these, or none."""
    by_kind: tuple[int, ...] = ()
    """These as far as they fit beside each other: whoever names a kind has not looked at each of them."""
    already: tuple[int, ...] = ()
    """These are decided so already, and keep who decided it: they are not decided again."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """All that are to be decided on, each once."""
        return tuple(dict.fromkeys((*self.by_id, *self.by_kind)))


def is_of(change: Change, kinds: Collection[str]) -> bool:
    """Whether a change is of these kinds: `merge low` are merges of low risk, `low medium` those of either risk."""
    return all(
        own in kinds or not set(kinds) & set(sort)
        for own, sort in ((change.operation, OPERATIONS), (change.risk, RISKS), (change.decision, DECISIONS))
    )


def meant(
    changes: Sequence[Change], by_id: Sequence[int], kinds: Collection[str], verb: Literal["accept", "reject"]
) -> Meant:
    """The changes with these numbers, and those of these kinds that can still be decided on.

    Accepting a kind takes back no rejection: somebody looked at that change, and named it. A number that is not among
    the changes, or whose change was switched to, stays named: the store says what is wrong with it.
    """
    asked = "included" if verb == "accept" else "rejected"
    undone = [change for change in changes if change.applied is None]
    of_kinds = [
        change.number
        for change in undone
        if kinds and is_of(change, kinds)
        if verb == "reject" or change.decision != "rejected"
    ]
    so_already = {change.number for change in undone if change.decision == asked}
    named = tuple(dict.fromkeys((*by_id, *of_kinds)))
    return Meant(
        by_id=tuple(number for number in named if number in by_id and number not in so_already),
        by_kind=tuple(number for number in named if number not in by_id and number not in so_already),
        already=tuple(number for number in named if number in so_already),
    )


def in_order(changes: Sequence[Change]) -> list[Change]:
    """As a person reviews them: the riskiest first, those of an operation together."""
    return sorted(changes, key=lambda change: (-RISKS.index(change.risk), change.operation, change.number))
