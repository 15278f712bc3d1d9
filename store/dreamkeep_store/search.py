"""Search over one version or the head: which entries say these words, and how well (BM25), and which say these texts.

Ranking beyond the words themselves is not decided here, nor which texts are near.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from dreamkeep_store import names
from dreamkeep_store.database import Row, Transaction, from_micros, to_micros
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.limits import check_text, check_topic
from dreamkeep_store.models import EntryId, Match, Recalled, RevisionId, Search, StoreName, WordScores
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.revisions import to_entry
from dreamkeep_store.versions import base_seq, check_page, find_version

WORD = re.compile(r"[^\W_]+")
WORDS_MAX = 64
"""A longer query is searched by its rarest words."""
QUERY_BYTES_MAX = 102_400
FETCH_FIRST = 200
FETCH_GROWTH = 8
POSTINGS_MAX = 5_000
"""Texts that a query may look into before its commonest words are left out."""
COMMON_SHARE = 0.03
"""A word in more than this share of the texts is left out when rarer ones remain: it costs most of the
time and decides almost nothing (measured at 100,000 entries: p95 from 80 ms to 18)."""
RECALLS_KEPT = 2_000
"""Recorded recalls per store; older ones make room."""

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "done",
        "for",
        "from",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "me",
        "might",
        "more",
        "most",
        "my",
        "no",
        "nor",
        "not",
        "of",
        "off",
        "on",
        "once",
        "one",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "s",
        "same",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "t",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yours",
        "d",
        "ll",
        "m",
        "re",
        "ve",
        "may",
        "must",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The entries that say words, best first, and how well."""

    rows: Sequence[Row]
    scores: Mapping[int, float]
    """BM25 of every text that was looked at, shown or not."""
    words: Sequence[str]


def search(tx: Transaction, wanted: Search, visible: Visible) -> list[Match]:
    """The matching entries, best first; of equal ones the text that was written last, then by id."""
    asked = _parameters(tx, wanted, visible)
    page = slice(wanted.offset, wanted.offset + wanted.limit)
    if not wanted.query.strip():
        return _matches(_newest(tx, asked)[page], {}, ())
    said = _saying(tx, asked, wanted.query)
    return _matches(said.rows[page], said.scores, said.words)


def word_scores(
    tx: Transaction, query: str, stores: Sequence[StoreName], *, enough: int, limit: int, visible: Visible
) -> WordScores:
    """How well the texts of these stores say the query's words, of the best ones.

    It looks at `limit` texts first, and at more while fewer than `enough` of them are the stores' own.
    """
    _check_query(query)
    store_ids = json.dumps([names.find(tx, store, visible).store_id for store in stores])
    words, common = choose_words(tx, query)
    if not words:
        return WordScores(scores={}, words=())
    scores = _scores(tx, words, store_ids, enough, limit)
    if common and len(scores) < enough:
        words = [*words, *common]
        scores = _scores(tx, words, store_ids, enough, limit)
    return WordScores(scores=scores, words=tuple(words))


def _scores(tx: Transaction, words: Sequence[str], store_ids: str, enough: int, limit: int) -> dict[int, float]:
    while True:
        rows = tx.rows(
            """
            WITH hit AS MATERIALIZED (
                SELECT rowid AS content_id, -rank AS score FROM content_fts
                WHERE content_fts MATCH :match ORDER BY rank, rowid DESC LIMIT :limit
            )
            SELECT hit.content_id, hit.score, content.store_id IN (SELECT value FROM json_each(:stores)) AS is_own
            FROM hit CROSS JOIN content ON content.content_id = hit.content_id
            """,
            {"match": match_expression(words), "limit": limit, "stores": store_ids},
        )
        scores: dict[int, float] = {row["content_id"]: row["score"] for row in rows if row["is_own"]}
        if len(scores) >= enough or len(rows) < limit:
            return scores
        limit *= FETCH_GROWTH


