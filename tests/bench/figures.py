"""What a benchmark gives: tables of figures, as Markdown for a reader and as JSON for a program."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures under headings, and what to know when reading them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def markdown(table: Table) -> str:
    """Return the table as a README has it."""
    ruler = tuple("---" for _ in table.columns)
    lines = [f"**{table.title}**", ""]
    lines += [f"| {' | '.join(row)} |" for row in (table.columns, ruler, *table.rows)]
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def skipped(part: str, missing: Path) -> Table:
    """Return what stands for a part whose data is absent."""
    said = f"{missing} is not there; BENCH_DATA names the folder of the data."
    return Table(title=f"{part}: skipped", columns=("why",), rows=((said,),))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def middle_and_tail(seconds: Sequence[float]) -> tuple[str, str]:
    """Return p50 and p95 in milliseconds."""
    return milliseconds(statistics.median(seconds)), milliseconds(percentile(seconds, 0.95))


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, to three digits."""
    return f"{1_000 * seconds:.3g}" if seconds < 0.9995 else f"{1_000 * seconds:,.0f}"


def in_seconds(seconds: float) -> str:
    """Return a time in seconds, to the millisecond when it is short."""
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:,.1f}"


def megabytes(count: float | None) -> str:
    """Return a size in megabytes; a dash where nobody could tell it."""
    return "-" if count is None else f"{count / 1e6:,.0f}"
