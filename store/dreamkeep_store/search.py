"""Full-text search over one version or the head: which entries say these words, and how well (BM25).

Ranking beyond the words themselves is not decided here.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import takewhile

from dreamkeep_store import names
from dreamkeep_store.database import Row, Transaction, from_micros, to_micros
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.limits import check_text, check_topic
from dreamkeep_store.models import EntryId, Match, Recalled, Search
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


def search(tx: Transaction, wanted: Search, visible: Visible) -> list[Match]:
    """The matching entries, best first; of equal ones the text that was written last, then by id."""
    check_page(wanted.limit, wanted.offset)
    if len(wanted.query.encode(errors="replace")) > QUERY_BYTES_MAX:
        raise InvalidError(f"The query has more than {QUERY_BYTES_MAX:,} bytes. Ask in a sentence or a few words.")
    check_text(wanted.query, "query")
    stores = [names.find(tx, store, visible) for store in wanted.stores]
    if not stores:
        raise InvalidError("No store was named to search in.")
    if wanted.version is not None and len(stores) != 1:
        raise InvalidError("A version number belongs to one store: name that store, or read version='head'.")
    words, common = choose_words(tx, wanted.query)
    parameters = _parameters(tx, wanted, stores)
    if not wanted.query.strip():
        rows = _newest(tx, parameters)
    elif not words:
        return []
    else:
        rows = _matching(tx, parameters, words)
        if common and len(rows) < wanted.offset + wanted.limit:
            there = {row["revision_id"] for row in rows}
            rows += [row for row in _matching(tx, parameters, common) if row["revision_id"] not in there]
            words = [*words, *common]
    return [
        Match(entry=to_entry(row), score=row["score"], words=tuple(words))
        for row in rows[wanted.offset : wanted.offset + wanted.limit]
    ]


def _parameters(tx: Transaction, wanted: Search, stores: Sequence[StoreRow]) -> dict[str, object]:
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


def _matching(tx: Transaction, parameters: Mapping[str, object], words: Sequence[str]) -> list[Row]:
    """Over-fetch from the index, filter, and fetch more until there is enough or no more."""
    wanted: int = parameters["wanted"]  # pyright: ignore[reportAssignmentType]  # set above
    fetch = max(FETCH_FIRST, 4 * wanted)
    while True:
        asked = {**parameters, "match": match_expression(words), "fetch": fetch}
        hits = tx.value(
            """
            SELECT COUNT(*) FROM (SELECT 1 FROM content_fts WHERE content_fts MATCH :match LIMIT :fetch)
            """,
            asked,
        )
        rows = [*_matching_revisions(tx, asked), *_matching_proposed(tx, asked)]
        if len(rows) >= wanted or hits < fetch:
            return sorted(
                rows, key=lambda row: (-row["score"], -row["content_id"], -row["asserted_at"], row["entry_id"])
            )
        fetch *= FETCH_GROWTH


def _matching_revisions(tx: Transaction, parameters: Mapping[str, object]) -> Sequence[Row]:
    return tx.rows(
        """
        WITH hit AS MATERIALIZED (
            SELECT rowid AS content_id, -rank AS score FROM content_fts
            WHERE content_fts MATCH :match ORDER BY rank, rowid DESC LIMIT :fetch
        )
        SELECT entry.*, hit.score FROM hit
        CROSS JOIN entry ON entry.content_id = hit.content_id
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
        """,
        parameters,
    )


def _matching_proposed(tx: Transaction, parameters: Mapping[str, object]) -> Sequence[Row]:
    if parameters["proposal"] is None:
        return ()
    return tx.rows(
        """
        WITH hit AS MATERIALIZED (
            SELECT rowid AS content_id, -rank AS score FROM content_fts
            WHERE content_fts MATCH :match ORDER BY rank, rowid DESC LIMIT :fetch
        )
        SELECT proposed_entry.*, hit.score FROM hit
        CROSS JOIN change_open ON change_open.content_id = hit.content_id
        CROSS JOIN proposed_entry ON proposed_entry.revision_id = -change_open.open_id
            AND proposed_entry.change_id = change_open.change_id
        WHERE proposed_entry.store_id IN (SELECT value FROM json_each(:stores))
            AND proposed_entry.version = :proposal AND proposed_entry.decision = 'included'
            AND (:tiers IS NULL OR proposed_entry.tier IN (SELECT value FROM json_each(:tiers)))
            AND (:tags IS NULL OR NOT EXISTS (
                SELECT 1 FROM json_each(:tags) AS want
                WHERE want.value NOT IN (SELECT has.value FROM json_each(proposed_entry.tags) AS has)
            ))
            AND (:topic IS NULL OR proposed_entry.topic = :topic
                OR (proposed_entry.topic > :topic || '/' AND proposed_entry.topic < :topic || '0'))
            AND (:since IS NULL OR proposed_entry.asserted_at >= :since)
            AND (:until IS NULL OR proposed_entry.asserted_at <= :until)
        """,
        parameters,
    )


def _newest(tx: Transaction, parameters: Mapping[str, object]) -> list[Row]:
    rows = tx.rows(
        """
        SELECT entry.*, 0.0 AS score FROM entry
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
        parameters,
    )
    if parameters["proposal"] is None:
        return list(rows)
    proposed = tx.rows(
        """
        SELECT proposed_entry.*, 0.0 AS score FROM proposed_entry
        WHERE proposed_entry.store_id IN (SELECT value FROM json_each(:stores))
            AND proposed_entry.version = :proposal AND proposed_entry.decision = 'included'
            AND (:tiers IS NULL OR proposed_entry.tier IN (SELECT value FROM json_each(:tiers)))
            AND (:tags IS NULL OR NOT EXISTS (
                SELECT 1 FROM json_each(:tags) AS want
                WHERE want.value NOT IN (SELECT has.value FROM json_each(proposed_entry.tags) AS has)
            ))
            AND (:topic IS NULL OR proposed_entry.topic = :topic
                OR (proposed_entry.topic > :topic || '/' AND proposed_entry.topic < :topic || '0'))
            AND (:since IS NULL OR proposed_entry.asserted_at >= :since)
            AND (:until IS NULL OR proposed_entry.asserted_at <= :until)
        """,
        parameters,
    )
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