def saying(tx: Transaction, wanted: Search, contents: Sequence[int], visible: Visible) -> list[Match]:
    """The entries that say these texts, in the order of these; of several that say the same, the newest first.

    They are in the version asked for and pass the filters; the query and the page play no part.
    """
    order = {content_id: place for place, content_id in enumerate(contents)}
    rows = sorted(
        _shown(tx, _parameters(tx, wanted, visible), order),
        key=lambda row: (order[row["content_id"]], -row["asserted_at"], row["entry_id"]),
    )
    return _matches(rows, {}, ())


def suggested_newer(tx: Transaction, revisions: Sequence[RevisionId]) -> dict[EntryId, EntryId]:
    """Of these live revisions' entries, the live ones that a dream suggests in their place, and nobody decided on.

    What came from a tool or from outside is named in the place of its like only.
    """
    rows = tx.rows(
        """
        SELECT old.entry_id AS older, new.entry_id AS newer
        FROM json_each(:revisions) AS asked
        CROSS JOIN change_read AS goes ON goes.revision_id = asked.value AND goes.closes = 1
        CROSS JOIN change ON change.change_id = goes.change_id
            AND change.decision = 'suggested' AND change.operation IN ('supersede', 'conflict')
        CROSS JOIN version ON version.store_id = change.store_id AND version.number = change.version
            AND version.state != 'discarded'
        CROSS JOIN revision AS old ON old.revision_id = goes.revision_id AND old.to_seq IS NULL
        CROSS JOIN change_read AS stays ON stays.change_id = change.change_id
        CROSS JOIN revision AS new ON new.revision_id = stays.revision_id AND new.to_seq IS NULL
        WHERE new.entry_id != old.entry_id
            AND (new.trust NOT IN ('tool', 'external') OR old.trust IN ('tool', 'external'))
            AND NOT EXISTS (SELECT 1 FROM change_open AS made
                WHERE made.change_id = change.change_id AND made.entry_id = old.entry_id)
            AND (stays.closes = 0 OR EXISTS (SELECT 1 FROM change_open AS made
                WHERE made.change_id = change.change_id AND made.entry_id = new.entry_id))
        ORDER BY change.change_id, new.entry_id
        """,
        {"revisions": json.dumps(revisions)},
    )
    return {EntryId(row["older"]): EntryId(row["newer"]) for row in rows}


def _matches(rows: Iterable[Row], scores: Mapping[int, float], words: Sequence[str]) -> list[Match]:
    said = tuple(words)
    return [
        Match(entry=to_entry(row), content_id=row["content_id"], score=scores.get(row["content_id"], 0.0), words=said)
        for row in rows
    ]


def _parameters(tx: Transaction, wanted: Search, visible: Visible) -> dict[str, object]:
    check_page(wanted.limit, wanted.offset)
    _check_query(wanted.query)
    stores = [names.find(tx, store, visible) for store in wanted.stores]
    if not stores:
        raise InvalidError("No store was named to search in.")
    if wanted.version is not None and len(stores) != 1:
        raise InvalidError("A version number belongs to one store: name that store, or read version='head'.")
    seq: int | None = None
    proposal: int | None = None
    if wanted.version is not None:
        version = find_version(tx, stores[0], wanted.version)
        if version["state"] == "discarded":
            raise InvalidError(f"Version {wanted.version} of store {stores[0].name} was discarded; read another one.")
        seq = version["seq"]
        if seq is None:
            seq, proposal = base_seq(tx, stores[0], version), wanted.version
    return {
        "stores": json.dumps([store.store_id for store in stores]),
        "seq": seq,
        "proposal": proposal,
        "tiers": json.dumps(wanted.tiers) if wanted.tiers else None,
        "tags": json.dumps(wanted.tags) if wanted.tags else None,
        "topic": check_topic(wanted.topic),
        "since": None if wanted.since is None else to_micros(wanted.since),
        "until": None if wanted.until is None else to_micros(wanted.until),
        "wanted": wanted.offset + wanted.limit,
    }


