"""BERT's uncased WordPiece tokenizer: a text becomes the numbers that the model was trained on.

In plain Python, because the package that does this brings a client for downloading models along; the
model takes a hundred times longer than this.
"""

import unicodedata

UNKNOWN = "[UNK]"
FIRST = "[CLS]"
LAST = "[SEP]"
CONTINUES = "##"
WORD_CHARACTERS_MAX = 100
"""A longer word is unknown, as in the original."""
READ_FIRST_CHARACTERS = 2_048
READ_MORE = 8
REMEMBERED_MAX = 0xFFFF
"""What nearly all texts are made of; a table of all characters would take 150 MB."""

_PLANES_OF_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class _Characters(dict[int, str]):
    """What each character of a decomposed text becomes, found out when it is first met.

    Controls and marks vanish, ideographs and punctuation stand alone, the rest is lower case.
    """

    def __missing__(self, code: int) -> str:
        shown = _shown(code)
        if code <= REMEMBERED_MAX:
            self[code] = shown
        return shown


def _shown(code: int) -> str:
    character = chr(code)
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\t\n\r":
        return " "
    if category in ("Cc", "Cf", "Co", "Cs", "Mn") or code == 0xFFFD:
        # "Cn", unassigned, stays, as in the original: what is assigned depends on Python's version.
        return ""
    if character in _ASCII_PUNCTUATION or category[0] == "P":
        return f" {character} "
    if any(low <= code <= high for low, high in _PLANES_OF_IDEOGRAPHS):
        return f" {character} "
    return character.lower()  # one at a time: a sigma at a word's end is a sigma


_CHARACTERS = _Characters()


class WordPiece:
    """Tokens by longest match from the left, out of a vocabulary with a token a line."""

    def __init__(self, vocabulary: str) -> None:
        self._numbers = {token: number for number, token in enumerate(vocabulary.split("\n")) if token}
        self._unknown = self._numbers[UNKNOWN]
        self._first = self._numbers[FIRST]
        self._last = self._numbers[LAST]

    def tokens(self, text: str, tokens_max: int) -> list[int]:
        """The text's tokens between the two that begin and end every text, `tokens_max` at most.

        A long text is read only as far as that takes. Its specials, such as "[SEP]", are plain words: nobody
        who writes a text steers the model with it.
        """
        room = tokens_max - 2
        read = READ_FIRST_CHARACTERS
        while True:
            words = unicodedata.normalize("NFD", text[:read]).translate(_CHARACTERS).split()
            if read < len(text):
                del words[-1:]  # it may go on behind the cut
            found: list[int] = []
            for word in words:
                found += self._pieces(word)
                if len(found) >= room:
                    break
            if len(found) >= room or read >= len(text):
                return [self._first, *found[:room], self._last]
            read *= READ_MORE

    def _pieces(self, word: str) -> list[int]:
        whole = self._numbers.get(word)
        if whole is not None:
            return [whole]
        if len(word) > WORD_CHARACTERS_MAX:
            return [self._unknown]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = CONTINUES if start else ""
            for end in range(len(word), start, -1):
                number = self._numbers.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                return [self._unknown]
            pieces.append(number)
            start = end
        return pieces
