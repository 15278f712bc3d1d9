"""What a terminal and a script get to see of a text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dreamkeep_server.cli.text import one_line, plain, plural, shown, to_json
from dreamkeep_store.models import Quote, SessionId


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Tea, never coffee.", "Tea, never coffee."),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("over\rwritten", "over␍written"),
        ("\x7f\x9b31m", "<U+007F><U+009B>31m"),
        ("abc\u202ecba", "abc<U+202E>cba"),
        ("Smögen 漁港 🐟", "Smögen 漁港 🐟"),
    ],
)
def test_a_terminal_is_not_obeyed_by_what_a_text_holds(text: str, says: str) -> None:
    assert shown(text) == says


def test_a_long_text_is_cut_to_one_line() -> None:
    assert one_line("a  b\n c") == "a b c"
    assert one_line("abcdef", 4) == "abc…"


def test_numbers_agree_with_their_words() -> None:
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(2_000, "entry", "entries") == "2,000 entries"
    assert plural(0, "change") == "0 changes"


def test_json_holds_every_field_of_a_value() -> None:
    quote = Quote(
        session_id=SessionId("s_1"), message=2, text="Ümlaut", role="user", at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    assert plain((quote, {"k": b"\x01"}, Path("a"))) == [
        {"session_id": "s_1", "message": 2, "text": "Ümlaut", "role": "user", "at": "2026-03-01T00:00:00Z"},
        {"k": "01"},
        "a",
    ]
    assert "Ümlaut" in to_json(quote)
