"""How well every entry of a store answers a query: what it says itself, what its occasion lends it, small weights.

    own   = cosine + 0.3 * (bm25 + dated) / ln(entries + 1)
    score = own + 0.3 * best own of its occasion + 0.2 * best own of its two neighbours in time, if above 0
            + weights for tier, freshness and outcomes, between -0.21 and +0.05 together

The scores of words and meaning are summed, since sums found more than joined ranks on every data set tried;
ln(entries + 1) keeps the words' share as a store grows. An occasion is entries said within 30 minutes of the
one before: what was said together is about one thing, and the answer often stands beside the match. No term
depends on which page or filter was asked for. `tests/bench/run.py quality` measures it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from dreamkeep_server.ranking.dates import DatePart
from dreamkeep_server.ranking.timeline import Fared, Timeline
from dreamkeep_server.staleness import HALF_LIFE_DAYS
from dreamkeep_store.models import TIERS, Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    type_of_floats = NDArray[np.float64]

WORDS_WEIGHT: Final = 0.3
OCCASION_WEIGHT: Final = 0.3
NEIGHBOUR_WEIGHT: Final = 0.2
OCCASION_GAP_MICROSECONDS: Final = 30 * 60 * 1_000_000
COSINE_MIN: Final = 0.2
"""An entry that says no word of the query, and is less near than this, is no answer."""
TIER_WEIGHT: Final[Mapping[Tier, float]] = {"persistent": 0.02, "standard": 0.0, "ephemeral": -0.02}
FRESHNESS_WEIGHT: Final = 0.03
"""What an entry loses when it is as stale as can be; one that was just said loses nothing."""
USEFUL_WEIGHT: Final = 0.03
"""What an entry gains at most for having been useful: half of it for the first time."""
WRONG_WEIGHT: Final = 0.16
"""What an entry loses at most for having been wrong or outdated: half of it for the first time."""
_MICROSECONDS_A_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an entry's score is made of."""

    words: float
    """Its BM25, and what the dates that the query names add to it, with their weight."""
    meaning: float | None
    """Its cosine with the query; None without a vector."""
    occasion: float
    """What its occasion and its neighbours lend it."""
    tier: float
    freshness: float
    outcomes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Every entry of some stores, scored."""

    content_ids: "NDArray[np.int64]"
    roots: "NDArray[np.int64]"
    words: "type_of_floats"
    meaning: "type_of_floats"
    """Not a number where there is no vector."""
    occasion: "type_of_floats"
    tier: "type_of_floats"
    freshness: "type_of_floats"
    outcomes: "type_of_floats"

    @property
    def total(self) -> "type_of_floats":
        """The scores."""
        import numpy as np

        return self.words + np.nan_to_num(self.meaning) + self.occasion + self.tier + self.freshness + self.outcomes

    @property
    def answers(self) -> "NDArray[np.bool_]":
        """Which entries are an answer at all: those that say a word, were said then, or are near."""
        import numpy as np

        return (self.words > 0) | (np.nan_to_num(self.meaning) >= COSINE_MIN)

    def parts(self, row: int) -> Parts:
        """What one row's score is made of."""
        import math

        cosine = float(self.meaning[row])
        return Parts(
            words=float(self.words[row]),
            meaning=None if math.isnan(cosine) else cosine,
            occasion=float(self.occasion[row]),
            tier=float(self.tier[row]),
            freshness=float(self.freshness[row]),
            outcomes=float(self.outcomes[row]),
        )


def scored(
    line: Timeline,
    *,
    bm25: Mapping[int, float],
    cosines: "Callable[[NDArray[np.int64]], type_of_floats] | None",
    dates: Sequence[DatePart],
    fared: Fared | None,
    now: datetime,
) -> Scores:
    """Every entry of one store, scored.

    `bm25` is by text; `cosines` gives those of texts by number, not a number where there is none.
    """
    import numpy as np

    entries = line.entries
    content_ids, asserted = line.content_ids, entries[:, 4]
    size = len(entries)
    said = _of_texts(content_ids, bm25) + _dated(asserted, dates)
    words = WORDS_WEIGHT * said / np.log(max(size, 1) + 1)
    meaning = np.full(size, np.nan) if cosines is None else cosines(content_ids)
    own = words + np.nan_to_num(meaning)
    tier = np.array([TIER_WEIGHT[name] for name in TIERS])[entries[:, 3]]
    freshness, outcomes = _weights(entries, fared, now)
    return Scores(
        content_ids=content_ids,
        roots=entries[:, 1],
        words=words,
        meaning=meaning,
        occasion=_lent(own, asserted),
        tier=tier,
        freshness=freshness,
        outcomes=outcomes,
    )


