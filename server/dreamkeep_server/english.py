"""How English writes what is the same in several ways: forms of a word, and numbers in words."""

from functools import lru_cache

_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
NUMBER_WORDS = {word: str(number) for number, word in enumerate(_NUMBERS.split())} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "hundred": "100", "thousand": "1000",
}  # fmt: skip
"""Number words, as digits."""

_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ied", "y"), ("ed", ""), ("es", ""), ("s", ""))


@lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """Return `token` without the ending of a plural or a verb form; crude, for likeness only."""
    if len(token) < 4 or not token.isalpha():
        return token
    for ending, rest in _ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= 3 and not token.endswith("ss"):
            base = token[: -len(ending)] + rest
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                base = base[:-1]
            return base[:-1] if base.endswith("e") else base
    return token[:-1] if token.endswith("e") else token