def _check_query(query: str) -> None:
    if len(query.encode(errors="replace")) > QUERY_BYTES_MAX:
        raise InvalidError(f"The query has more than {QUERY_BYTES_MAX:,} bytes. Ask in a sentence or a few words.")
    check_text(query, "query")


def choose_words(tx: Transaction, query: str) -> tuple[list[str], list[str]]:
    """The query's words worth searching for, in its order, without stop words; and the needlessly common ones.

    Those are left out as long as the others find enough.
    """
    unique = list(dict.fromkeys(WORD.findall(unicodedata.normalize("NFC", query).lower())))
    words = [word for word in unique if word not in STOP_WORDS] or unique
    if not words:
        return [], []
    counts = _text_counts(tx, words)
    words = [word for word in words if counts[word]]
    if len(words) <= WORDS_MAX and sum(counts[word] for word in words) <= POSTINGS_MAX:
        return words, []
    texts = tx.value("SELECT COUNT(*) FROM content_fts_docsize")
    rarest = sorted(words, key=lambda word: (counts[word], word))[:WORDS_MAX]
    kept = set(takewhile(lambda word: counts[word] <= COMMON_SHARE * texts, rarest)) or {rarest[0]}
    return [word for word in words if word in kept], [word for word in rarest if word not in kept]


def _text_counts(tx: Transaction, words: Sequence[str]) -> dict[str, int]:
    """In how many texts each word stands, by the stems that the index knows it by.

    Only the index's own tokenizer knows them, so the words go through a private index of this connection.
    """
    if tx.value("SELECT 1 FROM temp.sqlite_schema WHERE name = 'query_fts'") is None:
        tx.execute(
            "CREATE VIRTUAL TABLE temp.query_fts USING fts5(text, tokenize='porter unicode61 remove_diacritics 2')"
        )
        tx.execute("CREATE VIRTUAL TABLE temp.query_term USING fts5vocab(temp, query_fts, instance)")
    tx.execute("DELETE FROM temp.query_fts")
    tx.execute_many(
        "INSERT INTO temp.query_fts (rowid, text) VALUES (:id, :word)",
        ({"id": index, "word": word} for index, word in enumerate(words)),
    )
    counts: dict[str, int] = dict.fromkeys(words, 0)
    for row in tx.rows(
        """
        SELECT query_term.doc AS word, MIN(COALESCE(
            (SELECT content_term.doc FROM content_term WHERE content_term.term = query_term.term), 0
        )) AS texts
        FROM temp.query_term GROUP BY query_term.doc
        """
    ):
        counts[words[int(row["word"])]] = row["texts"]
    return counts


def match_expression(words: Sequence[str]) -> str:
    """The FTS5 query for any of these words; each is quoted, so none is read as syntax."""
    return " OR ".join(f'"{word}"' for word in words)


def _saying(tx: Transaction, asked: Mapping[str, object], query: str) -> _Said:
    """The entries that say a word of the query; the commonest words count only where the others find too few."""
    words, common = choose_words(tx, query)
    if not words:
        return _Said(rows=(), scores={}, words=())
    said = _saying_any(tx, asked, words)
    if not common or len(said.rows) >= _wanted(asked):
        return said
    more = _saying_any(tx, asked, common)
    return _Said(
        rows=[*said.rows, *(row for row in more.rows if row["content_id"] not in said.scores)],
        scores={**more.scores, **said.scores},
        words=(*words, *common),
    )


def _wanted(asked: Mapping[str, object]) -> int:
    wanted = asked["wanted"]
    assert isinstance(wanted, int)
    return wanted


