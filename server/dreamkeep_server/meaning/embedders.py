"""Embedders that are open: each loaded once, however many wait for it, and left alone for a while when it fails."""

import threading
import time

import anyio
import anyio.to_thread

from dreamkeep_server.embedding.embedder import Embedder, EmbedderError
from dreamkeep_server.embedding.opening import open_embedder
from dreamkeep_server.meaning.waiting import PROBE

OPEN_SECONDS_MAX = 5.0
"""How long a recall waits for a model to be loaded; a download may take minutes, and goes on."""
LOOK_AGAIN_SECONDS = 0.02
RETRY_SECONDS = 30.0
"""An embedder that failed is left alone for so long: a recall does not wait for it again and again."""


class Embedders:
    """By setting; safe to use from tasks of one event loop and from the threads that load."""

    def __init__(self, setting: str, key: str | None) -> None:
        """The key goes to the endpoint of that setting, and to no other."""
        self._setting = setting
        self._key = key
        self._open: dict[str, Embedder] = {}
        self._opening: dict[str, float] = {}
        """Since when."""
        self._failed: dict[str, tuple[float, EmbedderError]] = {}
        self._lock = threading.Lock()

    def is_open(self, setting: str) -> bool:
        """Whether it is loaded already."""
        return setting in self._open

    def failure(self, setting: str) -> EmbedderError | None:
        """Why it could not be used the last time, if it has not served since."""
        failed = self._failed.get(setting)
        return None if failed is None else failed[1]

    async def open(self, setting: str, *, patiently: bool = False) -> Embedder:
        """The embedder of that setting. Raises EmbedderError; `patiently` waits for a download."""
        failed = self._failed.get(setting)
        if failed is not None and time.monotonic() - failed[0] < RETRY_SECONDS:
            raise failed[1]
        if setting in self._open:
            return self._open[setting]
        since = self._opening.get(setting)
        if since is None:
            with anyio.move_on_after(None if patiently else OPEN_SECONDS_MAX):
                return await anyio.to_thread.run_sync(self._open_now, setting, abandon_on_cancel=True)
        elif patiently or time.monotonic() - since < OPEN_SECONDS_MAX:
            with anyio.move_on_after(None if patiently else OPEN_SECONDS_MAX):
                while setting in self._opening:  # noqa: ASYNC110  # a thread loads, which waits for nobody
                    await anyio.sleep(LOOK_AGAIN_SECONDS)
                return await self.open(setting)
        raise EmbedderError(f"The embedder {setting} is still being loaded.")

    def _open_now(self, setting: str) -> Embedder:
        with self._lock:
            if setting in self._open:
                return self._open[setting]
            self._opening[setting] = time.monotonic()
            try:
                embedder = open_embedder(setting, key=self._key if setting == self._setting else None)
            except EmbedderError as error:
                self._failed[setting] = (time.monotonic(), error)
                raise
            except ValueError as error:  # a setting that a newer dreamkeep wrote down
                unknown = EmbedderError(str(error))
                self._failed[setting] = (time.monotonic(), unknown)
                raise unknown from error
            finally:
                del self._opening[setting]
            assert embedder is not None, "none is never opened"
            self._open[setting] = embedder
            return embedder

    def served(self, embedder: Embedder) -> None:
        """It works: whatever it failed at before is over."""
        for setting, opened in self._open.items():
            if opened is embedder:
                self._failed.pop(setting, None)

    def fail(self, embedder: Embedder, error: EmbedderError) -> None:
        """Leave an embedder alone for a while."""
        for setting, opened in self._open.items():
            if opened is embedder:
                self._failed[setting] = (time.monotonic(), error)

    def fail_unless_it_works(self, embedder: Embedder, error: EmbedderError) -> None:
        """Leave it alone if a plain sentence fails too: one odd query must not stop everybody's recall. Blocks."""
        try:
            embedder.embed([PROBE])
        except EmbedderError:
            self.fail(embedder, error)