def joined(scores: Sequence[Scores]) -> Scores:
    """The entries of several stores as one."""
    import numpy as np

    return Scores(
        content_ids=np.concatenate([one.content_ids for one in scores]),
        roots=np.concatenate([one.roots for one in scores]),
        words=np.concatenate([one.words for one in scores]),
        meaning=np.concatenate([one.meaning for one in scores]),
        occasion=np.concatenate([one.occasion for one in scores]),
        tier=np.concatenate([one.tier for one in scores]),
        freshness=np.concatenate([one.freshness for one in scores]),
        outcomes=np.concatenate([one.outcomes for one in scores]),
    )


def best(scores: Scores, count: int) -> list[int]:
    """The rows of the `count` best answers, best first; of equal ones the one that was written last."""
    import numpy as np

    total = scores.total
    rows = np.flatnonzero(scores.answers)
    if count < len(rows):
        # Whatever equals the last of them comes along, so that the choice does not hang on the order of rows.
        least = np.partition(total[rows], len(rows) - count)[len(rows) - count]
        rows = rows[total[rows] >= least]
    ordered = rows[np.lexsort((-scores.roots[rows], -total[rows]))]
    return ordered[:count].tolist()


def _of_texts(content_ids: "NDArray[np.int64]", bm25: Mapping[int, float]) -> "type_of_floats":
    """Each entry's BM25 by its text, 0 where it says no word."""
    import numpy as np

    if not bm25:
        return np.zeros(len(content_ids))
    texts = np.fromiter(bm25.keys(), np.int64, len(bm25))
    order = np.argsort(texts)
    texts = texts[order]
    values = np.fromiter(bm25.values(), np.float64, len(bm25))[order]
    place = np.minimum(np.searchsorted(texts, content_ids), len(texts) - 1)
    return np.where(texts[place] == content_ids, values[place], 0.0)


def _dated(asserted: "NDArray[np.int64]", dates: Sequence[DatePart]) -> "type_of_floats":
    """For each part of a date that the query names: its weight as a word, on entries that were said then (UTC)."""
    import numpy as np

    total = np.zeros(len(asserted))
    if not dates:
        return total
    times = asserted.astype("datetime64[us]")
    months = times.astype("datetime64[M]")
    parts = {
        "year": times.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (times.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1,
    }
    for part, number in dates:
        then = parts[part] == number
        count = int(then.sum())
        if count:
            total[then] += max(0.0, float(np.log((len(asserted) - count + 0.5) / (count + 0.5))))
    return total


def _lent(own: "type_of_floats", asserted: "NDArray[np.int64]") -> "type_of_floats":
    """What each entry gets from its occasion and its neighbours in it."""
    import numpy as np

    if not len(own):
        return own
    begins = np.flatnonzero(np.diff(asserted, prepend=asserted[0]) > OCCASION_GAP_MICROSECONDS)
    starts = np.concatenate(([0], begins))
    lengths = np.diff(np.append(starts, len(own)))
    best_own = np.repeat(np.maximum.reduceat(own, starts), lengths)
    before = np.concatenate(([0.0], own[:-1]))
    before[starts] = 0.0
    after = np.concatenate((own[1:], [0.0]))
    after[starts[1:] - 1] = 0.0
    return OCCASION_WEIGHT * best_own + NEIGHBOUR_WEIGHT * np.maximum(0.0, np.maximum(before, after))


def _weights(
    entries: "NDArray[np.int64]", fared: Fared | None, now: datetime
) -> "tuple[type_of_floats, type_of_floats]":
    """The weights for freshness, as `staleness.freshness` has it, and for outcomes."""
    import numpy as np

    last = entries[:, 4].copy()
    half_lives = np.array([HALF_LIFE_DAYS[name] for name in TIERS])[entries[:, 3]]
    outcomes = np.zeros(len(entries))
    rows = np.zeros((0, 5), np.int64) if fared is None else fared.rows()
    if len(rows):
        order = np.argsort(entries[:, 0])
        place = np.minimum(np.searchsorted(entries[order, 0], rows[:, 0]), len(entries) - 1)
        at = order[place]
        there = entries[at, 0] == rows[:, 0]
        at, rows = at[there], rows[there]
        useful, wrong = rows[:, 1], rows[:, 2] + rows[:, 3]
        last[at] = np.maximum(last[at], rows[:, 4])
        half_lives[at] *= 1 + np.log2(1 + useful)
        outcomes[at] = USEFUL_WEIGHT * useful / (useful + 1) - WRONG_WEIGHT * wrong / (wrong + 1)
    idle_days = np.maximum(0.0, (int(now.timestamp() * 1_000_000) - last) / _MICROSECONDS_A_DAY)
    return FRESHNESS_WEIGHT * (np.power(0.5, idle_days / half_lives) - 1), outcomes
