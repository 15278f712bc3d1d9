"""The command line with the embedder that comes with the package."""

from collections.abc import Callable
from typing import Any

import pytest

Fine = Callable[..., Any]


@pytest.fixture(autouse=True)
def embedder(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DREAMKEEP_EMBEDDER")


def test_what_was_remembered_is_recalled_by_its_meaning_at_once(fine: Fine) -> None:
    fine("remember", "Her cat sleeps on the sofa.")
    fine("remember", "The invoice service listens on port 8443.")
    told = fine("recall", "which pets does she keep", "--explain")
    assert "Her cat sleeps on the sofa." in told
    assert "similarity 0." in told


def test_doctor_says_what_recall_goes_by_and_how_far_it_is(fine: Fine, said: Callable[..., Any]) -> None:
    fine("remember", "Her cat sleeps on the sofa.")
    (recall,) = [check for check in said("doctor", "--quick") if check["what"] == "recall"]
    assert recall["sentence"] == "It goes by words and meaning (minilm); 1 of 1 texts embedded."


def test_reindexing_makes_every_vector_anew_and_drops_those_of_other_embedders(
    fine: Fine, said: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fine("remember", "Her cat sleeps on the sofa.")
    assert "1 text embedded (minilm)." in fine("reindex")
    assert "Her cat" in fine("recall", "which pets does she keep")
    monkeypatch.setenv("DREAMKEEP_EMBEDDER", "none")
    assert [check["sentence"] for check in said("doctor", "--quick") if check["what"] == "recall"] == [
        "It goes by words (no embedder is set).",
        "Vectors of other embedders are kept: minilm (1); `dreamkeep reindex` drops them.",
    ]
    assert "The vectors of minilm are dropped." in fine("reindex")


def test_an_embedder_that_is_down_is_named_and_recall_goes_by_words(
    fine: Fine, run: Callable[..., Any], said: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DREAMKEEP_EMBEDDER", "openai:letters@http://127.0.0.1:9/v1")
    remembered = run("remember", "Her cat sleeps on the sofa.")
    assert remembered.exit_code == 0
    assert "It is found by its words only, for now: " in remembered.stderr
    result = run("recall", "cat")
    assert "Her cat sleeps on the sofa." in result.stdout
    assert result.stderr.startswith("By words only: ")
    (recall,) = [check for check in said("doctor", "--quick") if check["what"] == "recall"]
    assert (recall["verdict"], recall["sentence"][:24]) == ("warning", "It goes by words only: T")


def test_a_setting_that_names_no_embedder_is_refused_with_those_that_there_are(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DREAMKEEP_EMBEDDER", "word2vec")
    result = run("recall", "cat")
    assert result.exit_code == 1
    assert "DREAMKEEP_EMBEDDER cannot be used: 'word2vec' names no embedder; there are: minilm, none," in result.stderr
