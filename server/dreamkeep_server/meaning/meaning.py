"""Meaning: which texts are near to a query, by the embedder that the owner set."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from dreamkeep_server.embedding.embedder import Embedder, EmbedderError
from dreamkeep_server.meaning.embedders import Embedders
from dreamkeep_server.meaning.matrix import Matrix, Similarities, View
from dreamkeep_server.meaning.waiting import embed_waiting
from dreamkeep_store.errors import NotFoundError
from dreamkeep_store.models import RecipeStanding, StoreName, VectorPage
from dreamkeep_store.store import Stores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VECTORS_A_PAGE = 20_000
EMBED_SECONDS_MAX = 3.0
"""How long a recall waits for its query's vector."""
CHOOSE_SECONDS = 2.0
"""How often it is looked at whether the set embedder has covered everything by now."""
CHOSEN_SECONDS = 10.0
"""And how often whether it still has: after a large import, or `dreamkeep reindex`, it has not."""
WAITING_MAX = 256
"""So few texts without a vector are what was just written, and nothing to speak of."""


@dataclass(slots=True, kw_only=True)
class _Copy:
    """A recipe's vectors in memory, as far as they were asked for."""

    embedder: Embedder
    matrices: dict[StoreName, Matrix] = field(default_factory=dict[StoreName, Matrix])
    editions: dict[StoreName, tuple[int, int, int, int]] = field(
        default_factory=dict[StoreName, tuple[int, int, int, int]]
    )
    last: dict[StoreName, int] = field(default_factory=dict[StoreName, int])
    damaged: int = 0
    """Vectors that were left out, of all that were read."""
    reading: anyio.Lock = field(default_factory=anyio.Lock)

    async def refresh(self, stores: Stores, names: Sequence[StoreName]) -> list[View]:
        """Read what was added since; everything anew where something is gone."""
        async with self.reading:
            while True:
                page = await stores.read_vectors(names, self.embedder.recipe, after=self.last, limit=VECTORS_A_PAGE)
                if self._take(page) and not page.more:
                    return [self.matrices[name].view() for name in names]

    def _take(self, page: VectorPage) -> bool:
        """Whether all of the page continues what is here; where it does not, what is here is dropped."""
        continues = True
        for name, vectors in page.stores.items():
            known = self.editions.get(name)
            if known is None:
                self.editions[name] = vectors.edition
                self.matrices[name] = Matrix(page.recipe.dimensions)
            elif known != vectors.edition:
                del self.matrices[name], self.editions[name], self.last[name]
                continues = False
                continue
            self.matrices[name].extend(vectors.content_ids, vectors.vectors)
            self.last[name] = vectors.last
            self.damaged += vectors.damaged
        return continues


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """How near the texts of some stores are to a query."""

    by_store: tuple[Similarities, ...]
    covered: bool
    """Whether all texts have once been embedded this way: if not, some are still to come."""
    damaged: int
    """Vectors that are not what was written, and had no part in it."""

    def cosines(self, content_ids: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """The cosine of each of these texts with the query; not a number where it has no vector (yet)."""
        import numpy as np

        found = np.full(len(content_ids), np.nan)
        for similarities in self.by_store:
            similarities.fill(content_ids, found)
        return found


class Meaning:
    """Compares queries with texts, by one embedder at a time; loads nothing before it is needed.

    While the set embedder has not covered everything yet, and another one once had, that one answers.
    """

    def __init__(self, setting: str, *, key: str | None = None) -> None:
        self.setting = setting
        self.key = key
        self._embedders = Embedders(setting, key)
        self._choosing = anyio.Lock()
        self._answering: _Copy | None = None
        self._chosen_at = 0.0
        self._covered = False

    @property
    def loaded(self) -> bool:
        """Whether the set embedder is there already."""
        return self._embedders.is_open(self.setting)

    async def embedder(self, *, patiently: bool = False) -> Embedder | None:
        """The embedder that was set, loaded; None when it is `none`. Raises EmbedderError.

        `patiently` waits however long that takes, for whoever has nothing else to do.
        """
        return None if self.setting == "none" else await self._embedders.open(self.setting, patiently=patiently)

    async def prepare(self, stores: Stores, names: Sequence[StoreName]) -> None:
        """Load the embedder and the vectors of these stores. Raises EmbedderError."""
        embedder = await self.embedder()
        if embedder is not None:
            await self._views(stores, embedder, names)

    def forget(self) -> None:
        """Read all vectors anew: the database is not the one that they came from."""
        self._answering = None

    async def near(self, stores: Stores, query: str, names: Sequence[StoreName]) -> Near | None:
        """How near every text of these stores is to the query; None when the embedder is `none`.

        It writes nothing. Raises EmbedderError, with a sentence, when it cannot be said now.
        """
        wanted = await self.embedder()
        if wanted is None or not query.strip():
            return None
        copy, views = await self._views(stores, wanted, names)
        embedder = copy.embedder

        def compare() -> tuple[Similarities, ...]:
            try:
                (vector,) = embedder.embed([query])
            except EmbedderError as error:
                self._embedders.fail_unless_it_works(embedder, error)
                raise
            self._embedders.served(embedder)
            return tuple(view.compare(vector) for view in views)

        with anyio.move_on_after(EMBED_SECONDS_MAX):
            compared = await anyio.to_thread.run_sync(compare, abandon_on_cancel=True)
            return Near(by_store=compared, covered=self._covered, damaged=copy.damaged)
        error = EmbedderError(f"The embedder took longer than {EMBED_SECONDS_MAX:.0f} seconds for the query.")
        self._embedders.fail(embedder, error)
        raise error

    async def embed_waiting(self, stores: Stores, *, newest: bool = False) -> int:
        """Give some texts their vectors, by the embedder that was set; how many, and zero when none waits.

        Raises EmbedderError.
        """
        embedder = await self.embedder()
        if embedder is None:
            return 0
        await stores.use_recipe(embedder.recipe, self.setting, embedder.dimensions)
        embedded = await embed_waiting(stores, embedder, newest=newest)
        if embedded:
            self._embedders.served(embedder)
        else:
            self._chosen_at = 0.0  # it may have covered everything by now
        return embedded

    async def try_failed_again(self, stores: Stores) -> None:
        """Let texts that could not be embedded wait again: it may have been the embedder. Raises EmbedderError."""
        embedder = await self.embedder()
        for standing in await stores.recipes():
            if embedder is not None and standing.recipe == embedder.recipe and standing.failed:
                await stores.forget_vectors(standing.recipe, failed_only=True)

    async def standing(self, stores: Stores) -> str:
        """What recall goes by, and how far the texts are embedded, in a line; loads nothing."""
        if self.setting == "none":
            return "words (no embedder is set)"
        failed = self._embedders.failure(self.setting)
        if failed is not None:
            return f"words: {failed}"
        mine = [one for one in await stores.recipes() if one.setting == self.setting]
        if not mine:
            return f"words and meaning ({self.setting}); no text is embedded yet"
        newest = mine[-1]
        problems = f", {newest.failed:,} cannot be" if newest.failed else ""
        return f"words and meaning ({self.setting}); {newest.embedded:,} of {newest.texts:,} texts embedded{problems}"

    async def texts_wait(self, stores: Stores) -> bool:
        """Whether a text waits for its vector. Raises EmbedderError."""
        embedder = await self.embedder()
        if embedder is None:
            return False
        await stores.use_recipe(embedder.recipe, self.setting, embedder.dimensions)
        return bool(await stores.texts_to_embed(embedder.recipe, 1))

    async def _views(self, stores: Stores, wanted: Embedder, names: Sequence[StoreName]) -> tuple[_Copy, list[View]]:
        """Who answers, and the vectors to compare with. Raises EmbedderError when there are none yet."""
        copy = await self._copy(stores, wanted)
        try:
            return copy, await copy.refresh(stores, names)
        except NotFoundError:
            if await self._has_recipe(stores, copy.embedder.recipe):
                raise  # it is one of the stores that is not there
            self._answering = None  # `dreamkeep reindex` has dropped the recipe meanwhile
        copy = await self._copy(stores, wanted)
        return copy, await copy.refresh(stores, names)

    @staticmethod
    async def _has_recipe(stores: Stores, recipe: str) -> bool:
        return any(one.recipe == recipe for one in await stores.recipes())

    async def _copy(self, stores: Stores, wanted: Embedder) -> _Copy:
        """The vectors to answer from: the set embedder's, or for now those of one that has covered everything."""
        async with self._choosing:
            now = time.monotonic()
            lasts = CHOSEN_SECONDS if self._covered else CHOOSE_SECONDS
            if self._answering is not None and now - self._chosen_at < lasts:
                return self._answering
            standings = await stores.recipes()
            mine = next((one for one in standings if one.recipe == wanted.recipe), None)
            is_complete = mine is not None and mine.complete_at is not None
            chosen = wanted if is_complete else await self._earlier(standings) or wanted
            if chosen is wanted and mine is None:
                raise EmbedderError("Texts are still being embedded, and none is yet.")
            waiting = 0 if mine is None else mine.texts - mine.embedded - mine.failed
            self._covered = is_complete and waiting <= WAITING_MAX
            if self._answering is None or self._answering.embedder is not chosen:
                self._answering = _Copy(embedder=chosen)
            self._chosen_at = now
            return self._answering

    async def _earlier(self, standings: Sequence[RecipeStanding]) -> Embedder | None:
        """An embedder that once had covered everything, and that can still be opened here.

        An endpoint is none: the owner has taken its address out of the settings, and queries are private.
        """
        for standing in reversed(standings):
            is_remote = standing.setting.startswith("openai:")
            if standing.complete_at is None or standing.setting == self.setting or is_remote:
                continue
            try:
                embedder = await self._embedders.open(standing.setting)
            except EmbedderError:
                continue  # the set one answers with what it has
            if embedder.recipe == standing.recipe:
                return embedder
        return None
