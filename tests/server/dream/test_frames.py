"""Two texts that differ in one value behind the verb: which are suggested, and which are two facts."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import NearDuplicates, SlotValues
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.frames import differs_in_value, find_frames
from dreamkeep_server.dream.judgement import Conflict, Merge, Supersede
from dreamkeep_server.dream.judges.rules import judge

from .material import entry, material

CHANGED = [
    ("I prefer dark mode in the editor.", "I prefer light mode in the editor."),
    ("NEW_CHECKOUT is off in production.", "NEW_CHECKOUT is now on in production."),
    ("Redis runs on redis-01.", "Redis runs on redis-02."),
    ("Staging runs Postgres 15.", "Staging runs Postgres 16."),
    ("Staging runs Postgres 15.", "Staging was upgraded to Postgres 16."),
    ("Ana lives in Lisbon.", "Ana moved to Porto."),
    ("I drink tea, never coffee.", "I have started to drink coffee."),
    ("I use tabs, not spaces.", "I use spaces."),
    ("The launch is on 4 July.", "The launch is on 11 July."),
    ("The launch is on 4 July.", "The launch has been moved to 11 July."),
    ("Backups run at 02:00.", "Backups run at 03:00."),
    ("The build takes 10 minutes.", "The build takes 12 minutes."),
    ("The standup is on Monday.", "The standup is on Tuesday."),
    ("The API has 4 replicas.", "The API has 6 replicas."),
    ("The VPN is down.", "The VPN is up."),
    ("I prefer meetings in the morning.", "I prefer meetings in the evening."),
    ("The build limit is 10 minutes.", "The build limit was raised from 10 minutes to 15 minutes."),
]

TWO_FACTS = [
    ("Tests on macOS run in CI.", "Tests on Windows run in CI."),
    ("Release 3.2 fixed the login bug.", "Release 3.3 fixed the login bug."),
    ("Rita likes green tea.", "Rita likes black tea."),
    ("Bo owns the login service.", "Bo owns the login page."),
    ("Room 12 has a beamer.", "Room 14 has a beamer."),
    ("Order 1234 was shipped.", "Order 1235 was shipped."),
    ("Ana fixed issue 12.", "Ana fixed issue 13."),
    ("The team met on 4 July.", "The team met on 11 July."),
    ("Redis runs on port 6379.", "Valkey runs on port 6379."),
    ("Redis runs on redis-01 and redis-02.", "Redis runs on redis-02 and redis-03."),
    ("Redis runs on redis-01 and redis-03.", "Redis runs on redis-02 and redis-03."),
    ("A replica runs on db-01.", "A replica runs on db-02."),
    ("Ana is assigned to ABC-1.", "Ana is assigned to ABC-2."),
    ("Ana is the author of RFC-12.", "Ana is the author of RFC-13."),
    ("Ana uses S3.", "Ana uses EC2."),
    ("Ana is away in July.", "Ana is away in August."),
    ("We use 2 spaces in YAML.", "We use 4 spaces in Python."),
    ("The build takes 10 minutes on Node 18.", "The build takes 10 minutes on Node 20."),
    ("The man is turning on the light.", "The man is turning off the light."),
    ("The gym is open in the morning.", "The gym is open in the evening."),
    ("It is on.", "It is off."),
    ("There is 1 lift in the house.", "There is 2 lift in the house."),
    ("Ana worked in Lisbon.", "Ana moved to Porto."),
    ("We are based in Lisbon.", "We moved to GitHub."),
    ("Ana was in Rome in 2019.", "Ana was in Rome in 2021."),
    ("The log level is debug in staging.", "The log level is info in production."),
    ("I drink coffee and water.", "I drink tea, never coffee."),
]


def judged(older: str, newer: str, *, at_once: bool = False):
    ground = material(entry(1, older, age=3), entry(2, newer, age=3 if at_once else 1))
    return [(one, judge(one, ground)) for one in find_candidates(ground)]


@pytest.mark.parametrize(("older", "newer"), CHANGED)
def test_the_newer_of_two_values_is_suggested_in_place_of_the_older(older: str, newer: str):
    ((found, judgement),) = judged(older, newer)
    assert isinstance(found, SlotValues)
    assert isinstance(judgement, Supersede)
    assert (judgement.newer, judgement.older, judgement.sure) == ("e_00000002", ("e_00000001",), False)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("NEW_CHECKOUT is off in production.", "NEW_CHECKOUT is now on in production."),
        ("Staging runs Postgres 15.", "Staging was upgraded to Postgres 16."),
        ("Ana lives in Lisbon.", "Ana moved to Porto."),
    ],
)
def test_of_two_said_at_once_the_one_that_says_that_it_became_so_is_newer(older: str, newer: str):
    for one, other in ((older, newer), (newer, older)):
        ((found, judgement),) = judged(one, other, at_once=True)
        assert isinstance(judgement, Supersede)
        assert isinstance(found, SlotValues)
        assert found.newer[0].content == newer


def test_of_two_said_at_once_neither_is_newer():
    ((_, judgement),) = judged("Staging runs Postgres 15.", "Staging runs Postgres 16.", at_once=True)
    assert isinstance(judgement, Conflict)


@pytest.mark.parametrize(("one", "other"), TWO_FACTS)
def test_what_differs_in_another_place_is_two_facts(one: str, other: str):
    assert [found for found in judged(one, other) if isinstance(found[1], Conflict | Supersede)] == []
    assert [found for found in judged(other, one) if isinstance(found[1], Conflict | Supersede)] == []


def test_a_value_replaces_every_older_one_and_no_entry_of_another_topic():
    texts = ["Staging runs Postgres 14.", "Staging runs Postgres 15.", "Staging runs Postgres 16."]
    entries = [entry(n, text, age=9 - n) for n, text in enumerate(texts, start=1)]
    found = [one for one in find_candidates(material(*entries)) if isinstance(one, SlotValues)]
    assert {(one.newer[0].entry_id, one.older[0].entry_id) for one in found} == {
        ("e_00000003", "e_00000001"),
        ("e_00000003", "e_00000002"),
    }
    apart = (entry(1, texts[0], topic="shop"), entry(2, texts[1], topic="blog"))
    assert [one for one in find_candidates(material(*apart)) if isinstance(one, SlotValues)] == []


def test_what_says_itself_what_it_replaces_is_found_once():
    found = [one for one, _ in judged("Acme uses Node 18", "Acme switched from Node 18 to Node 20")]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The launch is on 4 July.", "The launch is on July 4th."),
        ("The timeout is 30 seconds.", "The timeout is 30s."),
        ("The deadline is 2026-07-04.", "The deadline is 4 July 2026."),
        ("The price is $1,500.", "The price is 1500 dollars."),
        ("The standup is at 9:00.", "The standup is at 9 am."),
        ("The cache ttl is 1 hour.", "The cache ttl is 60 minutes."),
        ("The share of Ana is 10%.", "The share of Ana is 10 percent."),
        ("The max upload size is 10 MB.", "The max upload size is 10MB."),
    ],
)
def test_the_same_value_in_another_spelling_is_no_newer_value_but_a_suggested_merge(one: str, other: str):
    for first, second in ((one, other), (other, one)):
        ((found, judgement),) = judged(first, second)
        assert isinstance(found, NearDuplicates)
        assert isinstance(judgement, Merge)
        assert not judgement.sure


def test_a_date_with_its_year_only_says_the_date_more_precisely():
    assert judged("The launch is on 4 July.", "The launch is on 2026-07-04.") == []


def test_a_figure_that_names_or_dates_what_a_text_is_about_is_no_value():
    assert differs_in_value("Ana paid 500 dollars for the bike", "Ana paid 600 dollars for the bike")
    assert not differs_in_value("Acme 3 got a new logo", "Acme 4 got a new logo")
    assert not differs_in_value("The room 12 has a beamer", "The room 14 has a beamer")
    assert not differs_in_value("Ana closed ticket 12 on site", "Ana closed ticket 13 on site")
    assert not differs_in_value("Ana was in Rome in 2019", "Ana was in Rome in 2021")
    assert not differs_in_value("Ana met Bo on 4 July", "Ana met Bo on 11 July")


WORDS = st.sampled_from(
    [
        "redis",
        "the",
        "is",
        "runs",
        "on",
        "off",
        "now",
        "4",
        "5",
        "redis-01",
        "redis-02",
        "july",
        "mb",
        "not",
        "uses",
        "a",
    ]
)
TEXTS = st.lists(WORDS, min_size=3, max_size=6).map(" ".join)


@given(st.lists(TEXTS, min_size=2, max_size=4, unique=True))
def test_the_order_of_entries_does_not_change_what_is_found(texts: list[str]):
    entries = [entry(n, text, age=9 - n) for n, text in enumerate(texts, start=1)]
    expected = find_candidates(material(*entries))
    for order in itertools.permutations(entries):
        assert find_candidates(material(*order)) == expected


@given(TEXTS)
def test_a_text_gives_one_value_to_a_frame(text: str):
    frames = list(find_frames(text))
    assert len({frame.key for frame in frames}) == len(frames)
    assert all(frame.value for frame in frames)


@given(st.lists(TEXTS, min_size=2, max_size=4, unique=True))
def test_the_newer_is_never_older(texts: list[str]):
    entries = [entry(n, text, age=n % 3) for n, text in enumerate(texts, start=1)]
    for found in find_candidates(material(*entries)):
        if isinstance(found, SlotValues):
            assert found.newer[0].asserted_at - found.older[0].asserted_at >= timedelta()
