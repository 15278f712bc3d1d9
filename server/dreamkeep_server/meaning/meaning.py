"""Meaning: which texts are near to a query, by the embedder that the owner set."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from dreamkeep_server.embedding.embedder import Embedder, EmbedderError
from dreamkeep_server.embedding.opening import open_embedder
from dreamkeep_server.meaning.matrix import Matrix, Similarities, View
from dreamkeep_server.meaning.waiting import embed_waiting
from dreamkeep_store.models import RecipeStanding, StoreName, VectorPage
from dreamkeep_store.store import Stores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VECTORS_A_PAGE = 20_000
OPEN_SECONDS_MAX = 5.0
"""How long a recall waits for a model to be loaded; a download may take minutes, and goes on."""
EMBED_SECONDS_MAX = 3.0
"""How long a recall waits for its query's vector."""
RETRY_SECONDS = 30.0
"""An embedder that failed is left alone for so long: a recall does not wait for it again and again."""
CHOOSE_SECONDS = 2.0
"""How often it is looked at whether another recipe has covered everything by now."""


@dataclass(slots=True, kw_only=True)
class _Copy:
    """A recipe's vectors in memory, as far as they were asked for."""

    embedder: Embedder
    matrices: dict[StoreName, Matrix] = field(default_factory=dict[StoreName, Matrix])
    editions: dict[StoreName, tuple[int, int, int, int]] = field(
        default_factory=dict[StoreName, tuple[int, int, int, int]]
    )
    last: dict[StoreName, int] = field(default_factory=dict[StoreName, int])
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
        return continues


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """How near the texts of some stores are to a query."""

    by_store: tuple[Similarities, ...]
    covered: bool
    """Whether all texts have once been embedded this way: if not, some are still to come."""

    def cosines(self, content_ids: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """The cosine of each of these texts with the query; not a number where it has no vector (yet)."""
        import numpy as np

        found = np.full(len(content_ids), np.nan)
        for similarities in self.by_store:
            similarities.fill(content_ids, found)
        return found

    @property
    def texts(self) -> int:
        """How many texts were compared."""
        return sum(len(similarities.values) for similarities in self.by_store)


class Meaning:
    """Compares queries with texts, by one embedder at a time; loads nothing before it is needed.

    While the set embedder has not covered everything yet, and another one once had, that one answers.
    """

    def __init__(self, setting: str, *, key: str | None = None) -> None:
        self.setting = setting
        self.key = key
        self._open: dict[str, Embedder] = {}
        """By setting."""
        self._one_at_a_time = threading.Lock()
        self._choosing = anyio.Lock()
        self._failed: dict[str, tuple[float, EmbedderError]] = {}
        self._answering: _Copy | None = None
        self._chosen_at = 0.0
        self._covered = False

    @property
    def loaded(self) -> bool:
        """Whether the set embedder is there already."""
        return self.setting in self._open

    async def embedder(self) -> Embedder | None:
        """The embedder that was set, loaded; None when it is `none`. Raises EmbedderError."""
        return None if self.setting == "none" else await self._opened(self.setting)

    async def prepare(self, stores: Stores, names: Sequence[StoreName]) -> None:
        """Load the embedder and the vectors of these stores. Raises EmbedderError."""
        embedder = await self.embedder()
        if embedder is not None:
            await (await self._copy(stores, embedder)).refresh(stores, names)

    async def near(self, stores: Stores, query: str, names: Sequence[StoreName]) -> Near | None:
        """How near every text of these stores is to the query; None when the embedder is `none`.

        Raises EmbedderError, with a sentence, when it cannot be said now.
        """
        embedder = await self.embedder()
        if embedder is None or not query.strip():
            return None
        copy = await self._copy(stores, embedder)
        views = await copy.refresh(stores, names)

        def compare() -> tuple[Similarities, ...]:
            (vector,) = copy.embedder.embed([query])
            return tuple(view.compare(vector) for view in views)

        with anyio.move_on_after(EMBED_SECONDS_MAX) as waiting:
            try:
                compared = await anyio.to_thread.run_sync(compare, abandon_on_cancel=True)
            except EmbedderError as error:
                self._fail(copy.embedder, error)
                raise
            return Near(by_store=compared, covered=self._covered)
        assert waiting.cancelled_caught
        error = EmbedderError(f"The embedder {self.setting} took longer than {EMBED_SECONDS_MAX:.0f} seconds.")
        self._fail(copy.embedder, error)
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
        if not embedded:
            self._chosen_at = 0.0  # it may have covered everything by now
        return embedded

    async def standing(self, stores: Stores) -> str:
        """What recall goes by, and how far the texts are embedded, in a line; loads nothing."""
        if self.setting == "none":
            return "words (no embedder is set)"
        failed = self._failed.get(self.setting)
        if failed is not None and time.monotonic() - failed[0] < RETRY_SECONDS:
            return f"words: {failed[1]}"
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

    async def _copy(self, stores: Stores, wanted: Embedder) -> _Copy:
        """The vectors to answer from: the set embedder's, or for now those of one that has covered everything."""
        async with self._choosing:
            now = time.monotonic()
            if self._answering is not None and (self._covered or now - self._chosen_at < CHOOSE_SECONDS):
                return self._answering
            await stores.use_recipe(wanted.recipe, self.setting, wanted.dimensions)
            standings = await stores.recipes()
            self._covered = any(one.recipe == wanted.recipe and one.complete_at is not None for one in standings)
            chosen = wanted if self._covered else await self._earlier(standings) or wanted
            if self._answering is None or self._answering.embedder is not chosen:
                self._answering = _Copy(embedder=chosen)
            self._chosen_at = now
            return self._answering

    async def _earlier(self, standings: Sequence[RecipeStanding]) -> Embedder | None:
        """An embedder that once had covered everything, and that can still be opened."""
        for standing in reversed(standings):
            if standing.complete_at is None or standing.setting == self.setting:
                continue
            try:
                embedder = await self._opened(standing.setting)
            except EmbedderError:
                continue  # the set one answers with what it has
            if embedder.recipe == standing.recipe:
                return embedder
        return None

    async def _opened(self, setting: str) -> Embedder:
        """The embedder of a setting, opened once however many wait for it; raises EmbedderError."""
        failed = self._failed.get(setting)
        if failed is not None and time.monotonic() - failed[0] < RETRY_SECONDS:
            raise failed[1]
        if setting in self._open:
            return self._open[setting]
        with anyio.move_on_after(OPEN_SECONDS_MAX):
            return await anyio.to_thread.run_sync(self._open_now, setting, abandon_on_cancel=True)
        raise EmbedderError(f"The embedder {setting} is still being loaded.")

    def _open_now(self, setting: str) -> Embedder:
        with self._one_at_a_time:
            if setting not in self._open:
                try:
                    embedder = open_embedder(setting, key=self.key)
                except EmbedderError as error:
                    self._failed[setting] = (time.monotonic(), error)
                    raise
                assert embedder is not None, "none is never opened"
                self._open[setting] = embedder
            return self._open[setting]

    def _fail(self, embedder: Embedder, error: EmbedderError) -> None:
        """Leave an embedder alone for a while."""
        for setting, opened in self._open.items():
            if opened is embedder:
                self._failed[setting] = (time.monotonic(), error)
