"""The scorers beside the evaluation data, with the installed server as what they score.

Each case gets a home folder and a server process of its own, as each gets an index of its own in the
scorers' references. A fact goes in through `remember`, a question through `recall`, a dream through
`start_dream`, `get_dream` and `review_dream`.
"""

import contextlib
import importlib.util
import io
import itertools
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import anyio.to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal
from figures import Table, skipped
from goals import (
    CATEGORIES,
    add_naive_dreams,
    goals_table,
    newer_first,
    planted,
    planted_sets,
    recall_by_category,
    score_planted,
)
from serving import STORE, Call, all_pages, dream_through, embedded, serving
from texts import DATA

T = TypeVar("T")
SCORERS = DATA.parent
RETRIEVAL_SETS = ("locomo-obs", "locomo-turn", "beam100k-user", "prefeval")
DREAM_TASKS = ("sick", "msr", "halumem-noise", "beam-fresh", "beam-contra", "locomo")
CASES_QUICK = 1
ANSWERS = 10
WITH_EMBEDDINGS = {
    "locomo-obs": (".688", ".758 - .763"),
    "locomo-turn": ("", ".668 - .681"),
    "beam100k-user": ("", ".800 - .813"),
    "prefeval": ("", ".349 - .364"),
}
"""R@5 and R@10 of FTS5 and MiniLM with their scores summed, from the README beside the scorers."""


async def measure_quality(*, quick: bool) -> list[Table]:
    """Return what the scorers say, or say why there is nothing to score."""
    missing = [path for path in (DATA / "locomo", SCORERS / "retrieval.py", SCORERS / "dreams.py") if not path.exists()]
    if missing:
        return [skipped("quality", missing[0])]
    return await anyio.to_thread.run_sync(_score, quick)


def _score(quick: bool) -> list[Table]:
    os.environ["BENCH_DATA"] = str(DATA)
    sys.path.insert(0, str(SCORERS))  # one scorer imports the other by its name
    retrieval, dreams = _load("retrieval"), _load("dreams")
    with start_blocking_portal() as portal:
        tables = [_score_recall(retrieval, portal, quick)]
        dreamer = Dreamer(portal)
        if quick:
            return [*tables, _score_dreams(dreams, dreamer, ("beam-contra",))[0]]
        dreamt, scored = _score_dreams(dreams, dreamer, DREAM_TASKS)
        rows = [*_by_category(dreams, dreamer), *_newer_first(dreams, portal), *_planted(dreams, retrieval, dreamer)]
        return [*tables, dreamt, goals_table(scored, rows)]


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SCORERS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Memory:
    """A new memory with its own server, in the shape that the retrieval scorer drives."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._stack = ExitStack()
        home = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.call: Call = self._stack.enter_context(portal.wrap_async_context_manager(serving(home)))
        self.items: defaultdict[str, list[str]] = defaultdict(list)
        """The scorer's ids by entry id: the same text twice is one entry."""

    def ingest(self, items: Sequence[dict[str, Any]], later: timedelta = timedelta()) -> None:
        """Remember every text, as said so much later than the data has it."""
        self.run(partial(self._remember, items, later))

    def search(self, query: str, k: int) -> list[str]:
        """Recall; gives the ids of the texts, best first."""
        found = self.run(partial(self.call, "recall", query=query, store=STORE, limit=max(k, ANSWERS)))
        return [item for entry in found["entries"] for item in self.items[entry["id"]]][:k]

    def close(self) -> None:
        """End the server and remove its folder."""
        self._stack.close()

    def run(self, work: Callable[[], Any]) -> Any:
        """Return what an async call gives, from the scorer's thread."""
        return self._portal.call(work)

    async def _remember(self, items: Sequence[dict[str, Any]], later: timedelta) -> None:
        for item in items:
            at = said_at(item["created_at"])
            asserted_at = "" if at is None else (at + later).isoformat()
            kept = await self.call("remember", content=item["text"], store=STORE, asserted_at=asserted_at)
            self.items[kept["entry_id"]].append(item["id"])
        await embedded(self.call, STORE)


def said_at(created_at: str | None) -> datetime | None:
    """Return a data set's time, in UTC, if it has one."""
    if created_at is None:
        return None
    try:
        told = datetime.fromisoformat(created_at)
    except ValueError:
        told = datetime.strptime(created_at, "%B-%d-%Y")  # BEAM's; made aware below
    return told.replace(tzinfo=UTC)


