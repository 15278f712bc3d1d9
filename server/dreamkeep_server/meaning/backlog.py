"""A long backlog of texts without vectors: one process at a time works on it, a share at a time."""

import time

from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.store import Stores

SHARE_SECONDS = 2.0
"""After so long a worker looks whether a dream waits; no dream waits for a memory to be embedded."""
LEASE_SECONDS = 20.0


async def embed_share(stores: Stores, meaning: Meaning, owner: str) -> int:
    """Embed what waits, oldest first, for SHARE_SECONDS; gives how many texts.

    Zero when none waits, the embedder is `none` or cannot embed now, or another process has the backlog.
    """
    try:
        embedder = await meaning.embedder()
        if embedder is None or not await meaning.texts_wait(stores):
            return 0
        if not await stores.claim_embedding(embedder.recipe, owner, lease_seconds=LEASE_SECONDS):
            return 0
        until = time.monotonic() + SHARE_SECONDS
        done = 0
        while time.monotonic() < until:
            embedded = await meaning.embed_waiting(stores)
            done += embedded
            if not embedded:
                await stores.release_embedding(embedder.recipe, owner)
                break
    except EmbedderError:
        return 0  # whoever recalls is told, and `dreamkeep doctor` says it
    return done
