"""Recipes: what makes vectors of texts, how far it has come, and who works on the rest.

A recipe is whatever decides a vector: model, weights, pooling, version. Several share a database, and nothing
ever reads the vectors of two at once. The vectors themselves are in `vectors`.
"""

from dreamkeep_store.database import Row, Transaction, from_micros
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.models import Recipe, RecipeStanding

DIMENSIONS_MAX = 8_192
ADVANCE_MAX = 5_000
"""Texts that one transaction looks at to see how far a recipe has come: some 10 ms."""


def find_recipe(tx: Transaction, recipe: str) -> Row:
    """The recipe's row; NotFoundError says what there is."""
    row = _recipe_row(tx, recipe)
    if row is None:
        there = ", ".join(row["recipe"] for row in tx.rows("SELECT recipe FROM recipe ORDER BY recipe_id"))
        raise NotFoundError(
            f"There are no vectors by the recipe {recipe[:200]!r}; there is: {there or 'none yet'}. "
            "`dreamkeep reindex` makes them."
        )
    return row


def _recipe_row(tx: Transaction, recipe: str) -> Row | None:
    return tx.row(
        """
        SELECT recipe_id, recipe, setting, dimensions, through, forgotten, complete_at, lease_owner, lease_until
        FROM recipe WHERE recipe = :recipe
        """,
        {"recipe": recipe},
    )


def known_recipe(tx: Transaction, recipe: str, setting: str, dimensions: int) -> Recipe | None:
    """The recipe, if it is there with that setting; InvalidError when it makes vectors of another width."""
    row = _recipe_row(tx, recipe)
    if row is None:
        return None
    if row["dimensions"] != dimensions:
        raise InvalidError(
            f"The recipe {recipe!r} makes vectors of {row['dimensions']} dimensions here, not of {dimensions}. "
            "An embedder that gives another width needs another recipe."
        )
    return to_recipe(row) if row["setting"] == setting else None


def use_recipe(tx: Transaction, recipe: str, setting: str, dimensions: int) -> Recipe:
    """Make a place for a recipe's vectors, or note by which setting its embedder is opened now."""
    if not recipe.strip() or not 1 <= dimensions <= DIMENSIONS_MAX:
        raise InvalidError(
            f"A recipe has a name and 1 to {DIMENSIONS_MAX:,} dimensions, not {recipe!r} and {dimensions}."
        )
    known_recipe(tx, recipe, setting, dimensions)
    tx.execute(
        """
        INSERT INTO recipe (recipe, setting, dimensions, created_at) VALUES (:recipe, :setting, :dimensions, :now)
        ON CONFLICT (recipe) DO UPDATE SET setting = excluded.setting
        """,
        {"recipe": recipe, "setting": setting, "dimensions": dimensions, "now": tx.now},
    )
    row = find_recipe(tx, recipe)
    note_progress(tx, row)
    return to_recipe(row)


def to_recipe(row: Row) -> Recipe:
    """A Recipe from its row."""
    return Recipe(recipe=row["recipe"], setting=row["setting"], dimensions=row["dimensions"])


def standings(tx: Transaction) -> list[RecipeStanding]:
    """How far every recipe has come, the oldest first."""
    texts: int = tx.value("SELECT COUNT(*) FROM content")
    return [
        RecipeStanding(
            recipe=row["recipe"],
            setting=row["setting"],
            dimensions=row["dimensions"],
            texts=texts,
            embedded=row["rows"] - row["failed"],
            failed=row["failed"],
            complete=row["rows"] == texts,
            complete_at=None if row["complete_at"] is None else from_micros(row["complete_at"]),
            lease_owner=row["lease_owner"],
            lease_until=None if row["lease_until"] is None else from_micros(row["lease_until"]),
        )
        for row in tx.rows(
            """
            SELECT recipe, setting, dimensions, complete_at, lease_owner, lease_until,
                (SELECT COUNT(*) FROM vector WHERE vector.recipe_id = recipe.recipe_id) AS rows,
                (SELECT COUNT(*) FROM vector
                    WHERE vector.recipe_id = recipe.recipe_id AND vector.problem IS NOT NULL) AS failed
            FROM recipe ORDER BY recipe_id
            """
        )
    ]


def is_behind(tx: Transaction, recipe: str) -> bool:
    """Whether `advance` has something to look at."""
    row = find_recipe(tx, recipe)
    return row["complete_at"] is None or row["through"] < _last_content(tx)


def advance(tx: Transaction, recipe: str) -> bool:
    """Note how far the recipe has come; whether all of a transaction's share was embedded, and more is there."""
    row = find_recipe(tx, recipe)
    through = note_progress(tx, row)
    return row["through"] < through < _last_content(tx)


def _last_content(tx: Transaction) -> int:
    return tx.value("SELECT COALESCE(MAX(content_id), 0) FROM content")


def note_progress(tx: Transaction, recipe: Row) -> int:
    """Move `through` over what is embedded, as far as one transaction may look."""
    asked = {"recipe_id": recipe["recipe_id"], "through": recipe["through"], "most": ADVANCE_MAX, "now": tx.now}
    last = _last_content(tx)
    until: int = tx.value(
        """
        SELECT COALESCE(
            (SELECT content_id FROM content WHERE content_id > :through ORDER BY content_id LIMIT 1 OFFSET :most), :last
        )
        """,
        {**asked, "last": last},
    )
    missing = tx.value(
        """
        SELECT content_id FROM content
        WHERE content_id > :through AND content_id <= :until AND NOT EXISTS (
            SELECT 1 FROM vector WHERE vector.content_id = content.content_id AND vector.recipe_id = :recipe_id
        )
        ORDER BY content_id LIMIT 1
        """,
        {**asked, "until": until},
    )
    through = until if missing is None else missing - 1
    tx.execute(
        """
        UPDATE recipe SET
            through = :through,
            complete_at = COALESCE(complete_at, CASE WHEN :through >= :last THEN :now END)
        WHERE recipe_id = :recipe_id
        """,
        {**asked, "through": through, "last": last},
    )
    return through


def claim_embedding(tx: Transaction, recipe: str, owner: str, lease_micros: int) -> bool:
    """Whether the recipe's backlog is this owner's for so long; claiming it again renews it.

    There is no fence: whoever goes on after its lease ran out embeds what another embeds too, and the second
    vector of a text is left out.
    """
    recipe_id = find_recipe(tx, recipe)["recipe_id"]
    claimed = tx.execute(
        """
        UPDATE recipe SET lease_owner = :owner, lease_until = :until
        WHERE recipe_id = :recipe_id AND (lease_until IS NULL OR lease_until <= :now OR lease_owner = :owner)
        """,
        {"recipe_id": recipe_id, "owner": owner, "until": tx.now + lease_micros, "now": tx.now},
    )
    return claimed == 1


def release_embedding(tx: Transaction, recipe: str, owner: str) -> None:
    """Give the backlog back, if it still is this owner's."""
    tx.execute(
        "UPDATE recipe SET lease_owner = NULL, lease_until = NULL WHERE recipe = :recipe AND lease_owner = :owner",
        {"recipe": recipe, "owner": owner},
    )


def drop_recipe(tx: Transaction, recipe: str) -> bool:
    """Take a recipe away once nothing of it is left; whether it is gone."""
    row = find_recipe(tx, recipe)
    return (
        tx.execute(
            """
            DELETE FROM recipe WHERE recipe_id = :recipe_id
                AND NOT EXISTS (SELECT 1 FROM vector WHERE vector.recipe_id = recipe.recipe_id)
            """,
            {"recipe_id": row["recipe_id"]},
        )
        == 1
    )
