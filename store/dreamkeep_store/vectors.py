"""Vectors of texts: which are missing, keeping them, and reading them in order; bytes, never numbers.

Nothing here embeds or compares.
"""

import hashlib
from collections.abc import Mapping, Sequence

from dreamkeep_store import names
from dreamkeep_store.database import Row, Transaction
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import Embedded, StoreName, StoreVectors, TextToEmbed, VectorPage
from dreamkeep_store.names import Visible
from dreamkeep_store.recipes import find_recipe, note_progress, to_recipe
from dreamkeep_store.versions import erased

BYTES_PER_DIMENSION = 2
"""float16: half the size of float32, and no cosine of unit vectors is off by more than .001."""
TEXTS_MAX = 1_000
"""Texts or vectors in one call."""
PAGE_MAX = 100_000
FORGET_MAX = 1_000
"""Vectors that one transaction takes away; they are overwritten, page by page."""


def texts_to_embed(tx: Transaction, recipe: str, limit: int, *, newest: bool) -> list[TextToEmbed]:
    """Texts that have no vector of this recipe and no problem noted, from one end or the other."""
    if not 1 <= limit <= TEXTS_MAX:
        raise InvalidError(f"1 to {TEXTS_MAX:,} texts can be had at once, not {limit}.")
    row = find_recipe(tx, recipe)
    asked = {"recipe_id": row["recipe_id"], "through": row["through"], "limit": limit}
    rows = (
        tx.rows(
            """
            SELECT content_id, text, sha256 FROM content
            WHERE content_id > :through AND NOT EXISTS (
                SELECT 1 FROM vector WHERE vector.content_id = content.content_id AND vector.recipe_id = :recipe_id
            )
            ORDER BY content_id DESC LIMIT :limit
            """,
            asked,
        )
        if newest
        else tx.rows(
            """
            SELECT content_id, text, sha256 FROM content
            WHERE content_id > :through AND NOT EXISTS (
                SELECT 1 FROM vector WHERE vector.content_id = content.content_id AND vector.recipe_id = :recipe_id
            )
            ORDER BY content_id LIMIT :limit
            """,
            asked,
        )
    )
    return [TextToEmbed(content_id=row["content_id"], text=row["text"], sha256=row["sha256"]) for row in rows]


def put_vectors(tx: Transaction, recipe: str, embedded: Sequence[Embedded]) -> int:
    """Keep vectors, or why there are none; gives how many were new.

    Left out are those of texts that are gone, or have a row: it does no harm that two processes embed the
    same. A text's id may have gone to another text meanwhile, so its SHA-256 has to be the same as well.
    """
    if len(embedded) > TEXTS_MAX:
        raise InvalidError(f"{len(embedded):,} vectors were given and one call takes {TEXTS_MAX:,}. Split the call.")
    row = find_recipe(tx, recipe)
    new = sum(_put_vector(tx, row, one) for one in embedded)
    note_progress(tx, row)
    return new


def _put_vector(tx: Transaction, recipe: Row, one: Embedded) -> int:
    if (one.vector is None) == (one.problem is None):
        raise InvalidError(
            f"What became of text {one.content_id} is either a vector or a problem, not both and not nothing."
        )
    width = BYTES_PER_DIMENSION * recipe["dimensions"]
    if one.vector is not None and len(one.vector) != width:
        raise InvalidError(
            f"The vector of text {one.content_id} has {len(one.vector):,} bytes; those of {recipe['recipe']!r} "
            f"have {width:,}: {recipe['dimensions']} dimensions as float16."
        )
    return tx.execute(
        """
        INSERT INTO vector (store_id, content_id, recipe_id, vector, sha256, problem)
        SELECT store_id, content_id, :recipe_id, :vector, :vector_sha256, :problem FROM content
        WHERE content_id = :content_id AND sha256 = :sha256
        ON CONFLICT (content_id, recipe_id) DO NOTHING
        """,
        {
            "recipe_id": recipe["recipe_id"],
            "content_id": one.content_id,
            "sha256": one.sha256,
            "vector": one.vector,
            "vector_sha256": None if one.vector is None else hashlib.sha256(one.vector).digest(),
            "problem": one.problem,
        },
    )