def _saying_any(tx: Transaction, asked: Mapping[str, object], words: Sequence[str]) -> _Said:
    """Over-fetch from the index, filter, and fetch more until there is enough or no more."""
    fetch = max(FETCH_FIRST, 4 * _wanted(asked))
    while True:
        hits = tx.rows(
            """
            SELECT rowid AS content_id, -rank AS score FROM content_fts
            WHERE content_fts MATCH :match ORDER BY rank, rowid DESC LIMIT :fetch
            """,
            {"match": match_expression(words), "fetch": fetch},
        )
        scores = {row["content_id"]: row["score"] for row in hits}
        rows = _shown(tx, asked, scores)
        if len(rows) >= _wanted(asked) or len(hits) < fetch:
            best_first = sorted(
                rows,
                key=lambda row: (
                    -scores[row["content_id"]],
                    -row["content_id"],
                    -row["asserted_at"],
                    row["entry_id"],
                ),
            )
            return _Said(rows=best_first, scores=scores, words=words)
        fetch *= FETCH_GROWTH


def _shown(tx: Transaction, asked: Mapping[str, object], contents: Iterable[int]) -> Sequence[Row]:
    """The entries that say these texts in the version asked for, and pass the filters; in no order."""
    return tx.rows(
        """
        WITH hit AS MATERIALIZED (
            SELECT value AS content_id FROM json_each(:contents)
        ), shown AS (
            SELECT
                entry.revision_id, entry.store_id, entry.store, entry.entry_id, entry.content_id, entry.content,
                entry.tier, entry.tags, entry.topic, entry.trust, entry.asserted_at, entry.session_id, entry.dream_id,
                entry.recalls, entry.useful, entry.wrong, entry.outdated, entry.recalled_at, entry.useful_at
            FROM hit CROSS JOIN entry ON entry.content_id = hit.content_id
            WHERE CASE WHEN :seq IS NULL THEN entry.to_seq IS NULL
                    ELSE entry.from_seq <= :seq AND (entry.to_seq IS NULL OR entry.to_seq > :seq) END
                AND (:proposal IS NULL OR NOT EXISTS (
                    SELECT 1 FROM change_read
                    CROSS JOIN change ON change.change_id = change_read.change_id
                    WHERE change_read.revision_id = entry.revision_id AND change_read.closes = 1
                        AND change.version = :proposal AND change.decision = 'included' AND change.applied IS NULL
                ))
            UNION ALL
            SELECT
                made.revision_id, made.store_id, made.store, made.entry_id, made.content_id, made.content,
                made.tier, made.tags, made.topic, made.trust, made.asserted_at, made.session_id, made.dream_id,
                made.recalls, made.useful, made.wrong, made.outdated, made.recalled_at, made.useful_at
            FROM hit
            CROSS JOIN change_open ON change_open.content_id = hit.content_id
            CROSS JOIN proposed_entry AS made ON made.revision_id = -change_open.open_id
                AND made.change_id = change_open.change_id
            WHERE made.version = :proposal AND made.decision = 'included'
        )
        SELECT * FROM shown
        WHERE store_id IN (SELECT value FROM json_each(:stores))
            AND (:tiers IS NULL OR tier IN (SELECT value FROM json_each(:tiers)))
            AND (:tags IS NULL OR NOT EXISTS (
                SELECT 1 FROM json_each(:tags) AS want
                WHERE want.value NOT IN (SELECT has.value FROM json_each(shown.tags) AS has)
            ))
            AND (:topic IS NULL OR topic = :topic OR (topic > :topic || '/' AND topic < :topic || '0'))
            AND (:since IS NULL OR asserted_at >= :since)
            AND (:until IS NULL OR asserted_at <= :until)
        """,
        {**asked, "contents": json.dumps(list(contents))},
    )


