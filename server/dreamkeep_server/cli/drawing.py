"""How changes and differences look to a person; rich, imported only by the verbs that draw.

Colour carries nothing that a word does not also say, so the same lines serve a pipe.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from dreamkeep_server.cli.marks import mark
from dreamkeep_server.cli.text import day, one_line, plural, shown
from dreamkeep_server.tools.meant import in_order
from dreamkeep_server.tools.sides import reason_told
from dreamkeep_store.models import Change, Difference, Entry, NewRevision, Quote

RISK_STYLES = {"low": "green", "medium": "yellow", "high": "bold red"}
DECISION_STYLES = {"included": "green", "suggested": "yellow", "rejected": "dim"}
NOUNS = {
    "merge": "merged: these say one thing",
    "supersede": "superseded: a newer statement replaces an older one",
    "archive": "archived: no longer of use",
    "conflict": "conflicts: these cannot both be true",
    "split": "split: several facts in one entry",
    "add": "added: said in a session",
    "insight": "insights: what several sessions have in common",
    "retier": "another tier",
    "move": "another topic",
    "revert": "reverted: a change taken back",
    "restore": "restored: as it was in that version",
    "remembered": "remembered",
    "edited": "edited",
    "forgotten": "forgotten",
}
LABEL_CHARACTERS = 4
TEXT_WIDTH_MIN = 20
TEXT_CHARACTERS_MAX = 400
"""Of an entry's text in a diff; `recall` and --json give it whole."""


def to_stdout() -> Console:
    """Where answers go; plain when it is no terminal or NO_COLOR is set."""
    return Console(highlight=False, markup=False, emoji=False)