def _score_recall(retrieval: Any, portal: BlockingPortal, quick: bool) -> Table:
    rows: list[tuple[str, ...]] = []
    for name in RETRIEVAL_SETS:
        cases = CASES_QUICK if quick else None
        scored = retrieval.run(name, partial(Memory, portal), cases)
        rows += [
            _scores(name, "dreamkeep", scored),
            _scores("", "FTS5, OR, no stop words", retrieval.run(name, "fts5stop", cases)),
        ]
        if not quick:
            five, ten = WITH_EMBEDDINGS[name]
            rows.append(("", "", "FTS5 + MiniLM, scores summed", five, ten, *[""] * 4))
    return Table(
        title="Recall",
        columns=("data", "questions / facts", "who", "R@5", "R@10", "MRR", "NDCG@10", "R@10, 95 %", "ms p50 / p95"),
        rows=tuple(rows),
        note="dreamkeep through stdio with the real client, by the embedder that comes with it; FTS5 is the scorer's, "
        "in memory in its own process; the row with embeddings summed is from the README beside the data.",
    )


def _scores(data: str, who: str, scored: dict[str, Any]) -> tuple[str, ...]:
    low, high = scored["ci95_recall10"]
    return (
        data,
        f"{scored['n']:,} / {scored['items']:,}",
        who,
        *(f"{scored[figure]:.3f}" for figure in ("recall@5", "recall@10", "mrr@10", "ndcg@10")),
        f"{low:.3f} - {high:.3f}",
        f"{scored['ms_p50']:.1f} / {scored['ms_p95']:.1f}",
    )