def _newest(tx: Transaction, asked: Mapping[str, object]) -> Sequence[Row]:
    """The entries that the version shows and that pass the filters, newest first, as many as are wanted.

    The filters stand here a second time: over all entries, going by texts as `_shown` does takes several times as long.
    """
    rows = tx.rows(
        """
        SELECT entry.* FROM entry
        WHERE entry.store_id IN (SELECT value FROM json_each(:stores))
            AND CASE WHEN :seq IS NULL THEN entry.to_seq IS NULL
                ELSE entry.from_seq <= :seq AND (entry.to_seq IS NULL OR entry.to_seq > :seq) END
            AND (:proposal IS NULL OR NOT EXISTS (
                SELECT 1 FROM change_read
                CROSS JOIN change ON change.change_id = change_read.change_id
                WHERE change_read.revision_id = entry.revision_id AND change_read.closes = 1
                    AND change.version = :proposal AND change.decision = 'included' AND change.applied IS NULL
            ))
            AND (:tiers IS NULL OR entry.tier IN (SELECT value FROM json_each(:tiers)))
            AND (:tags IS NULL OR NOT EXISTS (
                SELECT 1 FROM json_each(:tags) AS want
                WHERE want.value NOT IN (SELECT has.value FROM json_each(entry.tags) AS has)
            ))
            AND (:topic IS NULL OR entry.topic = :topic
                OR (entry.topic > :topic || '/' AND entry.topic < :topic || '0'))
            AND (:since IS NULL OR entry.asserted_at >= :since)
            AND (:until IS NULL OR entry.asserted_at <= :until)
        ORDER BY entry.asserted_at DESC, entry.entry_id LIMIT :wanted
        """,
        asked,
    )
    made = tx.rows(
        """
        SELECT DISTINCT change_open.content_id FROM change
        CROSS JOIN change_open ON change_open.change_id = change.change_id
        WHERE change.store_id IN (SELECT value FROM json_each(:stores))
            AND change.version = :proposal AND change.decision = 'included'
        """,
        asked,
    )
    if not made:
        return rows
    proposed = [row for row in _shown(tx, asked, [row["content_id"] for row in made]) if row["revision_id"] < 0]
    return sorted((*rows, *proposed), key=lambda row: (-row["asserted_at"], row["entry_id"]))


def record_recalls(tx: Transaction, recalls: Sequence[Recalled], visible: Visible) -> None:
    """Write answered recalls down, without a seq: they are usage, not history."""
    for recalled in recalls:
        if recalled.store not in names.names(tx, visible):
            continue  # it was renamed or merged since
        store = names.find(tx, recalled.store, visible)
        at = to_micros(recalled.at)
        tx.execute(
            "INSERT INTO recall (store_id, query, entry_ids, at) VALUES (:store_id, :query, :entry_ids, :at)",
            {
                "store_id": store.store_id,
                "query": recalled.query,
                "entry_ids": json.dumps(recalled.entry_ids),
                "at": at,
            },
        )
        tx.execute(
            """
            INSERT INTO usage (entry_id, store_id, recalls, recalled_at)
            SELECT value, :store_id, 1, :at FROM json_each(:ids) WHERE true
            ON CONFLICT (entry_id) DO UPDATE SET
                recalls = recalls + 1, recalled_at = MAX(COALESCE(recalled_at, 0), excluded.recalled_at)
            """,
            {"store_id": store.store_id, "ids": json.dumps(recalled.entry_ids), "at": at},
        )
        tx.execute(
            """
            DELETE FROM recall WHERE store_id = :store_id AND recall_id <= (
                SELECT recall_id FROM recall WHERE store_id = :store_id
                ORDER BY recall_id DESC LIMIT 1 OFFSET :kept
            )
            """,
            {"store_id": store.store_id, "kept": RECALLS_KEPT},
        )


def recorded_recalls(tx: Transaction, store: StoreRow, before: int, limit: int) -> list[Recalled]:
    """The newest recalls until then that found something, one for each query, newest first."""
    rows = tx.rows(
        """
        SELECT query, entry_ids, MAX(at) AS at FROM recall
        WHERE store_id = :store_id AND at <= :before AND query != '' AND entry_ids != '[]'
        GROUP BY query ORDER BY MAX(recall_id) DESC LIMIT :limit
        """,
        {"store_id": store.store_id, "before": before, "limit": limit},
    )
    return [
        Recalled(
            store=store.name,
            query=row["query"],
            entry_ids=tuple(EntryId(entry_id) for entry_id in json.loads(row["entry_ids"])),
            at=from_micros(row["at"]),
        )
        for row in rows
    ]
