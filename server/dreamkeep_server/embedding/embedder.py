"""What an embedder is, and the one check that every vector passes before anybody sees it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # numpy takes a tenth of a second: whoever has vectors has paid for it
    import numpy as np
    from numpy.typing import NDArray


class EmbedderError(Exception):
    """The embedder cannot give vectors now; the message is one sentence that says why and what to do."""


class Embedder(Protocol):
    """Gives every text a vector; texts that mean the same get vectors that point the same way.

    Safe to call from several threads at once. What a text gets does not depend on its neighbours in the
    call, where the model runs here; an endpoint promises what its server promises.
    """

    @property
    def recipe(self) -> str:
        """Names all that decides a vector: model, hash of its files, tokenizer, pooling, form, version.

        Vectors of different recipes are not comparable; a new recipe means embedding again.
        """
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The vectors of `texts`, in order: (len(texts), dimensions), of unit length and finite.

        It blocks, for milliseconds a text or for as long as a server takes: for a worker thread. A text may
        have any length and hold anything but blanks alone; what is beyond the model's reach is left out.
        Raises EmbedderError for the whole call and keeps nothing: with several texts, ask again one by one;
        those that raise again are the ones at fault.
        """
        ...


def checked(vectors: object, *, texts: int, dimensions: int, source: str) -> "NDArray[np.float32]":
    """`vectors` as float32 rows of unit length, if they are what was asked of `source`.

    Raises EmbedderError when their number or their width is another, or one is not finite or all zero.
    """
    import numpy as np

    try:
        rows = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:  # lists of different lengths, or not numbers
        raise EmbedderError(f"{source} gave something other than rows of numbers.") from error
    if texts == 0 and rows.size == 0:
        return np.zeros((0, dimensions), np.float32)
    if rows.ndim != 2 or rows.shape != (texts, dimensions):
        raise EmbedderError(f"{source} gave an array of {rows.shape} where {(texts, dimensions)} was expected.")
    with np.errstate(over="ignore"):  # a number whose square is not finite is refused as one that is not
        lengths = np.linalg.norm(rows, axis=1)
    if not np.isfinite(lengths).all():
        raise EmbedderError(f"{source} gave a vector with a number that is not finite.")
    if not lengths.all():
        raise EmbedderError(f"{source} gave a vector of zeros: it knows no word of the text.")
    return (rows / lengths[:, np.newaxis]).astype(np.float32)


def encodable(texts: Sequence[str]) -> list[str]:
    """The texts with half characters (lone surrogates) replaced, which tokenizers and JSON refuse."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


@contextmanager
def blaming(source: str, what_to_do: str) -> Generator[None]:
    """Turn whatever another library raises inside into an EmbedderError about `source`.

    Those libraries raise what theirs raise (bare `Exception` among them), so there is no list to catch by.
    """
    try:
        yield
    except EmbedderError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise EmbedderError(f"{source} failed: {reason.rstrip('.')}. {what_to_do}") from error
