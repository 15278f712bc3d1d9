"""Bearer tokens of the HTTP server: made, checked, listed and revoked; only their hashes are kept."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Literal

from dreamkeep_store import names
from dreamkeep_store.database import Row, Transaction, from_micros
from dreamkeep_store.errors import InvalidError, NotFoundError
from dreamkeep_store.ids import new_id
from dreamkeep_store.models import StoreName, Token

NAME_CHARACTERS_MAX = 100


def create_token(tx: Transaction, name: str, stores: Sequence[StoreName], rights: Literal["read", "write"]) -> str:
    """A new token's secret, which is shown once; no stores means every store."""
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidError(f"A token's name has 1 to {NAME_CHARACTERS_MAX} printable characters, such as 'laptop'.")
    for store in stores:
        names.check_name(store)
    secret = "dk_" + secrets.token_urlsafe(32)
    tx.execute(
        """
        INSERT INTO token (token_id, name, sha256, stores, rights, created_at)
        VALUES (:id, :name, :sha256, :stores, :rights, :now)
        """,
        {
            "id": new_id("t"),
            "name": name,
            "sha256": hashlib.sha256(secret.encode()).digest(),
            "stores": json.dumps(sorted(set(stores))),
            "rights": rights,
            "now": tx.now,
        },
    )
    return secret


def check_token(tx: Transaction, secret: str) -> Token | None:
    """The token with this secret, unless it was revoked."""
    row = tx.row(
        """
        SELECT token_id, name, stores, rights, created_at, revoked_at FROM token
        WHERE sha256 = :sha256 AND revoked_at IS NULL
        """,
        {"sha256": hashlib.sha256(secret.encode(errors="replace")).digest()},
    )
    return None if row is None else _to_token(row)


def list_tokens(tx: Transaction) -> list[Token]:
    """Every token, oldest first, revoked ones too."""
    rows = tx.rows(
        "SELECT token_id, name, stores, rights, created_at, revoked_at FROM token ORDER BY created_at, token_id"
    )
    return [_to_token(row) for row in rows]


def revoke_token(tx: Transaction, token_id: str) -> None:
    """Let a token open nothing from now on."""
    changed = tx.execute(
        "UPDATE token SET revoked_at = COALESCE(revoked_at, :now) WHERE token_id = :id",
        {"id": token_id, "now": tx.now},
    )
    if changed == 0:
        raise NotFoundError(f"There is no token {token_id[:80]!r}; `dreamkeep token list` shows them all.")


def _to_token(row: Row) -> Token:
    return Token(
        token_id=row["token_id"],
        name=row["name"],
        stores=tuple(json.loads(row["stores"])),
        rights=row["rights"],
        created_at=from_micros(row["created_at"]),
        revoked_at=None if row["revoked_at"] is None else from_micros(row["revoked_at"]),
    )
