"""The rules judge on pairs that people labelled; skipped where the evaluation data is absent."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .material import entry, material, plan_by_rules

DATA = Path(os.environ.get("BENCH_DATA", str(Path(__file__).parents[3] / "../shared/bench/data")))
SICK = DATA / "pairs/sick/SICK_train.txt"
MSR = DATA / "pairs/msr/msr-para-train.tsv"

pytestmark = pytest.mark.skipif(
    not (SICK.exists() and MSR.exists()), reason=f"no evaluation data under {DATA}; set BENCH_DATA"
)


def sick() -> Iterator[tuple[str, str, str]]:
    for line in SICK.read_text(encoding="utf-8").splitlines()[1:]:
        _, left, right, score, label = line.split("\t")
        if label == "CONTRADICTION":
            yield left, right, "contradiction"
        elif label == "ENTAILMENT" and float(score) >= 4.8:
            yield left, right, "duplicate"


def msr() -> Iterator[tuple[str, str, str]]:
    for line in MSR.read_text(encoding="utf-8-sig").splitlines()[1:]:
        quality, _, _, left, right = line.split("\t")
        yield left, right, "duplicate" if quality == "1" else "different"


def merged_pairs(texts: list[str]) -> dict[tuple[str, str], str]:
    """Return every two texts that a change puts into one entry, with the change's decision."""
    ground = material(*(entry(number, text) for number, text in enumerate(texts)))
    by_revision = {one.revision_id: one.content for one in ground.entries}
    pairs: dict[tuple[str, str], str] = {}
    for change in plan_by_rules(ground).changes:
        if change.operation == "merge":
            contents = sorted(by_revision[read] for read in change.reads)
            for at, left in enumerate(contents):
                for right in contents[at + 1 :]:
                    pairs[left, right] = change.decision
    return pairs


@pytest.mark.parametrize("pairs", [sick, msr])
def test_included_merges_join_no_two_statements_that_differ(
    pairs: Callable[[], Iterator[tuple[str, str, str]]], capsys: pytest.CaptureFixture[str]
):
    labelled = {tuple(sorted((a.strip(), b.strip()))): label for a, b, label in pairs()}
    texts = sorted({text for pair in labelled for text in pair})
    merged = merged_pairs(texts)
    counts: dict[tuple[str, str], int] = {}
    for pair, decision in merged.items():
        key = (decision, labelled.get(pair, "unlabelled"))
        counts[key] = counts.get(key, 0) + 1
    with capsys.disabled():
        print(f"\n{pairs.__name__}: {len(texts)} texts, merged: {counts}")  # noqa: T201 - figures
    assert not any(
        decision == "included" and label != "duplicate" for decision, label in counts if label != "unlabelled"
    )
    contradictions = sum(label == "contradiction" for label in labelled.values())
    assert counts.get(("suggested", "contradiction"), 0) <= 0.03 * contradictions


@pytest.mark.parametrize("pairs", [sick, msr])
def test_planted_duplicates_are_included(
    pairs: Callable[[], Iterator[tuple[str, str, str]]], capsys: pytest.CaptureFixture[str]
):
    texts = sorted({text.strip() for left, right, _ in pairs() for text in (left, right)})[:1500]
    planted = {text: twist(at, text) for at, text in enumerate(texts[::3])}
    merged = merged_pairs([*texts, *planted.values()])
    found = sum(merged.get((min(pair), max(pair))) == "included" for pair in planted.items())
    with capsys.disabled():
        print(f"\n{pairs.__name__}: {found} of {len(planted)} planted duplicates included")  # noqa: T201 - figures
    assert found >= 0.95 * len(planted)


def twist(number: int, text: str) -> str:
    """Return the same words in another dress."""
    match number % 4:
        case 0:
            return text.upper()
        case 1:
            return "  " + text.replace(" ", "  ") + "!"
        case 2:
            return text.rstrip(".") + " ."
        case _:
            return f'"{text}"'
