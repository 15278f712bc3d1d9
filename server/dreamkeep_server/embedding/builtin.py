"""The embedder that comes with the package: all-MiniLM-L6-v2 in whole numbers, through onnxruntime."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dreamkeep_server.embedding.embedder import EmbedderError, blaming, checked
from dreamkeep_server.embedding.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER: Final = Path(__file__).parent / "minilm"
MODEL_SHA256: Final = "1ccf54dcc826d4207fdac7d2429cb3efae29109c6b3850d5b7ae3dbe569b7449"
VOCABULARY_SHA256: Final = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
DIMENSIONS: Final = 384
TOKENS_MAX: Final = 256
"""What the model was trained on; about 1,000 characters of English. The rest of a longer text is not seen."""
VERSION: Final = 1
"""Goes up when this module, or the tokenizer, changes what a text's vector is."""
RECIPE: Final = (
    f"all-MiniLM-L6-v2 model={MODEL_SHA256[:12]} vocabulary={VOCABULARY_SHA256[:12]} tokenizer=wordpiece-uncased-"
    f"{TOKENS_MAX} pooling=mean form=onnx-dynamic-int8 version={VERSION}"
)
"""Without onnxruntime's version: from 1.23.2 to 1.31.1 no vector moved further than to a cosine of .995, less than
rounding the weights moved it, and embedding a whole memory again takes minutes."""
_SOURCE: Final = "The embedder minilm"


class MiniLM:
    """384 numbers a text, the same whatever else is in the call: the model sees one text at a time."""

    recipe = RECIPE
    dimensions = DIMENSIONS

    def __init__(self, session: Any, tokenizer: WordPiece) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vectors of `texts`, in order; about 2 ms for a sentence and 30 ms for 1,000 characters or more.

        Texts of which the vocabulary knows nothing (only emoji, only controls) get equal vectors where
        they have equally many words: their nearness means nothing.
        """
        import numpy as np

        rows: list[object] = []
        with blaming(_SOURCE, "If it stays so, set another embedder."):
            for text in texts:
                ids = np.array([self._tokenizer.tokens(text, TOKENS_MAX)], dtype=np.int64)
                rows.append(self._session.run(None, {"input_ids": ids})[0][0])
        return checked(rows, texts=len(texts), dimensions=DIMENSIONS, source=_SOURCE)


def open_minilm(folder: Path = FOLDER) -> MiniLM:
    """The embedder, loaded from `folder` and ready.

    Raises EmbedderError when a file is missing or not the one that was published, or onnxruntime is missing.
    """
    model = folder / "model.onnx"
    vocabulary = folder / "vocab.txt"
    _require(model, MODEL_SHA256)
    _require(vocabulary, VOCABULARY_SHA256)
    try:
        import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it has none
    except ImportError as error:
        raise EmbedderError(
            f"{_SOURCE} needs onnxruntime, which cannot be imported here ({error}); where there is none for "
            'this system, set the embedder "none" or an "openai:" endpoint.'
        ) from error
    with blaming(_SOURCE, "Reinstall dreamkeep and onnxruntime."):
        runtime: Any = onnxruntime
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # faster than two for one short text, and leaves the others to the user
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = runtime.InferenceSession(  # given bytes it would hold them for good: 23 MB more
            str(model), options, providers=["CPUExecutionProvider"]
        )
    return MiniLM(session, WordPiece(vocabulary.read_text(encoding="utf-8")))


def _require(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderError(f"{_SOURCE} cannot read {path} ({error.strerror}); reinstall dreamkeep.") from error
    if found != sha256:
        raise EmbedderError(
            f"{_SOURCE} finds {path} damaged: its SHA-256 is not {sha256[:12]}...; reinstall dreamkeep."
        )
