"""Dates that a query names: months are found by name, and verbs are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.ranking.dates import DatePart, dates_named

YEAR, MONTH, DAY = "year", "month", "day"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("What happened in October 2023?", [(MONTH, 10), (YEAR, 2023)]),
        ("the trip on 8 May, 2023", [(MONTH, 5), (DAY, 8), (YEAR, 2023)]),
        ("the trip of Sept 3rd", [(MONTH, 9), (DAY, 3)]),
        ("Where may I park?", []),
        ("May I park in March?", [(MONTH, 3)]),
        ("they march on", []),
        ("in may 2024", [(MONTH, 5), (YEAR, 2024)]),
        ("Jan said so", [(MONTH, 1)]),
        ("release 2023.4 on port 8080", [(YEAR, 2023)]),
        ("July 45", [(MONTH, 7)]),
        ("room 1812 and 2100", []),
        ("", []),
        ("dezember 2023年", []),
    ],
)
def test_a_query_names_these_dates(query: str, named: list[DatePart]) -> None:
    assert dates_named(query) == named


@given(st.text(max_size=60))
def test_any_text_names_dates_that_there_are(query: str) -> None:
    named = dates_named(query)
    assert len(named) == len(set(named))
    for part, number in named:
        assert 1 <= number <= {YEAR: 2099, MONTH: 12, DAY: 31}[part]
