"""The tokenizer, beside the original: the package `tokenizers`, set up as the model's own tokenizer.json sets it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from dreamkeep_server.embedding.builtin import FOLDER
from dreamkeep_server.embedding.wordpiece import READ_FIRST_CHARACTERS, WordPiece

VOCABULARY = (FOLDER / "vocab.txt").read_text(encoding="utf-8")
OURS = WordPiece(VOCABULARY)
CHARACTERS = st.one_of(
    st.characters(max_codepoint=0x24F),
    st.sampled_from(
        "ἀΣςσİıßẞǅﬁ①½٣देไก็กัน각ᄀ가中龍ｗ\uff01\uff1f。「」—\u2013\u2019…€™\u0301\u0327\u20dd\ufeff\u200d\u00ad\ufffd\u2028\u3000🙂👍🏽\U0001d54f"
    ),
)


def original(tokens_max: int) -> Any:
    numbers = {token: number for number, token in enumerate(VOCABULARY.split("\n")) if token}
    tokenizer: Any = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    tokenizer.enable_truncation(tokens_max)
    return tokenizer


ORIGINALS = {tokens_max: original(tokens_max) for tokens_max in (2, 3, 16, 256)}


@given(text=st.text(CHARACTERS, max_size=80) | st.lists(st.text(CHARACTERS, max_size=12)).map(" ".join))
@settings(max_examples=500, deadline=None)
def test_every_text_has_the_tokens_of_the_original(text: str) -> None:
    assert OURS.tokens(text, 256) == ORIGINALS[256].encode(text).ids


@given(
    piece=st.text(CHARACTERS, min_size=1, max_size=30),
    times=st.integers(1, 1_000),
    tokens_max=st.sampled_from(sorted(ORIGINALS)),
)
@settings(max_examples=60, deadline=None)
def test_a_long_text_is_cut_where_the_original_cuts_it(piece: str, times: int, tokens_max: int) -> None:
    assert OURS.tokens(piece * times, tokens_max) == ORIGINALS[tokens_max].encode(piece * times).ids


@pytest.mark.parametrize("blanks", [0, READ_FIRST_CHARACTERS - 3, READ_FIRST_CHARACTERS, 90_000])
def test_a_word_is_whole_wherever_reading_stops(blanks: int) -> None:
    assert OURS.tokens(" " * blanks + "unaffable", 256) == [101, 14477, 20961, 3468, 102]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", [101, 102]),
        ("unaffable", [101, 14477, 20961, 3468, 102]),
        ("Ana prefers pnpm 9.1!", [101, 9617, 19233, 1052, 16275, 2213, 1023, 1012, 1015, 999, 102]),
        ("Café naïve ÅNGSTRÖM", [101, 7668, 15743, 17076, 15687, 102]),
        ("数据库db", [101, 100, 100, 100, 16962, 102]),
        ("İstanbul ΌΣΟΣ", [101, 9960, 1169, 29733, 29730, 29733, 102]),
        ("don't e-mail@x_y", [101, 2123, 1005, 1056, 1041, 1011, 5653, 1030, 1060, 1035, 1061, 102]),
        ("a\x00b\u200bc\td", [101, 5925, 1040, 102]),
        ("🙂 ok", [101, 100, 7929, 102]),
        ("ﬁne ½", [101, 1984, 2638, 1092, 102]),
        ("x" * 100, [101, 22038, *[20348] * 49, 102]),
        ("x" * 101, [101, 100, 102]),
    ],
)
def test_tokens_are_those_that_the_models_own_tokenizer_gave(text: str, tokens: list[int]) -> None:
    assert OURS.tokens(text, 256) == tokens


def test_a_special_in_a_text_is_a_plain_word() -> None:
    assert not {101, 102, 103} & set(OURS.tokens("[CLS] a [SEP] b [MASK]", 256)[1:-1])


def test_half_a_character_is_left_out() -> None:
    assert OURS.tokens("tea\ud83d", 256) == OURS.tokens("tea", 256)
