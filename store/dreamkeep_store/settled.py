"""What models answered to questions about a store: kept from dream to dream, emptied when something is erased."""

from collections.abc import Mapping, Sequence

from dreamkeep_store.database import Transaction
from dreamkeep_store.dreams import check_fence, find_dream
from dreamkeep_store.models import DreamId
from dreamkeep_store.names import StoreRow

SETTLED_MAX = 20_000
"""How many answers a store keeps; the oldest go first, and are asked for again if anybody still wonders."""


def settle(tx: Transaction, dream_id: DreamId, attempt: int, answers: Mapping[bytes, bytes]) -> None:
    """Keep answers by the SHA-256 of their questions; a later one to the same question counts."""
    row = check_fence(tx, dream_id, attempt)
    tx.execute_many(
        """
        INSERT INTO settled (store_id, question, answer, dream_id, at)
        VALUES (:store_id, :question, :answer, :dream_id, :now)
        ON CONFLICT (store_id, question) DO UPDATE SET answer = :answer, dream_id = :dream_id, at = :now
        """,
        (
            {"store_id": row["store_id"], "question": key, "answer": answer, "dream_id": dream_id, "now": tx.now}
            for key, answer in answers.items()
        ),
    )
    tx.execute(
        """
        DELETE FROM settled WHERE store_id = :store_id AND question IN (
            SELECT question FROM settled WHERE store_id = :store_id ORDER BY at DESC, question LIMIT -1 OFFSET :most
        )
        """,
        {"store_id": row["store_id"], "most": SETTLED_MAX},
    )


def settled_before(tx: Transaction, dream_id: DreamId, questions: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return what was answered to these questions before this dream.

    Its own answers are in its journal: leaving them out, a dream that is taken over asks what it asked before.
    """
    row = find_dream(tx, dream_id, None, None)
    found = _answers(tx, row["store_id"], questions)
    return {key: answer for key, (answer, by) in found.items() if by != dream_id}


def settled(tx: Transaction, store: StoreRow, questions: Sequence[bytes]) -> frozenset[bytes]:
    """Return which of these questions were answered, by any dream."""
    return frozenset(_answers(tx, store.store_id, questions))


def _answers(tx: Transaction, store_id: int, questions: Sequence[bytes]) -> dict[bytes, tuple[bytes, str]]:
    found: dict[bytes, tuple[bytes, str]] = {}
    for question in questions:
        row = tx.row(
            "SELECT answer, dream_id FROM settled WHERE store_id = :store_id AND question = :question",
            {"store_id": store_id, "question": question},
        )
        if row is not None:
            found[question] = (row["answer"], row["dream_id"])
    return found


def unsettle(tx: Transaction, store: StoreRow) -> None:
    """Let go of all answers of a store."""
    tx.execute("DELETE FROM settled WHERE store_id = :store_id", {"store_id": store.store_id})
