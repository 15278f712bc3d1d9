"""What a model is asked: data that cannot leave its place, in batches of bounded size, in no order but the texts'."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.awaiting import batches_for, next_batch
from dreamkeep_server.dream.candidate import Opposed, Stale, Stated
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, ask, in_batches, tokens_of
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
    many = [opposed(number, f"{number} " + "word " * 1_500) for number in range(1, 30)]
    assert batches_for(many, "", None)[1] == 10
    assert batches_for(many, "", 12_000)[1] == 2
    assert batches_for(many, "", 1)[1] == 1
    assert batches_for(many, "", 120_000)[1] == 20
    payload, _ = batches_for(many, "", None)
    batch, done, total = next_batch(payload, {})
    assert batch is not None
    assert (batch.batch_id, done, total) == ("b1", 0, 10)
    assert next_batch(payload, {}, "b11") == (None, 0, 10)
