"""What a model added of several sessions is asked about together where it is near; the order never matters."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import Recurring, WholeSession
from dreamkeep_server.dream.insights import Judged, covers, find_common, without_covered, without_known
from dreamkeep_server.dream.judgement import Add, Insight, Keep
from dreamkeep_store.models import Quote

from .material import session

TALKS = [session(number, f"Words of session {number}.", age=10 - number) for number in range(1, 5)]


def quote(number: int, text: str = "") -> Quote:
    talk = TALKS[number - 1]
    return Quote(
        session_id=talk.session.session_id,
        message=1,
        text=text or talk.messages[0].text,
        role="user",
        at=talk.messages[0].at,
    )


def addition(number: int, content: str, tag: str = "fact") -> Judged:
    return WholeSession(transcript=TALKS[number - 1], found=()), (add(number, content, tag),)


def add(number: int, content: str, tag: str = "fact") -> Add:
    return Add(content=content, quotes=(quote(number),), tags=(tag,), reason="", sure=True)


SHORT = addition(1, "Commit messages are kept short.", "preference")
SHORT_TOO = addition(2, "Commit messages should be kept short and plain.", "preference")


def test_near_additions_of_two_sessions_are_one_question_that_says_which():
    (found,) = find_common([SHORT, SHORT_TOO, addition(3, "The office is in Oslo.")], [])
    assert found.kind == "preference"
    assert found.content == "Commit messages should be kept short and plain."  # the newest wording
    assert [one.session_id for one in found.quotes] == ["s_00000001", "s_00000002"]
    assert "s_00000001" in found.evidence[0]


def test_additions_of_one_session_have_nothing_to_be_in_common():
    assert find_common([(SHORT[0], (*SHORT[1], *SHORT_TOO[1]))], []) == ()


def test_additions_that_contradict_each_other_are_not_in_common():
    assert find_common([SHORT, addition(2, "Commit messages are not kept short.")], []) == ()
    assert (
        find_common([addition(1, "The API listens on port 5433."), addition(2, "The API listens on port 5434.")], [])
        == ()
    )


def test_what_code_had_found_in_both_is_not_asked_about_twice():
    known = Recurring(
        kind="convention", content="Short.", quotes=(quote(1), quote(2)), transcripts=(TALKS[0], TALKS[1]), evidence=()
    )
    assert find_common([SHORT, SHORT_TOO], [known]) == ()


contents = st.sampled_from(
    [
        "Commit messages are kept short.",
        "Commit messages should be kept short and plain.",
        "Commit messages are not kept short.",
        "The office is in Oslo.",
        "The Oslo office is in the harbour.",
        "Mia sends the invoices.",
    ]
)
additions = st.lists(st.builds(addition, st.integers(1, 4), contents), max_size=8)


@given(additions, st.randoms(use_true_random=False))
def test_the_order_of_sessions_and_additions_does_not_matter(given_ones: list[Judged], chance: Random):
    shuffled = list(given_ones)
    chance.shuffle(shuffled)
    assert find_common(given_ones, []) == find_common(shuffled, [])


@given(additions)
def test_every_insight_asked_about_has_at_least_two_sessions_each_once(given_ones: list[Judged]):
    for found in find_common(given_ones, []):
        sessions = [transcript.session.session_id for transcript in found.transcripts]
        assert len(sessions) == len(set(sessions)) >= 2
        assert {one.session_id for one in found.quotes} == set(sessions)


def test_an_insight_takes_the_place_of_the_additions_that_it_quotes_and_says():
    (common,) = find_common([SHORT, SHORT_TOO], [])
    insight = Insight(
        content="Commit messages are kept short and plain.", quotes=common.quotes, tags=(), reason="", sure=True
    )
    elsewhere = replace(add(1, "The office is in Oslo."), quotes=(quote(1, "Oslo"),))
    detailed = add(1, "Commit messages are kept short because the board prints labels.")
    (first, short), (second, short_too) = SHORT, SHORT_TOO
    judged: list[Judged] = [(first, (*short, elsewhere, detailed)), (second, short_too)]
    assert without_covered([*judged, (common, (insight,))]) == (
        (first, (elsewhere, detailed)),
        (second, ()),
        (common, (insight,)),
    )
    half = replace(insight, quotes=common.quotes[:1])
    assert without_covered([*judged, (common, (half,))])[1] == judged[1]
    kept = (*judged, (common, (Keep(reason=""),)))
    assert without_covered(kept) == kept


def test_a_quote_covers_the_words_inside_of_it_in_the_same_message_only():
    assert covers([quote(1, "keep it short, please")], [quote(1, "keep it short")])
    assert covers([quote(1, "keep it short")], [quote(1, "keep it short, please")])
    assert not covers([quote(1, "keep it short")], [quote(2, "keep it short")])
    assert not covers([quote(1, "keep it short")], [quote(1, "in Oslo")])
    assert not covers([quote(1)], [quote(1), quote(2)])


def test_what_the_memory_says_in_other_words_is_not_added_again():
    keep = Keep(reason="")
    judged: list[Judged] = [(SHORT[0], (*SHORT[1], keep)), addition(2, "The office is in Oslo.")]
    left = without_known(judged, ["The commit messages are kept short.", "The office is in Bergen."])
    assert left == ((SHORT[0], (keep,)), addition(2, "The office is in Oslo."))
    assert without_known(judged, []) == tuple(judged)
