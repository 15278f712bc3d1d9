"""The models of the package fastembed, which runs them through onnxruntime too."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dreamkeep_server.embedding.embedder import EmbedderError, blaming, checked, encodable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION: Final = 1
"""Goes up when this module changes what a text's vector is."""


class FastEmbed:
    """One text a call to the model: some of its models are quantised, and would depend on the batch."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._source = f"The embedder fastembed:{name}"
        self._one_at_a_time = threading.Lock()  # nothing says that a model may be called from several threads
        self.dimensions = int(model.embedding_size)
        self.recipe = f"fastembed:{name} files={_fingerprint(model)} version={VERSION}"

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vectors of `texts`, in order; of a long text, as many tokens as the model takes."""
        vectors: list[object] = []
        with blaming(self._source, "If it stays so, set another embedder."):
            for text in encodable(texts):
                with self._one_at_a_time:  # a text each: a query does not wait for a whole batch
                    vectors += self._model.embed([text], batch_size=1)
        return checked(vectors, texts=len(texts), dimensions=self.dimensions, source=self._source)


def open_fastembed(name: str, folder: str | None) -> FastEmbed:
    """The model that fastembed lists as `name`: out of `folder`, or downloaded at the first use, and kept.

    Raises EmbedderError when the package is missing, or the model unknown, not there or not readable.
    """
    try:
        from fastembed import TextEmbedding
    except ImportError as error:
        raise EmbedderError(
            f"The embedder fastembed:{name} needs the package fastembed; run: pip install 'dreamkeep[fastembed]'"
        ) from error
    import platformdirs

    with blaming(
        f"The embedder fastembed:{name}",
        "Give a name that fastembed lists and a network to download it, or fastembed:NAME@FOLDER with its files.",
    ):
        files: dict[str, Any] = {} if folder is None else {"specific_model_path": str(Path(folder).expanduser())}
        model = TextEmbedding(
            name,
            cache_dir=str(platformdirs.user_cache_path("dreamkeep") / "fastembed"),  # its own is a temporary folder
            threads=1,
            providers=["CPUExecutionProvider"],
            **files,
        )
        return FastEmbed(model, name)


def _fingerprint(model: Any) -> str:
    """12 hex digits over the names and contents of the model's files.

    fastembed says where those are in a private attribute only; without it, a folder whose model was
    exchanged would go by the same recipe.
    """
    folder: Path = model.model._model_dir
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