class Dreamer:
    """Dreams once over each list of texts, and answers for both readings of the proposal."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._dreamt: dict[str, tuple[dict[str, list[str]], list[dict[str, Any]]]] = {}

    def included(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the memory as the proposal shows it: what is only suggested stays out."""
        return self._read(items, ("included",))

    def accepted(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the memory as it would be if somebody accepted every suggestion."""
        return self._read(items, ("included", "suggested"))

    def _read(self, items: Sequence[dict[str, Any]], decisions: tuple[str, ...]) -> dict[str, Any]:
        key = json.dumps([(item["id"], item["text"]) for item in items])
        if key not in self._dreamt:
            memory = Memory(self._portal)
            times = [at for item in items if (at := said_at(item["created_at"])) is not None]
            # The data is years old. Told as it is, all of it would only be stale.
            memory.ingest(items, later=datetime.now(UTC) - max(times) if times else timedelta())
            changes = memory.run(partial(_dream, memory.call))
            memory.close()
            self._dreamt[key] = (dict(memory.items), changes)
        entries, changes = self._dreamt[key]
        return outcome(items, entries, changes, decisions)


async def _dream(call: Call) -> list[dict[str, Any]]:
    dream = await dream_through(call, STORE, sessions="none")
    if dream["status"] != "completed":
        raise SystemExit(f"quality: a dream ended as {dream['status']}: {dream.get('error')}")
    return await all_pages(call, "review_dream", "full", dream_id=dream["dream_id"], only=["included", "suggested"])


def outcome(
    items: Sequence[dict[str, Any]],
    entries: dict[str, list[str]],
    changes: Sequence[dict[str, Any]],
    decisions: tuple[str, ...],
) -> dict[str, Any]:
    """Return the memory after the changes, as the dream scorer takes it.

    A change applies whole, or not at all when an earlier one closed what it reads. A conflict is a remark
    for whoever reviews, so it counts however it was decided.
    """
    by_id = {item["id"]: item for item in items}
    live = {entry: dict(by_id[ids[0]], sources=list(ids)) for entry, ids in entries.items()}
    retired: dict[str, str] = {}
    conflicts: list[tuple[str, str]] = []
    for change in sorted(changes, key=_included_first):
        read = [entry["id"] for entry in change["before"]]
        if change["operation"] == "conflict":
            conflicts += [
                (left, right)
                for one, other in itertools.combinations(read, 2)
                for left, right in itertools.product(entries[one], entries[other])
            ]
        elif change["decision"] in decisions and all(entry in live for entry in read):
            _apply(change, live, retired)
    return {"items": list(live.values()), "retired": retired, "conflicts": conflicts}


def _included_first(change: dict[str, Any]) -> tuple[bool, int]:
    return change["decision"] != "included", int(change["change"][1:])


def _apply(change: dict[str, Any], live: dict[str, Any], retired: dict[str, str]) -> None:
    """Apply one change to `live`, and note in `retired` what stands for nothing any more.

    What is merged or split is stood for by what the change opens, or, where it opens nothing, by the entry that it
    read and keeps. What is superseded or archived is let go; an entry that is opened again stays what it was.
    """
    closed = {entry["id"]: live.pop(entry["id"]) for entry in change["before"] if entry.get("closes")}
    kept = [entry["id"] for entry in change["before"] if not entry.get("closes")]
    sources = [source for item in closed.values() for source in item["sources"]]
    for state in change["after"]:
        like = closed.get(state["id"]) or next(iter(closed.values()), NOBODY)
        live[state["id"]] = {**like, "id": like.get("id", state["id"]), "text": state["content"], "sources": []}
    if change["operation"] in ("merge", "split"):
        for entry in [state["id"] for state in change["after"]] or kept:
            live[entry]["sources"] = [*live[entry]["sources"], *sources]
        return
    for entry, item in closed.items():
        if entry in live:
            live[entry]["sources"] = item["sources"]
        else:
            retired.update(dict.fromkeys(item["sources"], change["operation"]))


def _by_category(dreams: Any, dreamer: Dreamer) -> list[tuple[str, ...]]:
    """Return a row for each kind of LoCoMo's questions; its dreams are there already."""
    by_dream = [
        recall_by_category(dreams, dream)
        for dream in (dreams.DREAMS["cos90"], dreams.DREAMS["identity"], dreamer.included, dreamer.accepted)
    ]
    return [
        (
            f"LoCoMo: recall in 500 tokens, {category}",
            "higher" if category == "multi-hop" else "",
            *(f"{found[category]:.3f}" for found in by_dream),
        )
        for category in CATEGORIES
    ]


def _newer_first(dreams: Any, portal: BlockingPortal) -> list[tuple[str, ...]]:
    """Return how often recall, before and after a dream that nobody reviewed, puts the newer statement first."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for _, items, questions in dreams.beam_pairs("knowledge_update", "original_info", "updated_info"):
        memory = Memory(portal)
        times = [at for item in items if (at := said_at(item["created_at"])) is not None]
        memory.ingest(items, later=datetime.now(UTC) - max(times))
        before += newer_first(memory.search, questions)
        memory.run(partial(_dream, memory.call))
        after += newer_first(memory.search, questions)
        memory.close()
    told = [f"{counts['first']} / {counts['in_ten']} of {counts['asked']}" for counts in (before, after)]
    return [("BEAM, the server's recall: newer first / in ten", ".85", "", told[0], told[1], "")]


def _planted(dreams: Any, retrieval: Any, dreamer: Dreamer) -> list[tuple[str, ...]]:
    """Return how many copies in the same words are merged by what a dream includes, in each data set."""
    rows: list[tuple[str, ...]] = []
    for name, items in planted_sets(dreams, retrieval):
        with_copies, copy_of = planted(items)
        found, wrong = score_planted(with_copies, copy_of, dreamer.included(with_copies))
        told = f"{found / len(copy_of):.3f} of {len(copy_of)}; {wrong} wrong"
        rows.append((f"same words planted in {name}: merged", ".95", "", "0", told, ""))
    return rows


def _score_dreams(dreams: Any, dreamer: Dreamer, tasks: Sequence[str]) -> tuple[Table, dict[str, dict[str, Any]]]:
    """Return what the scorer says about every dream in every task, as a table and as it is."""
    add_naive_dreams(dreams)
    dreams.DREAMS["included"] = dreamer.included
    dreams.DREAMS["accepted"] = dreamer.accepted
    rows: list[tuple[str, ...]] = []
    by_dream: dict[str, dict[str, Any]] = {}
    for task in tasks:
        scored = _run_scorer(dreams, task, tuple(NAMES))
        by_dream.update(scored)
        for name, who in NAMES.items():
            figures = scored[f"{name}/{task}"]
            shown = ", ".join(
                f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()
            )
            rows.append((task, who, shown))
    table = Table(
        title="Dream, rules judge",
        columns=("task", "who", "figures"),
        rows=tuple(rows),
        note="Through stdio with the real client, worker and review. The times of each store are moved so that its "
        "newest fact is of today. `with all it suggests` is what would be left if somebody accepted every suggestion.",
    )
    return table, by_dream


NOBODY: dict[str, Any] = {"created_at": None, "session": None, "speaker": None}
NAMES = {
    "included": "dreamkeep, what it includes",
    "accepted": "dreamkeep, with all it suggests",
    "identity": "nothing done",
    "jac60": "Jaccard .6 merges",
    "cos90": "cosine .9 merges",
    "newest": "of cosine .7 the newest",
}


def _run_scorer(dreams: Any, task: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run the scorer's own command line, and return what it writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.json"
        arguments = [argument for name in names for argument in ("--dream", name)]
        before = sys.argv
        sys.argv = ["dreams.py", *arguments, "--task", task, "--json", str(file)]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                dreams.main()
        finally:
            sys.argv = before
        return json.loads(file.read_text(encoding="utf-8"))
