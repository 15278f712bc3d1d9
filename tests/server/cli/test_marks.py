"""Which words of a text are marked as new or gone."""

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.cli.marks import WORDS_MAX, mark


def marked(text: str, *others: str) -> list[str]:
    return [piece for piece, differs in mark(text, others) if differs]


def test_only_the_words_that_differ_are_marked() -> None:
    assert marked("It listens on port 8443.", "It listens on port 8080.") == ["8443"]
    assert marked("never deploy on Fridays", "deploy on Fridays") == ["never "] or marked(
        "never deploy on Fridays", "deploy on Fridays"
    ) == ["never"]


def test_a_path_or_a_version_is_one_word() -> None:
    assert marked("see deploy/prod.yaml", "see deploy/dev.yaml") == ["deploy/prod.yaml"]
    assert marked("Python 3.11", "Python 3.12") == ["3.11"]


def test_letter_case_is_no_difference() -> None:
    assert marked("TEA", "tea") == []


def test_words_that_any_source_had_are_not_marked() -> None:
    assert marked("red and blue", "red", "and blue") == []


def test_a_wholly_new_text_has_no_marks() -> None:
    assert mark("new", []) == [("new", False)]


def test_new_neighbours_are_one_mark() -> None:
    assert marked("the big green boat", "the boat") == ["big green"]


def test_a_very_long_text_is_shown_without_marks() -> None:
    text = "word " * (WORDS_MAX + 1)
    assert mark(text, ["other"]) == [(text, False)]


@given(st.text(alphabet="ab .", max_size=30), st.lists(st.text(alphabet="ab .", max_size=30), max_size=3))
def test_the_pieces_are_the_text(text: str, others: list[str]) -> None:
    assert "".join(piece for piece, _ in mark(text, others)) == text
