"""Static embeddings through the package model2vec: hundreds of times faster, and less precise."""

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


class Model2Vec:
    """The mean of the vectors of a text's tokens; no text depends on another."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._source = f"The embedder model2vec:{name}"
        self._one_at_a_time = threading.Lock()  # encoding sets the length of its tokenizer, and sets it back
        self.dimensions = int(model.dim)
        self.recipe = (
            f"model2vec:{Path(name).name} model={_fingerprint(model)} tokens={model.max_length} pooling=mean "
            f"version={VERSION}"
        )

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vectors of `texts`, in order; a text of which the vocabulary knows nothing has none, and raises."""
        vectors: list[object] = []
        with blaming(self._source, "If it stays so, set another embedder."):
            for text in encodable(texts):
                with self._one_at_a_time:  # a text each: a query does not wait for a whole batch
                    vectors += list(self._model.encode([text], use_multiprocessing=False))
        return checked(vectors, texts=len(texts), dimensions=self.dimensions, source=self._source)


def open_model2vec(name: str) -> Model2Vec:
    """The model in the folder `name`, or of that name: downloaded from Hugging Face at the first use, and kept.

    Raises EmbedderError when the package is missing or the model can be neither found nor read.
    """
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise EmbedderError(
            f"The embedder model2vec:{name} needs the package model2vec; run: pip install 'dreamkeep[model2vec]'"
        ) from error
    with blaming(
        f"The embedder model2vec:{name}", "Give a folder with a model, or a model's name and a network to download it."
    ):
        model = StaticModel.from_pretrained(Path(name).expanduser(), force_download=False)
        return Model2Vec(model, name)


def _fingerprint(model: Any) -> str:
    """12 hex digits over all that the model was read from: vectors, weights, mapping, tokenizer."""
    digest = hashlib.sha256()
    for array in (model.embedding, model.weights, model.token_mapping):
        if array is not None:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
    digest.update(model.tokenizer.to_str().encode())
    return digest.hexdigest()[:12]
