"""Which vectors a dream goes by: fixed at its first attempt, the same at every later one."""

from collections.abc import Callable
from typing import Final

import anyio
from pydantic import BaseModel, ConfigDict

from dreamkeep_server.dream.nearness import Vectors
from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.models import Dream, EntryId
from dreamkeep_store.store import Stores

VECTORS_STEP: Final = "vectors"
EMBED_SECONDS_MAX: Final = 900.0
"""How long a dream has texts embedded first, some 200,000 of them; then it goes by the vectors that are there."""
_VECTORS_A_PAGE: Final = 20_000


class Fixed(BaseModel):
    """The vectors of one recipe up to a number; no recipe, where the dream goes by words."""

    model_config = ConfigDict(frozen=True)

    recipe: str = ""
    until: int = 0


async def fixed_vectors(
    stores: Stores, dream: Dream, meaning: Meaning | None, watch: Callable[[int], None]
) -> Vectors | None:
    """The vectors of what the dream reads; None where it goes by words.

    Texts without a vector get theirs before, at the first attempt, and `watch` is told how many got one. Without an
    embedder, or with one that fails, the dream goes by words; once one failed, its later attempts do so too.
    """
    journaled = await stores.read_step(dream.dream_id, VECTORS_STEP)
    if journaled is None:
        if meaning is None or meaning.setting == "none":
            return None
        fixed = await _fix(stores, meaning, watch)
        await stores.write_step(dream.dream_id, dream.attempt, VECTORS_STEP, fixed.model_dump_json().encode())
    else:
        fixed = Fixed.model_validate_json(journaled)
    return await _read(stores, dream, fixed) if fixed.recipe else None


async def _fix(stores: Stores, meaning: Meaning, watch: Callable[[int], None]) -> Fixed:
    done = 0
    try:
        embedder = await meaning.embedder()
        assert embedder is not None, "none was set, which was asked before"
        with anyio.move_on_after(EMBED_SECONDS_MAX):
            while embedded := await meaning.embed_waiting(stores):
                done += embedded
                watch(done)
    except EmbedderError:
        return Fixed()  # memory_status and `dreamkeep doctor` say what is wrong with it
    return Fixed(recipe=embedder.recipe, until=await stores.last_vector(embedder.recipe))


async def _read(stores: Stores, dream: Dream, fixed: Fixed) -> Vectors | None:
    """The rows as float32: 150 MB for 100,000 entries of 384 dimensions."""
    import numpy as np  # a tenth of a second, which a dream by words saves

    after = EntryId("")
    places: dict[EntryId, int] = {}
    pages: list[np.ndarray[tuple[int, int], np.dtype[np.float32]]] = []
    while True:
        try:
            page = await stores.vectors_of_dream(
                dream.dream_id, fixed.recipe, until=fixed.until, after=after, limit=_VECTORS_A_PAGE
            )
        except NotFoundError:  # somebody took the recipe away between two attempts
            return None
        if not page:
            break
        whole = [(entry_id, vector) for entry_id, vector in page if vector is not None]
        if whole:
            vectors = np.frombuffer(b"".join(vector for _, vector in whole), "<f2")
            pages.append(vectors.reshape(len(whole), -1).astype(np.float32))
        for entry_id, _ in whole:
            places[entry_id] = len(places)
        after = page[-1][0]
    if not pages:
        return None
    return Vectors(rows=np.concatenate(pages), places=places, recipe=fixed.recipe, until=fixed.until)
