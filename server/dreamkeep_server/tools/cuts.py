"""Making long texts fit into a short answer."""

import unicodedata
from collections.abc import Sequence

ANSWER_CHARACTERS = 2_000
"""What a default answer stays under, as compact JSON."""


def one_line(text: str, characters: int) -> str:
    """`text` on one line, cut to `characters` with an ellipsis that says so."""
    return cut(flat(text), characters)


def visible(text: str) -> str:
    """`text` with every character that one cannot see, but that may say something, as its code."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
        else _code(character)
        for character in text
    )


def _code(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def flat(text: str) -> str:
    """`text` on one line."""
    return " ".join(text.split())


def cut(text: str, characters: int) -> str:
    """`text` as it stands, or its beginning and an ellipsis, `characters` long in all."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def fit(texts: Sequence[str], characters: int, least: int = 40) -> list[str]:
    """`texts` cut to take `characters` together: short ones stay whole, long ones share what is left.

    None is cut below `least`, so that a crowded answer still says something about each.
    """
    cap = share([len(text) for text in texts], characters, least)
    return [cut(text, cap) for text in texts]


def share(lengths: Sequence[int], characters: int, least: int) -> int:
    """How long each may be so that they take `characters` together, when short ones stay whole."""
    left, cap = characters, 0
    for place, length in enumerate(sorted(lengths)):
        cap = max(left // (len(lengths) - place), least)
        if length > cap:
            break
        left -= length
        cap = length
    return cap
