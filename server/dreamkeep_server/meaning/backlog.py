"""A long backlog of texts without vectors: one process at a time works on it, a share at a time."""

import time
from typing import Literal

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.store import Stores

SHARE_SECONDS = 2.0
"""After so long a worker looks whether a dream waits; no dream waits for a memory to be embedded."""
LEASE_SECONDS = 20.0


async def embed_share(stores: Stores, meaning: Meaning, owner: str) -> Literal["embedded", "waits", "nothing"]:
    """Embed what waits, oldest first, for SHARE_SECONDS; whether something was, waits for others, or there is none.

    It waits when another process has the backlog, or the embedder cannot embed now.
    """
    try:
        embedder = await meaning.embedder()
        if embedder is None or not await meaning.texts_wait(stores):
            return "nothing"
        if not await stores.claim_embedding(embedder.recipe, owner, lease_seconds=LEASE_SECONDS):
            return "waits"
        until = time.monotonic() + SHARE_SECONDS
        while time.monotonic() < until:
            if not await meaning.embed_waiting(stores):
                await stores.release_embedding(embedder.recipe, owner)
                break
    except EmbedderError:
        return "waits"  # whoever recalls is told, and `dreamkeep doctor` says it
    except NotFoundError:
        return "waits"  # `dreamkeep reindex` has dropped the recipe meanwhile
    return "embedded"
