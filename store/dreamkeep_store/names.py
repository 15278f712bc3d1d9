"""Store rows: finding a store by its name, creating it at its first write, counting its writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from dreamkeep_store import audit
from dreamkeep_store.database import Transaction
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.models import STORE_NAME_BYTES_MAX, StoreName

Visible = frozenset[StoreName] | None
"""The stores that a caller may know of; None is all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """A store as the transaction found it."""

    store_id: int
    name: StoreName
    seq: int
    head: int


def find(tx: Transaction, name: StoreName, visible: Visible) -> StoreRow:
    """The store of that name; NotFoundError says which ones there are."""
    row = None
    if visible is None or name in visible:
        row = tx.row("SELECT store_id, name, seq, head FROM store WHERE name = :name", {"name": name})
    if row is None:
        there = names(tx, visible)
        listed = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
        raise NotFoundError(
            f"There is no store {name!r}. "
            + (f"There is: {listed}. " if there else "There is none yet. ")
            + "A store comes into being when something is remembered in it."
        )
    return StoreRow(store_id=row["store_id"], name=row["name"], seq=row["seq"], head=row["head"])


def find_or_create(tx: Transaction, name: StoreName, visible: Visible) -> StoreRow:
    """The store of that name, created with its empty version 1 if need be."""
    if visible is not None and name not in visible:
        return find(tx, name, visible)
    if tx.value("SELECT 1 FROM store WHERE name = :name", {"name": name}) is None:
        check_name(name)
        store_id = tx.insert(
            "INSERT INTO store (name, seq, head, created_at) VALUES (:name, 0, 1, :now)",
            {"name": name, "now": tx.now},
        )
        tx.execute(
            """
            INSERT INTO version (store_id, number, kind, state, seq, created_at, published_at)
            VALUES (:store_id, 1, 'initial', 'published', 0, :now, :now)
            """,
            {"store_id": store_id, "now": tx.now},
        )
        audit.append(tx, store_id=store_id, seq=0, action="create_store", subject=str(store_id))
    return find(tx, name, visible)


def check_name(name: str) -> None:
    """InvalidError unless the name is printable, not empty, and at most STORE_NAME_BYTES_MAX bytes."""
    if not name or name != name.strip() or not name.isprintable() or len(name.encode()) > STORE_NAME_BYTES_MAX:
        raise InvalidError(
            f"{name[:80]!r} is no name for a store: it takes 1 to {STORE_NAME_BYTES_MAX} bytes of printable text "
            "without spaces at its ends, such as 'user' or 'project/acme'."
        )


def names(tx: Transaction, visible: Visible) -> Sequence[StoreName]:
    """The names of the stores that the caller may know of, in order."""
    found = [StoreName(row["name"]) for row in tx.rows("SELECT name FROM store ORDER BY name")]
    return [name for name in found if visible is None or name in visible]


def next_seq(tx: Transaction, store_id: int) -> int:
    """Count one more write of the store; gives its number."""
    # Not RETURNING: it is a savepoint within, at which FTS5 writes out what it would else gather until the commit.
    tx.execute("UPDATE store SET seq = seq + 1 WHERE store_id = :id", {"id": store_id})
    return tx.value("SELECT seq FROM store WHERE store_id = :id", {"id": store_id})


def rename(tx: Transaction, old: StoreName, new: StoreName, visible: Visible) -> None:
    """Give the store another name; ConflictError when that name is taken."""
    row = find(tx, old, visible)
    check_name(new)
    if tx.value("SELECT 1 FROM store WHERE name = :new", {"new": new}) is not None:
        raise ConflictError(
            f"There is a store {new!r} already. To put the entries of {old!r} into it, merge the two: "
            f"`dreamkeep stores merge {old} {new}`."
        )
    tx.execute("UPDATE store SET name = :new WHERE store_id = :id", {"new": new, "id": row.store_id})
    # A token is bound to the store, not to whatever may have its old name later.
    tx.execute(
        """
        UPDATE token SET stores = (
            SELECT json_group_array(CASE value WHEN :old THEN :new ELSE value END) FROM json_each(token.stores)
        )
        WHERE EXISTS (SELECT 1 FROM json_each(token.stores) WHERE value = :old)
        """,
        {"old": old, "new": new},
    )
    audit.append(tx, store_id=row.store_id, seq=row.seq, action="rename_store", subject=str(row.store_id))
