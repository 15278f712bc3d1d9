"""What is found, and what is not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import (
    ExactDuplicates,
    Expired,
    NearDuplicates,
    Opposed,
    SameWords,
    SlotValues,
    Stale,
)
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.estimate import estimate
from dreamkeep_server.dream.likeness import make_stars
from dreamkeep_store.models import TokenUsage

from .material import by_letters, entry, material, session


def found(*texts: str):
    """Return the candidates of these texts, the first said first."""
    return find_candidates(material(*(entry(n, text, age=100 - n) for n, text in enumerate(texts, start=1))))


def test_the_same_text_and_the_same_words_are_duplicates():
    (exact,) = found("likes tea", "likes tea")
    assert isinstance(exact, ExactDuplicates)
    (same,) = found("Likes tea.", "likes tea")
    assert isinstance(same, SameWords)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The user's favourite colour is purple", "The user's favorite color is cyan"),
        ("The API listens on port 5433.", "The API now runs on port 5434"),
        ("The default branch is main", "The default branch is now trunk"),
        ("Acme's default branch is main", "The default branch of Acme changed from main to trunk"),
        ("Package manager: npm", "package manager: pnpm"),
        ("DB_PORT=5432", "DB_PORT = 5433"),
        ("The project uses npm as its package manager", "The project's package manager is pnpm"),
        ("The project uses npm", "The project switched from npm to pnpm"),
        ("The user likes coffee", "The user no longer likes coffee"),
        ("The user likes coffee", "The user doesn't like coffee any more."),
        ("The user drinks coffee", "The user has stopped drinking coffee"),
        ("The project uses npm", "The project quit using npm"),
        ("Anna lives in Oslo", "Anna used to live in Oslo"),
        ("Remember that our default branch is main", "Our default branch is trunk"),
        ("Anna is 31 years old", "Anna is 32 years old"),
        ("nginx listens on port 80", "nginx now listens on port 443"),
        ("nginx listens on port 80", "nginx listens on port 443 instead"),
        ("Ana's email is ana@work.com", "Ana's email is now ana@home.com"),
        ("Ana's email address is ana@work.com", "Ana's email address changed to ana@home.com"),
        ("The timezone of Ana is CET", "The timezone of Ana is EST"),
        ("Ana lives in Paris", "Ana moved from Paris to Rome"),
    ],
)
def test_a_slot_is_certain(older: str, newer: str):
    values = [one for one in found(older, newer) if isinstance(one, SlotValues)]
    assert [one.certain for one in values] == [True]
    assert values[0].newer[0].content == newer
    assert values[0].older[0].content == older


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The user likes tea", "The user likes coffee"),
        ("Pets I like: Dogs", "Pets I like: Cats"),
        ("The port is 80 in staging", "The port is 443 in production"),
        ("Anna's favourite colour is red", "Bob's favourite colour is blue"),
        ("The user's favourite drink is tea", "The user's favourite drink is green tea"),
        ("The user lives in Berlin", "The user lives in Germany"),
        ("Note: the build is slow", "Note: the build is fast"),
        ("Status: done", "Status: blocked"),
        ("The default branch might be main", "The default branch might be trunk"),
        ("If it rains, the default branch is main", "The default branch is trunk"),
        ("Is the default branch main?", "The default branch is trunk"),
        ("The default branch is main", "The default branch is not trunk"),
        ("The user's favourite colours are red and blue", "The user's favourite colours are green"),
        ("The project uses npm", "The team switched from npm to pnpm"),
        ("The user drinks coffee", "The user stopped drinking coffee on Mondays"),
        ("The user drinks coffee", "Anna used to drink coffee"),
        ("The user wakes up early", "The user is used to wake up early"),
        ("The user likes coffee", "The user dislikes coffee"),
        ("nginx listens on port 80", "nginx listens on port 443"),
        ("The API's port is 80", "The API's port is set to 443"),
        ("The gateway exposes port 80", "The gateway exposes port 443"),
        ("Ana's email is ana@work.com", "Ana's email is ana@home.com"),
        ("Ana's phone number is 5551234", "Ana's phone number is 5559876"),
        ("Ana's address is 4 Elm Road", "Ana's address is 9 Oak Street"),
        ("Ana's url: ana.work.com", "Ana's url: ana.home.com"),
        ("Ana lives in Paris", "Ana moved from Paris to Rome for one summer"),
        ("Ana lives in Paris", "Ana moved from Paris to Rome this July"),
        ("The team uses Jira", "The team switched from Jira to Linear for bugs"),
        ("The team uses Jira", "The team switched bug tracking from Jira to Linear"),
        ("The team uses Jira", "The team replaced Jira with Linear for bugs"),
        ("The team uses Jira", "The team switched from Jira to Linear, mobile excepted"),
        ("Acme's default branch is main", "The default branch of Acme changed from main to trunk this week"),
    ],
)
def test_a_slot_is_not_certain(older: str, newer: str):
    assert not any(isinstance(one, SlotValues) and one.certain for one in found(older, newer))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The office of acme is in Oslo", "The office of acme is in Bergen"),
        ("Acme's office is in Oslo.", "The office of Acme is now located in Bergen."),
        ("Our standup is at 9:30", "Our standup is at 10:00"),
        ("Anna's mentor is Bob", "Anna\u2019s mentor is now Carol"),
        ("My desk is on the third floor", "My desk is on the fifth floor"),
    ],
)
def test_what_often_has_one_value_is_a_slot_that_is_never_certain(older: str, newer: str):
    (values,) = found(older, newer)
    assert isinstance(values, SlotValues)
    assert not values.certain
    assert values.newer[0].content == newer


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("nginx listens on port 80", "nginx listens on port 443"),
        ("Ana's email is ana@work.com", "Ana's email is ana@home.com"),
        ("Ana lives in Paris", "Ana moved from Paris to Rome for one summer"),
        ("The team uses Jira", "The team switched from Jira to Linear for bugs"),
    ],
)
def test_what_may_hold_beside_the_newer_statement_is_still_suggested(older: str, newer: str):
    (values,) = found(older, newer)
    assert isinstance(values, SlotValues)
    assert (values.newer[0].content, values.older[0].content) == (newer, older)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna's friend is Bob", "Anna's friend is Carol"),
        ("Anna's office is in Oslo", "Bob's office is in Bergen"),
        ("The office of acme is in Oslo", "The depot of acme is in Bergen"),
        ("The office of acme is in Oslo", "The office of acme is in downtown Oslo"),
        ("The office of acme is in Oslo", "The office of acme is in Bergen if it rains"),
        ("The end of the film is sad", "The end of the film is surprising"),
        ("The ball is in the box", "The ball is in the garden"),
    ],
)
def test_what_may_well_both_hold_is_no_slot(one: str, other: str):
    assert not any(isinstance(candidate, SlotValues) for candidate in found(one, other))


def test_a_slot_under_two_topics_is_two_slots():
    one = entry(1, "The default branch is main", topic="/a", age=9)
    other = entry(2, "The default branch is trunk", topic="/b")
    assert not any(isinstance(c, SlotValues) for c in find_candidates(material(one, other)))


def test_a_slot_asserted_twice_at_the_same_time_is_not_certain():
    one, other = entry(1, "The default branch is main"), entry(2, "The default branch is trunk")
    assert [c.certain for c in find_candidates(material(one, other)) if isinstance(c, SlotValues)] == [False]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The user likes coffee", "The user dislikes coffee"),
        ("I love hiking", "I can't stand hiking."),
        ("The user hates jazz", "The user is now a fan of jazz"),
        ("Anna enjoys green tea", "Anna no longer likes green tea"),
        ("Sports I dislike: Boxing. Bo took me on 5 May.", "Sports I like: Boxing. It takes discipline."),
        ("Books I dislike: Fantasy", "Films I like: Fantasy"),
        ("Foods I dislike: Nuts. They make my throat swell.", "Foods I like: Nuts"),
        ("Foods I dislike: Nuts. They make my throat swell.", "Foods I dislike: Nuts. Too dear at work."),
        ("Games I like to play: Chess, with a clock", "Games I like to play: Chess, without a clock"),
        ("Music I like to listen to: Folk", "Music I like to listen to: Norwegian folk, above all"),
        ("Sports I dislike: Boxing.", "A documentary on boxing made the user reconsider the previous dislike."),
    ],
)
def test_an_attitude_that_turned_is_found_and_never_certain(older: str, newer: str):
    (values,) = found(older, newer)
    assert isinstance(values, SlotValues)
    assert not values.certain
    assert (values.newer[0].content, values.older[0].content) == (newer, older)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The user likes coffee", "Anna dislikes coffee"),
        ("The user likes tea", "The user dislikes coffee"),
        ("The user likes tea in the morning", "The user dislikes tea in the evening"),
        ("The user likes green tea", "The user likes black tea"),
        ("The user likes tea and coffee", "The user dislikes tea and coffee at night"),
        ("Games I like to play: Chess", "Games I like to play: Go"),
        ("Games I like to play: Chess", "Games I don't like: Chess boxing"),
        ("The room looks like a mess", "The room does not like a mess"),
        ("Sports I dislike: Boxing.", "A documentary on cooking made the user reconsider the previous dislike."),
        ("Anna likes coffee if she is tired", "Anna dislikes coffee"),
    ],
)
def test_attitudes_that_may_both_hold_do_not_meet(one: str, other: str):
    assert not any(isinstance(candidate, SlotValues) for candidate in found(one, other))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Sports I dislike: Boxing. It is loud.", "Sports I like: Boxing. It takes discipline."),
        ("Drinks I like: Green tea.", "Drinks I dislike: Green tea; it keeps me awake"),
        ("Drinks I like: Green tea. It is mild.", "Drinks I like: Green tea. It is mild and warms."),
    ],
)
def test_an_entry_of_a_list_is_certainly_replaced_by_a_newer_one_about_the_same_thing(older: str, newer: str):
    (values,) = found(older, newer)
    assert isinstance(values, SlotValues)
    assert values.certain
    assert (values.newer[0].content, values.older[0].content) == (newer, older)


def test_an_entry_of_a_list_may_be_replaced_by_a_near_newer_one_of_its_kind():
    texts = ("Games I like to play: Strategy games", "Games I like to play: War games, large")
    given = material(*(entry(n, text, age=100 - n) for n, text in enumerate(texts, start=1)))
    assert find_candidates(given) == ()
    (values,) = find_candidates(given, by_letters(given))
    assert isinstance(values, SlotValues)
    assert not values.certain
    assert values.older[0].content == texts[0]


def test_attitudes_of_two_topics_do_not_meet():
    one = entry(1, "I like coffee", topic="/anna", age=9)
    other = entry(2, "I dislike coffee", topic="/bob")
    assert not any(isinstance(c, SlotValues) for c in find_candidates(material(one, other)))


def test_near_duplicates_are_found_and_guards_keep_apart():
    text = "Deploys of the billing service go through the blue cluster and need an approval from ops"
    (near,) = found(text, text.replace("go through", "pass through"))
    assert isinstance(near, NearDuplicates)
    (opposed,) = found(text, text.replace("need", "never need"))
    assert isinstance(opposed, Opposed)
    assert found("Anna likes green tea in the morning", "Anna likes black coffee in the morning") == ()


def test_a_star_has_at_most_eight_entries():
    stars = make_stars([(0, n) for n in range(1, 12)], lambda _one, _other: True)
    assert stars == [tuple(range(8))]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), unique=True))
def test_every_two_entries_of_a_star_are_alike_and_none_is_in_two(pairs: list[tuple[int, int]]):
    alike = {*pairs, *((right, left) for left, right in pairs)}
    stars = make_stars(pairs, lambda one, other: (one, other) in alike)
    assert all(pair in alike for star in stars for pair in itertools.combinations(star, 2))
    everybody = [one for star in stars for one in star]
    assert len(everybody) == len(set(everybody))
    assert all(1 < len(star) <= 8 for star in stars)


def test_how_far_the_search_is_rises_to_its_end():
    seen: list[tuple[int, int]] = []
    some = material(*(entry(n, f"fact {n} about town {n}") for n in range(300)))
    find_candidates(some, by_letters(some), lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] <= seen[-1][1]
    assert len(seen) > 5


def test_one_dream_asks_about_the_stalest_entries_only():
    old = [entry(n, f"fact {n} about town {n}", age=900 + n) for n in range(40)]
    asked = [found.entry for found in find_candidates(material(*old)) if isinstance(found, Stale)]
    assert asked == old[:14:-1]


def test_expired_and_faded_entries_are_found():
    gone, old = entry(1, "standup", tier="ephemeral", age=30), entry(2, "old", age=900)
    assert find_candidates(material(gone, old)) == (Expired(entry=gone), Stale(entry=old))


def test_an_expired_entry_is_nothing_else():
    gone = entry(1, "likes tea", tier="ephemeral", age=30)
    assert find_candidates(material(gone, entry(2, "likes tea"))) == (Expired(entry=gone),)


def test_an_estimate_counts_candidates_and_what_a_model_would_read():
    ground = material(
        entry(1, "likes tea"), entry(2, "likes tea"), transcripts=[session(1, "I prefer tabs over spaces.")]
    )
    figures = estimate(ground, "claude")
    assert (figures.entries, figures.sessions, figures.batches) == (2, 1, 1)
    assert figures.candidates == {"ExactDuplicates": 1, "Stated": 1}
    assert min(figures.cost.input_tokens, figures.cost.output_tokens, figures.cost.cost_usd) > 0
    assert estimate(ground, "agent").cost.input_tokens > 0
    assert estimate(ground, "rules").cost == estimate(material(), "claude").cost == TokenUsage()
    again = estimate(ground, "claude", settled=lambda questions: frozenset(one.number for one in questions))
    assert (again.batches, again.settled, again.cost) == (0, 1, TokenUsage())
