"""Measures dreamkeep: `python tests/bench/run.py [PART ...] [--quick] [--json FILE]`; no part means all.

Figures come as Markdown tables on standard output. Evaluation data is read from `BENCH_DATA` (default:
`../shared/bench/data` from the project's root); what needs it is skipped where it is absent.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

import anyio
from dreaming import measure_dreams
from figures import Table, markdown
from judges import measure_judges
from meaning import measure_meaning
from quality import measure_quality
from real import measure_real
from scale import measure_scale
from small_model import measure_small_model
from speed import measure_tools
from start import measure_start

PARTS: dict[str, Callable[..., Awaitable[list[Table]]]] = {
    "start": measure_start,
    "tools": measure_tools,
    "recall": measure_meaning,
    "scale": measure_scale,
    "dreams": measure_dreams,
    "quality": measure_quality,
    "real": measure_real,
    "judges": measure_judges,
    "small-model": measure_small_model,
}


def main() -> None:
    """Run the parts that were asked for, and print each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one or several of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the tables here")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    tables: list[Table] = []
    for part in asked.parts or PARTS:
        began = time.perf_counter()
        found = anyio.run(lambda part=part: PARTS[part](quick=asked.quick))
        for table in found:
            _say(markdown(table))
        _say(f"({part}: {time.perf_counter() - began:,.0f} s, {_machine()})\n")
        tables += found
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(table) for table in tables], indent=1) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # figures on standard output are what this is for


def _machine() -> str:
    """Return what the figures depend on most: the cores, Python, and what else ran."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}{load}"


if __name__ == "__main__":
    sys.exit(main())
