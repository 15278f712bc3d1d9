"""A review in short: a change on one line, and what may be typed next."""

from collections.abc import Sequence

from dreamkeep_server.cli.dreams import settled
from dreamkeep_server.cli.text import plural, shown
from dreamkeep_server.tools.sides import on_one_line
from dreamkeep_store.models import RISKS, Change, Version

TEXT_CHARACTERS_MIN = 30


def change_line(change: Change, width: int) -> str:
    """A change on one line: its id, what it is, what became of it, and what goes, stays and comes."""
    head = f"c{change.number:<4} {change.risk:<6} {change.operation:<9} {change.decision:<9}  "
    return head + shown(on_one_line(change, max(TEXT_CHARACTERS_MIN, width - len(head))))


def decision_line(change: Change, width: int) -> str:
    """What was just decided about a change, on one line."""
    head = f"c{change.number}  {change.decision}  {change.operation}: "
    return head + shown(on_one_line(change, max(TEXT_CHARACTERS_MIN, width - len(head))))


def what_next(version: Version, changes: Sequence[Change]) -> list[str]:
    """What whoever has seen the changes may type now."""
    open_ones = [change for change in changes if change.applied is None]
    suggested = [change for change in open_ones if change.decision == "suggested"]
    if version.state != "proposed":
        lines = [settled(version)]
        if version.state == "published" and suggested:
            lines.append("Accepting a suggestion opens the next proposal: `dreamkeep review list suggested`.")
        return lines
    lines = ["Next:"]
    for risk in reversed(RISKS):
        count = sum(change.risk == risk for change in suggested)
        if count and risk == "high":
            lines.append(_step("review suggested high", f"read {count:,} of high risk first"))
        elif count:
            lines.append(_step(f"review accept suggested {risk}", f"take {count:,} of {risk} risk"))
    included = [change for change in open_ones if change.decision == "included"]
    for change in (suggested or included)[:1]:
        lines.append(_step(f"review reject c{change.number}", "leave it out, for later dreams too"))
    for change in [change for change in suggested or included if change.operation != "archive"][:1]:
        lines.append(_step(f'review edit c{change.number} "..."', "take it in your own words"))
    if included:
        lines.append(_step(f"switch {version.number}", f"make {plural(len(included), 'included change')} live"))
    lines.append(_step("review discard", "throw it all away, rejecting nothing"))
    return lines


def _step(command: str, what: str) -> str:
    return f"  dreamkeep {command:<30}  {what}"