def to_stderr() -> Console:
    """Where progress goes."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A label and a text; a long text is wrapped beside its label, not below it."""

    label: Text
    text: Text
    indent: int = 4

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich prints, with no space at the ends of lines."""
        before = " " * self.indent
        width = max(TEXT_WIDTH_MIN, options.max_width - self.indent - LABEL_CHARACTERS - 1)
        label = Text(" " * (LABEL_CHARACTERS - len(self.label))) + self.label
        for line in self.text.wrap(console, width, overflow="fold"):
            line.rstrip()
            yield Text(before) + label + Text(" ") + line
            label = Text(" " * LABEL_CHARACTERS)


def changes_drawn(changes: Sequence[Change]) -> Group:
    """The changes by risk and operation, riskiest first, each with before, after, reason and sources."""
    blocks: list[RenderableType] = []
    for (risk, operation), group in groupby(in_order(changes), key=lambda change: (change.risk, change.operation)):
        of_kind = list(group)
        heading = Text(f"{risk} risk", style=RISK_STYLES[risk])
        heading.append(f"  {NOUNS[operation]}", style="bold")
        if len(of_kind) > 1:
            heading.append(f"  ({len(of_kind)})", style="dim")
        blocks.append(heading)
        for change in of_kind:
            blocks.extend(_change(change))
        blocks.append(Text())
    return Group(*blocks[:-1])


def _change(change: Change) -> Iterator[RenderableType]:
    heading = Text.assemble("  ", (f"c{change.number}", "bold"))
    heading.append(f"  {change.decision}", style=DECISION_STYLES[change.decision])
    if change.decided_by != "judge":
        heading.append(f" by {change.decided_by}", style="dim")
    if change.applied:
        heading.append("  applied", style="dim")
    if change.applied is False:
        heading.append(f"  skipped: {one_line(change.skipped or '')}", style="yellow")
    if change.outdated is not None:
        heading.append(f"  a switch would skip it: {change.outdated}", style="yellow")
    yield heading
    closed = [entry for entry in change.before if entry.revision_id in change.closes]
    stays = [entry for entry in change.before if entry.revision_id not in change.closes]
    gone = [entry.content for entry in closed]
    for entry in stays:
        yield Line(label=Text("="), text=_stated(entry, gone, "default", change.before))
    yield from _sides(closed, change.after, instead=stays)
    yield _remark("why", reason_told(change))
    yield from (_remark("said", _quoted(quote)) for quote in change.quotes)
    yield from (_remark("seen", remark) for remark in change.evidence if remark not in change.reason)


def differences_drawn(differences: Iterable[Difference]) -> Group:
    """The differences between two versions by how they came about; those of one change stand together."""
    ordered = sorted(differences, key=lambda one: (one.how, one.version or 0, one.change or 0, one.entry_id))
    blocks: list[RenderableType] = []
    for how, group in groupby(ordered, key=lambda one: one.how):
        of_kind = list(group)
        heading = Text(NOUNS.get(how, how), style="bold")
        heading.append(f"  ({plural(len(of_kind), 'entry', 'entries')})", style="dim")
        blocks.append(heading)
        for (version, number), parts in groupby(of_kind, key=lambda one: (one.version, one.change)):
            blocks.extend(_differences(version, number, list(parts)))
        blocks.append(Text())
    return Group(*blocks[:-1])


def _differences(version: int | None, number: int | None, parts: list[Difference]) -> Iterator[RenderableType]:
    """One change of a version, or the plain writes, each by itself."""
    if number is None:
        for part in parts:
            yield from _sides([part.before] if part.before else [], [part.after] if part.after else [])
        return
    yield Text.assemble("  ", (f"v{version} c{number}", "bold"))
    yield from _sides([part.before for part in parts if part.before], [part.after for part in parts if part.after])
    yield _remark("why", parts[0].reason or "")


def _sides(
    before: Sequence[Entry], after: Sequence[Entry | NewRevision], *, instead: Sequence[Entry] = ()
) -> Iterator[RenderableType]:
    """What stays in another state, what goes, then what comes, with the words marked in which they differ.

    `instead` is what stays in place of what goes, where nothing comes.
    """
    by_id = {entry.entry_id: entry for entry in before}
    kept = [(by_id[one.entry_id], one) for one in after if _keeps_text(by_id.get(one.entry_id), one)]
    told_once = {one.entry_id for _, one in kept}
    goes = [entry for entry in before if entry.entry_id not in told_once]
    comes = [one for one in after if one.entry_id not in told_once]
    states = (*before, *after, *instead)
    gone = [entry.content for entry in goes]
    new = [one.content for one in comes or (*instead, *(one for _, one in kept))]
    for entry, revision in kept:
        line = _stated(entry, gone, "default", before)
        line.append(_now(entry, revision), style="green")
        yield Line(label=Text("="), text=line)
    for entry in goes:
        yield Line(label=Text("-", style="red"), text=_stated(entry, new, "red", states))
    for revision in comes:
        yield Line(label=Text("+", style="green"), text=_stated(revision, gone, "green", states))


def _keeps_text(entry: Entry | None, revision: Entry | NewRevision) -> bool:
    """Whether an entry goes on with its text, so that only what is new about it needs telling."""
    return entry is not None and entry.content == revision.content


def _now(entry: Entry, revision: Entry | NewRevision) -> str:
    """What is new about an entry that keeps its text."""
    told: list[str] = []
    if revision.tier != entry.tier:
        told.append(f"now {revision.tier}")
    if revision.topic != entry.topic:
        told.append(f"now in {shown(revision.topic)}" if revision.topic else "now without a topic")
    if revision.tags != entry.tags:
        told.append(f"now tagged {', '.join(shown(tag) for tag in revision.tags)}" if revision.tags else "now untagged")
    if revision.trust != entry.trust:
        told.append(f"now trusted as from {revision.trust}")
    if day(revision.asserted_at) != day(entry.asserted_at):
        told.append(f"now of {day(revision.asserted_at)}")
    return "".join(f" · {one}" for one in told)


def _stated(
    entry: Entry | NewRevision, others: Sequence[str], style: str, states: Sequence[Entry | NewRevision]
) -> Text:
    """The text with its marks, then in passing what else tells it from the others."""
    line = Text()
    content = shown(entry.content)
    for piece, differs in mark(content[:TEXT_CHARACTERS_MAX], [shown(other) for other in others]):
        line.append(piece, style=f"{style} bold underline" if differs else style)
    if len(content) > TEXT_CHARACTERS_MAX:
        line.append(f"… ({len(content):,} characters)", style="dim")
    told = [entry.entry_id, day(entry.asserted_at)]
    if entry.tier != "standard" or len({one.tier for one in states}) > 1:
        told.append(entry.tier)
    if entry.topic and len({one.topic for one in states}) > 1:
        told.append(shown(entry.topic))
    line.append("  " + " · ".join(told), style="dim")
    return line


def _remark(label: str, text: str) -> RenderableType:
    return Line(label=Text(label, style="cyan"), text=Text(one_line(text)))


def _quoted(quote: Quote) -> str:
    when = f", {day(quote.at)}" if quote.at else ""
    return f"“{one_line(quote.text, 300)}” ({quote.role}, {quote.session_id} message {quote.message}{when})"
