"""The dream's goals on labelled data: what it includes and what it suggests, beside doing nothing and naive dreams."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from figures import Table

from dreamkeep_server.embedding.builtin import open_minilm

Items = Sequence[dict[str, Any]]
DreamOn = Callable[[Items], dict[str, Any]]
Search = Callable[[str, int], list[str]]

PLANTED_A_SET: Final = 200
PLANTED_AMONG: Final = 1_500
"""A data set of more sentences has nothing to show beyond, and takes minutes."""
SEED: Final = 20_261_121
BUDGET: Final = 500
ANSWERS: Final = 10
CATEGORIES: Final = ("multi-hop", "temporal", "open-domain", "single-hop")
_DRESSES: Final[tuple[Callable[[str], str], ...]] = (
    str.upper,
    str.lower,
    lambda text: "  " + text.replace(" ", "  "),
    lambda text: text.rstrip(".!") + "!",
    lambda text: f'"{text}"',
    lambda text: text.rstrip(".") + " .",
)
"""The same words in other letters, spaces, quotes and marks."""


class NearTexts:
    """The embedder that comes with dreamkeep, as the scorer's naive dreams call theirs."""

    known: Final[dict[str, Any]] = {}

    @classmethod
    def docs(cls, texts: Sequence[str]) -> Any:
        """Return the vectors of these texts, in rows."""
        import numpy as np

        missing = list(dict.fromkeys(text for text in texts if text not in cls.known))
        if missing:
            cls.known.update(zip(missing, open_minilm().embed(missing), strict=True))
        return np.stack([cls.known[text] for text in texts])


def add_naive_dreams(dreams: Any) -> None:
    """Give the scorer the naive dreams that need vectors, by the embedder that comes with dreamkeep."""
    dreams.DREAMS["cos90"] = dreams.cosine(0.9, NearTexts)
    dreams.DREAMS["newest"] = dreams.newest(0.7, NearTexts)


def recall_by_category(dreams: Any, dream: DreamOn) -> dict[str, float]:
    """Return for each kind of LoCoMo's questions how much of what they need is found within 500 tokens."""
    found: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for case in dreams.locomo_obs():
        memory = dream(case["items"])["items"]
        for category in CATEGORIES:
            questions = [question for question in case["queries"] if question["cat"] == category]
            if questions:
                scored = dreams.budget_recall(memory, questions, budgets=(BUDGET,))
                found[category] += scored[f"lin@{BUDGET}"] * scored["n"]
                asked[category] += scored["n"]
    return {category: found[category] / asked[category] for category in CATEGORIES}


def newer_first(search: Search, questions: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Return of how many questions the newer statement comes first, and is among the first ten."""
    counts: Counter[str] = Counter()
    for question in questions:
        found = search(question["q"], ANSWERS)
        old, new = (_place(found, question[which]) for which in ("old", "new"))
        counts.update(asked=1, first=int(new < old), in_ten=int(new < ANSWERS))
    return counts


def _place(found: Sequence[str], wanted: Iterable[str]) -> int:
    return min((found.index(item) for item in wanted if item in found), default=ANSWERS)


def planted_sets(dreams: Any, retrieval: Any) -> Iterator[tuple[str, Items]]:
    """Yield a store of each data set."""
    yield "SICK", dreams.dup_case(dreams.sick())[0][:PLANTED_AMONG]
    yield "MRPC", dreams.dup_case(dreams.msr())[0][:PLANTED_AMONG]
    yield "HaluMem", next(dreams.halumem_noise())[1]
    yield "LoCoMo", next(dreams.locomo_obs())["items"]
    chats = dreams.beam_pairs("knowledge_update", "original_info", "updated_info")
    yield "BEAM", [item for _, items, _ in chats for item in items]
    yield "PrefEval", retrieval.prefeval()[0]["items"]


def planted(items: Items) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the items with some of them said again in the same words, and of which one each of these is a copy."""
    chance = random.Random(SEED)
    copies: list[dict[str, Any]] = []
    copy_of: dict[str, str] = {}
    for number, item in enumerate(chance.sample(list(items), min(PLANTED_A_SET, len(items)))):
        text = item["text"].strip()
        dressed = _DRESSES[number % len(_DRESSES)](text)
        if dressed.strip() != text:
            copies.append({**item, "id": f"copy {number}", "text": dressed})
            copy_of[f"copy {number}"] = item["id"]
    return [*items, *copies], copy_of


def score_planted(items: Items, copy_of: Mapping[str, str], dreamt: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many copies became one with what they are a copy of, and how many entries hold other words as well."""
    home: defaultdict[str, set[str]] = defaultdict(set)
    for one in dreamt["items"]:
        for source in one["sources"]:
            home[source].add(one["id"])
    words = {item["id"]: " ".join(re.findall(r"\w+", item["text"].lower())) for item in items}
    wrong = sum(len({words[source] for source in one["sources"]}) > 1 for one in dreamt["items"])
    return sum(bool(home[copy] & home[of]) for copy, of in copy_of.items()), wrong


def goals_table(scored: Mapping[str, Mapping[str, Any]], rows: Sequence[tuple[str, ...]]) -> Table:
    """Return the goals, from what the scorer said of each dream and task, and the rows that it has not."""

    def told(task: str, form: str, naive: str) -> tuple[str, ...]:
        return tuple(form.format(**scored[f"{who}/{task}"]) for who in (naive, "identity", "included", "accepted"))

    in_all = ("SICK: duplicate F1 / contradictions merged", ".78 / .005 included, .03 suggested")
    return Table(
        title="Dream, rules judge: goals",
        columns=("what", "goal", "naive", "nothing done", "included", "with all suggested"),
        rows=(
            (*in_all, *told("sick", "{F1:.3f} / {contra_merged:.3f}", "cos90")),
            ("MRPC: P / R", ".97 included, .90 suggested / .45", *told("msr", "{P:.3f} / {R:.3f}", "jac60")),
            (
                "HaluMem, noise: stale F1 / live kept",
                ".80 (included .20) / .99 included",
                *told("halumem-noise", "{stale_F1:.3f} / {live_kept:.3f}", "newest"),
            ),
            (
                "BEAM: contradictions flagged / flags",
                ".6 / 5 a pair",
                *told("beam-contra", "{flagged:.3f} / {flags}", "jac60"),
            ),
            (
                "BEAM, FTS5 over what is left: newer first / in ten",
                ".85 / not lower",
                *told("beam-fresh", "{new_before_old:.3f} / {new_in10:.3f}", "newest"),
            ),
            ("LoCoMo: recall in 500 tokens", "not .005 lower", *told("locomo", "{lin@500:.3f}", "cos90")),
            *rows,
        ),
        note="Naive: cosine .9 or Jaccard .6 merges, and of two near ones (cosine .7) the newest stays; by the "
        "embedder that comes with dreamkeep.",
    )