def last_vector(tx: Transaction, recipe: str) -> int:
    """The newest row's number; 0 when there is none."""
    return tx.value(
        "SELECT COALESCE(MAX(vector_id), 0) FROM vector WHERE recipe_id = :recipe_id",
        {"recipe_id": find_recipe(tx, recipe)["recipe_id"]},
    )


def forget_all(tx: Transaction, recipe: str, until: int) -> bool:
    """Take the recipe's oldest rows up to `until` away, one transaction's share; whether some are left.

    From the first of them on, the recipe counts as one that never covered everything.
    """
    row = find_recipe(tx, recipe)
    asked = {"recipe_id": row["recipe_id"], "until": until, "most": FORGET_MAX}
    gone = tx.execute(
        """
        DELETE FROM vector WHERE vector_id IN (
            SELECT vector_id FROM vector
            WHERE recipe_id = :recipe_id AND vector_id <= :until ORDER BY vector_id LIMIT :most
        )
        """,
        asked,
    )
    tx.execute(
        """
        UPDATE recipe SET through = 0, complete_at = NULL, forgotten = forgotten + :gone
        WHERE recipe_id = :recipe_id
        """,
        {**asked, "gone": gone},
    )
    return gone == FORGET_MAX


def forget_failed(tx: Transaction, recipe: str, until: int) -> bool:
    """Take away what could not be embedded, so that it is tried again: as `forget_all`, of such rows only.

    Nobody holds a copy of them, and everything was covered once: neither is changed by it.
    """
    row = find_recipe(tx, recipe)
    rows = tx.rows(
        """
        SELECT vector_id, content_id FROM vector
        WHERE recipe_id = :recipe_id AND problem IS NOT NULL AND vector_id <= :until ORDER BY vector_id LIMIT :most
        """,
        {"recipe_id": row["recipe_id"], "until": until, "most": FORGET_MAX},
    )
    tx.execute_many(
        "DELETE FROM vector WHERE vector_id = :vector_id", ({"vector_id": row["vector_id"]} for row in rows)
    )
    first = min((row["content_id"] for row in rows), default=row["through"] + 1)
    tx.execute(
        "UPDATE recipe SET through = MIN(through, :first - 1) WHERE recipe_id = :recipe_id",
        {"recipe_id": row["recipe_id"], "first": first},
    )
    return len(rows) == FORGET_MAX


def is_whole(vector: bytes, sha256: bytes, dimensions: int) -> bool:
    """Whether these are the bytes that were written, and as many as the recipe's vectors have."""
    return len(vector) == BYTES_PER_DIMENSION * dimensions and hashlib.sha256(vector).digest() == sha256


def read_vectors(
    tx: Transaction,
    stores: Sequence[StoreName],
    recipe: str,
    after: Mapping[StoreName, int],
    limit: int,
    visible: Visible,
) -> VectorPage:
    """Every store's vectors after the number that `after` has for it (else all), in order, `limit` in all.

    Vectors that are not what was written are left out, and counted.
    """
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidError(f"1 to {PAGE_MAX:,} vectors can be read at once, not {limit}.")
    row = find_recipe(tx, recipe)
    read: dict[StoreName, StoreVectors] = {}
    left = limit
    for name in stores:
        store = names.find(tx, name, visible)
        rows = tx.rows(
            """
            SELECT vector_id, content_id, vector, sha256 FROM vector
            WHERE recipe_id = :recipe_id AND store_id = :store_id AND vector_id > :after AND vector IS NOT NULL
            ORDER BY vector_id LIMIT :left
            """,
            {
                "recipe_id": row["recipe_id"],
                "store_id": store.store_id,
                "after": after.get(name, 0),
                "left": left,
            },
        )
        left -= len(rows)
        whole = [one for one in rows if is_whole(one["vector"], one["sha256"], row["dimensions"])]
        read[name] = StoreVectors(
            edition=(store.store_id, row["recipe_id"], row["forgotten"], erased(tx, store)),
            content_ids=tuple(one["content_id"] for one in whole),
            vectors=b"".join(one["vector"] for one in whole),
            last=rows[-1]["vector_id"] if rows else after.get(name, 0),
            damaged=len(rows) - len(whole),
        )
    return VectorPage(recipe=to_recipe(row), stores=read, more=left == 0)
