"""Ids: a letter, an underscore and 8 characters of base 32, which a model reads in few tokens."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in lower case: no i, l, o or u."""
CHARACTERS = 8


def new_id(letter: str) -> str:
    """A random id such as `e_4k7m2xq9`: 40 bits, so whoever inserts one checks that it is free."""
    return letter + "_" + "".join(secrets.choice(ALPHABET) for _ in range(CHARACTERS))
