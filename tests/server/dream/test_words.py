"""When two texts are the same words, what a merge has to carry, and what keeps alike texts apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.words import carried, complement, difference, missing, same_words, specifics, tokens, unheld


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The user likes tea.", "the  user likes\ntea"),
        ("Use “pnpm” here", 'use "pnpm" here!'),
        ("the user\u2019s editor", "The user's editor"),
        ("- likes tea", "likes tea"),
        ("It costs 1 234", "it costs 1 234."),
        ("cafe\u0301", "CAFÉ"),
        ("it is `main`;", "It is main"),
    ],
)
def test_case_space_quotes_and_sentence_marks_do_not_count(left: str, right: str):
    assert same_words(left) == same_words(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Anna calls Bob", "Bob calls Anna"),
        ("port 5433", "port 5434"),
        ("offset -5", "offset 5"),
        ("writes c++", "writes c"),
        ("version 1.2", "version 12"),
        ("see /srv/app", "see /srv/App"),
        ("DB_PORT is set", "db_port is set"),
        ("it is frozen", "it is not frozen"),
        ("likes tea", "likes tea?"),
        ("2² m", "22 m"),
        ("1½ h", "11/2 h"),
        ("5! ways", "5 ways"),
        ('split at ","', 'split at ";"'),
        ("ignore .env", "ignore env"),
        ("don't", "dont"),
        ("100%", "100"),
    ],
)
def test_order_numbers_signs_paths_denials_and_questions_count(left: str, right: str):
    assert same_words(left) != same_words(right)


@given(st.text(max_size=40))
def test_the_key_of_a_key_is_itself_and_a_text_carries_its_own_specifics(text: str):
    assert same_words(same_words(text)) == same_words(same_words(same_words(text)))
    assert missing(text, (text,)) == ()
    assert carried(text, specifics(text)) == specifics(text)
    assert difference(text, text) is None


def test_specifics_are_numbers_dates_paths_names_ids_addresses_and_quotes():
    text = (
        'Deploys of Acme go out on 2024-05-03 as "blue green" from /srv/app, see https://x.example/z, '
        "port 5433, DB_URL, README.md, e_4k7m2xq9, v1.2.3, in june, mail ops@x.example; it costs 1,200"
    )
    found = {" ".join(specific) for specific in specifics(text)}
    assert found >= {
        "acme", "2024-05-03", "blue green", "/srv/app", "https://x.example/z", "5433", "db_url", "readme.md",
        "e_4k7m2xq9", "v1.2.3", "june", "ops@x.example", "1200",
    }  # fmt: skip
    assert "deploys" not in found


def test_a_number_word_is_its_number():
    assert missing("It has 3 parts", ("It has three parts",)) == ()
    assert missing("It has 4 parts", ("It has three parts",)) == ("3",)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("Deploys are frozen", "Deploys are not frozen", "denial"),
        ("Deploys aren't frozen", "Deploys are frozen", "denial"),
        ("All tests pass", "Some tests pass", "quantity"),
        ("Prefers light mode", "Prefers dark mode", "opposite"),
        ("Listens on 5433", "Listens on 5434", "specific"),
        ("Is it frozen?", "It is frozen", "question"),
        ("Anna owns the billing code", "Berta owns the billing code", "subject"),
    ],
)
def test_what_keeps_two_alike_texts_apart(left: str, right: str, kind: str):
    found = difference(left, right)
    assert found is not None
    assert found.kind == kind


def test_a_text_that_says_more_is_not_kept_apart():
    assert difference("Likes tea", "Likes tea at 5") is None


pieces = st.sampled_from(
    [
        "a",
        '"a b"',
        "`x 1`",
        "5433",
        "The",
        "Acme",
        "README.md",
        '"multi"-type',
        "x",
        "b",
        "C:\\app",
        "1,000",
        "…",
        "NASA",
    ]
)
some_text = st.lists(pieces, max_size=9).map(" ".join) | st.text(max_size=20)


@given(some_text, st.lists(some_text, max_size=3))
def test_what_is_missing_is_what_stands_nowhere_as_a_run_of_tokens(content: str, sources: list[str]):
    def holds(text: str, run: tuple[str, ...]) -> bool:
        own = tokens(text)
        return any(own[at : at + len(run)] == run for at in range(len(own)))

    wanted = {specific for source in sources for specific in specifics(source)}
    lost = {specific for specific in wanted if not holds(content, specific)}
    assert missing(content, tuple(sources)) == tuple(sorted(" ".join(specific) for specific in lost))
    unsaid = {specific for specific in specifics(content) if not any(holds(source, specific) for source in sources)}
    assert unheld(specifics(content), *sources) == unsaid


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The U.S. office opens on Sept. 3", "The US office opens on September 3"),
        ("Stand-up is at 9 a.m. (Mon)", "Stand-up is at 9 am Monday"),
        ("Mr. Smith owns it", "Smith owns it"),
        ("Somebody broke the build", "Someone broke the build"),
    ],
)
def test_the_same_name_or_date_written_otherwise_keeps_nothing_apart(left: str, right: str):
    assert difference(left, right) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Stand-up is at 9 a.m.", "Stand-up is at 9 p.m."),
        ("Edit a.c first", "Edit a.h first"),
        ("The job is enabled", "The job is disabled"),
        ("Fold the map", "Unfold the map"),
        ("The upload failed", "The download failed"),
    ],
)
def test_an_opposite_or_another_file_keeps_apart(left: str, right: str):
    assert difference(left, right) is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("In Oslo the deploys go out with pnpm after a review", "The deploys go out with pnpm after a review by Ana"),
        ("The admiral of Mexico met the press in Oslo", "The Mexican admiral met the press"),
        ("On Monday the build takes long", "The build takes long for Acme"),
    ],
)
def test_two_texts_complement_each_other_when_each_tells_what_the_other_is_silent_on(left: str, right: str):
    assert difference(left, right) is not None
    assert complement(left, right)
    assert complement(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The office of Acme is in Oslo", "The office of Acme is in Bergen"),
        ("The build of Acme takes 5 minutes", "Acme's build on 3 cores takes long"),
        ("We ship on Monday with Ana", "We ship with Bo on Friday"),
        ("Deploys of Acme are frozen by Ana", "Deploys of Bolt are not frozen"),
        ("Ana uses vim", "Ana uses vim"),
    ],
)
def test_two_texts_do_not_complement_each_other_when_something_stands_in_the_others_place(left: str, right: str):
    assert not complement(left, right)
    assert not complement(right, left)


def test_a_month_is_carried_even_if_it_is_also_a_word():
    differs = difference("The lease lasts to 1 May", "The lease lasts to 1 June")
    assert differs is not None
    assert differs.kind == "specific"
    assert ("may",) not in specifics("It may rain")
