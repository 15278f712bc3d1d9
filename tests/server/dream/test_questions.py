"""What a model is asked: data that cannot leave its place, in batches of bounded size, in no order but the texts'."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from dreamkeep_server.dream.awaiting import batches_for, most_batches, next_batch, room_for
from dreamkeep_server.dream.candidate import Opposed, Stale, Stated, WholeSession
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, ask, in_batches, narrowed, tokens_of
from dreamkeep_server.dream.statements import find_statements

from .material import entry, session


def opposed(number: int, text: str) -> Opposed:
    return Opposed(entries=(entry(2 * number, text), entry(2 * number + 1, f"not {text}")), evidence=("one denies it",))


@given(st.lists(st.text(max_size=3_000), max_size=12))
def test_no_batch_is_larger_than_a_batch_may_be_and_none_is_lost_but_what_fits_in_none(texts: list[str]):
    candidates = [opposed(number, text) for number, text in enumerate(texts, start=1)]
    questions = ask(candidates)
    batches = in_batches(questions)
    assert [question for batch in batches for question in batch] == list(questions)
    assert all(sum(question.tokens for question in batch) <= BATCH_TOKENS_MAX for batch in batches)
    assert [question.number for question in questions] == list(range(1, len(questions) + 1))
    assert len(ask([opposed(1, "x" * 100_000)])) == 0


@given(st.text(max_size=200))
def test_stored_text_stays_a_string_on_one_line_and_comes_out_as_it_was(text: str):
    (question,) = ask([Stale(entry=entry(1, text))])
    assert not {"<", ">", "\n"} & set(question.shown)
    assert json.loads(question.shown)["entries"][0]["text"] == text


@given(st.text(max_size=2_000))
def test_tokens_are_not_underrated_for_any_script(text: str):
    assert tokens_of(text) >= len(text) / 4
    assert tokens_of("記憶" * 50) >= 100


def test_each_kind_is_asked_in_turn_so_that_a_short_budget_serves_them_all():
    talk = session(1, "I prefer tabs over spaces.")
    (statement,) = find_statements(talk)
    stale = [Stale(entry=entry(number, f"Note {number}.")) for number in range(1, 5)]
    questions = ask([*stale, Stated(statement=statement, transcript=talk)])
    assert [type(question.candidate).__name__ for question in questions] == [
        "Stale",
        "Stated",
        "Stale",
        "Stale",
        "Stale",
    ]


def test_an_agent_is_offered_at_most_ten_batches_unless_the_budget_says_otherwise():
    many = ask([opposed(number, f"{number} " + "word " * 1_500) for number in range(1, 30)], tokens_max=room_for(""))
    assert most_batches(many, None) == 10
    assert most_batches(many, 12_000) == 2
    assert most_batches(many, 1) == 1
    assert most_batches(many, 120_000) == 20
    payload, batches = batches_for(many, "", 10)
    assert batches == 10
    batch, done, total = next_batch(payload, {})
    assert batch is not None
    assert (batch.batch_id, done, total) == ("b1", 0, 10)
    assert next_batch(payload, {}, "b11") == (None, 0, 10)


@given(st.lists(st.text(min_size=1, max_size=6_000), min_size=1, max_size=30), st.integers(700, BATCH_TOKENS_MAX))
@settings(max_examples=40, deadline=None)
def test_a_session_of_any_length_and_script_fits_a_batch(texts: list[str], tokens_max: int):
    questions = ask((), [session(1, *texts)], tokens_max=tokens_max)
    for question in questions:
        assert question.tokens <= tokens_max
        assert not {"<", ">", "\n"} & set(question.shown)
        shown = json.loads(question.shown)["messages"]
        assert len(shown) <= len(texts) + 1
    assert len(questions) == 1


def test_a_session_is_shown_whole_where_it_fits_and_with_what_code_found():
    talk = session(1, "I prefer tabs over spaces.", "What is the time?")
    (statement,) = find_statements(talk)
    (question,) = ask([Stated(statement=statement, transcript=talk)], [talk])
    shown = json.loads(question.shown)
    assert [line["text"] for line in shown["messages"]] == ["I prefer tabs over spaces.", "What is the time?"]
    assert shown["found"] == ["I prefer tabs over spaces."]
    assert isinstance(question.candidate, WholeSession)


def test_sessions_and_candidates_are_asked_about_in_turn_by_what_they_take():
    talks = [session(number, "word " * 2_000) for number in range(1, 5)]
    notes = [opposed(number, f"{number} " + "word " * 200) for number in range(1, 40)]
    questions = ask(notes, talks)
    taken = {"sessions": 0, "notes": 0}
    for question in questions[:20]:
        taken["sessions" if isinstance(question.candidate, WholeSession) else "notes"] += question.tokens
    largest = max(question.tokens for question in questions)
    assert abs(taken["sessions"] - taken["notes"]) <= largest


def test_the_order_of_the_sessions_does_not_matter():
    talks = [session(number, f"Words of session {number}.") for number in range(1, 5)]
    assert ask((), talks) == ask((), talks[::-1])


def test_a_refused_quote_is_asked_about_again_with_what_stands_around_it():
    talk = session(1, *(f"Line {number}." for number in range(1, 21)))
    (question,) = ask((), [talk])
    near = json.loads(narrowed(question, [10]).shown)
    assert [line["message"] for line in near["messages"]] == [8, 9, 10, 11, 12]
    assert narrowed(question, []) == question
    assert narrowed(question, [99]) == question
