"""Texts that wait for their vector: embedding them, some at a time, for a server or a worker."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio.to_thread

from dreamkeep_server.embedding.embedder import Embedder, EmbedderError
from dreamkeep_store.models import Embedded, TextToEmbed
from dreamkeep_store.store import Stores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS_AT_ONCE = 32
"""Some 100 ms of work between two transactions, and what is lost when the process is killed."""
PROBE = "An embedder that embeds this works."
PROBLEM_CHARACTERS = 300


async def embed_waiting(stores: Stores, embedder: Embedder, *, newest: bool = False) -> int:
    """Give some texts their vectors; gives how many, and zero when none waits.

    `newest` takes what was written last, for a server whose client may ask for it in a moment. A text that the
    embedder cannot embed is noted with the reason. Raises EmbedderError when it is the embedder that fails,
    and NotFoundError when the database has no place for its vectors (`Stores.use_recipe`).
    """
    texts = await stores.texts_to_embed(embedder.recipe, TEXTS_AT_ONCE, newest=newest)
    if not texts:
        return 0
    embedded = await anyio.to_thread.run_sync(_embed, embedder, texts, abandon_on_cancel=True)
    await stores.put_vectors(embedder.recipe, embedded)
    return len(texts)


def _embed(embedder: Embedder, texts: Sequence[TextToEmbed]) -> list[Embedded]:
    try:
        vectors = embedder.embed([one.text for one in texts])
    except EmbedderError:
        embedder.embed([PROBE])  # raises, unless the texts are at fault
        return [_embed_one(embedder, one) for one in texts]
    return [_embedded(one, vector) for one, vector in zip(texts, vectors, strict=True)]


def _embed_one(embedder: Embedder, text: TextToEmbed) -> Embedded:
    try:
        (vector,) = embedder.embed([text.text])
    except EmbedderError as error:
        embedder.embed([PROBE])
        problem = str(error)[:PROBLEM_CHARACTERS]
        return Embedded(content_id=text.content_id, sha256=text.sha256, problem=problem)
    return _embedded(text, vector)


def _embedded(text: TextToEmbed, vector: "NDArray[np.float32]") -> Embedded:
    return Embedded(content_id=text.content_id, sha256=text.sha256, vector=vector.astype("<f2").tobytes())
