"""Importing much in a short time: what a server's start is made of."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Generator[None]:
    """Import inside without garbage collection, and leave what is there out of later ones.

    Hundreds of thousands of objects come into being that all stay; looking through them for garbage
    again and again takes a tenth of the time until the first answer.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
