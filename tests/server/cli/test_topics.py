"""topics, and what status and explain say: how a memory is organised, and what the next dream would make of it."""

import json
from collections.abc import Callable
from typing import Any

Fine = Callable[..., str]
Said = Callable[..., Any]


def test_topics_are_listed_with_what_is_below_them(fine: Fine, said: Said, run: Callable[..., Any]) -> None:
    fine("remember", "One.", "--topic", "/acme/api")
    fine("remember", "Two.", "--topic", "/acme/web")
    fine("remember", "Three.")
    result = run("topics")
    assert result.stdout.splitlines() == ["2  /acme", "1  /acme/api", "1  /acme/web"]
    assert "1 entry without a topic in user" in result.stderr
    assert said("topics") == {
        "store": "user",
        "version": None,
        "topics": {"/acme": 2, "/acme/api": 1, "/acme/web": 1},
        "without": 1,
    }
    assert said("topics", "--version", "1")["topics"] == {}
    assert "topics     /acme 2, /acme/api 1, /acme/web 1" in fine("status")
    assert said("status")[0]["topics"]["/acme"] == 2


def test_what_was_taken_apart_and_given_a_topic_is_not_asked_about_again(fine: Fine, said: Said) -> None:
    texts = ["The user prefers tea.", "The user dislikes jazz.", "The user enjoys rowing.", "Bob owns search."]
    for text in [*texts[:3], "bob owns search", "Ana owns billing. Bob owns search."]:
        fine("remember", text)
    assert said("dream")["counts"] == {"split/medium/suggested": 1, "move/medium/suggested": 1}
    fine("review", "accept", "suggested")
    fine("switch")
    assert said("topics")["topics"] == {"/user": 3, "/user/preferences": 3}
    assert said("dream")["counts"] == {"merge/low/included": 1}
    fine("switch")
    assert sorted(entry["content"] for entry in said("recall")) == sorted([*texts, "Ana owns billing."])
    fine("remember", "The user hates rain.")
    assert said("dream")["counts"] == {"move/medium/suggested": 1}
    fine("review", "reject", "suggested")
    fine("review", "discard")
    fine("remember", "The user loves snow.")
    fine("dream")
    (change,) = said("review")
    assert [entry["content"] for entry in change["before"]] == ["The user loves snow."]


def test_explain_says_what_the_next_dream_would_do_and_with_which_entries(fine: Fine, said: Said) -> None:
    first = said("remember", "The API listens on port 8080.", "--asserted-at", "2026-01-01")["entry_id"]
    again = said("remember", "the API listens on port 8080")["entry_id"]
    told = fine("explain", first)
    assert "next dream: merge, included, low risk: 2 entries say the same words" in told
    assert f"with {again}: the API listens on port 8080" in told
    assert "it went by words only" in told
    (prospect,) = said("explain", first)["next_dream"]["prospects"]
    assert (prospect["operation"], prospect["decision"], prospect["others"]) == ("merge", "included", [again])
    assert said("status")[0]["dream_id"] is None, "nothing was written"


def test_explain_says_what_the_open_proposal_holds_about_an_entry(fine: Fine, said: Said) -> None:
    first = said("remember", "The API listens on port 8080.", "--asserted-at", "2026-01-01")["entry_id"]
    second = said("remember", "the API listens on port 8080")["entry_id"]
    other = said("remember", "Ferries call at the northern pier.")["entry_id"]
    assert said("explain", first)["open_proposal"] == []
    version = said("dream")["output_version"]
    for entry in (first, second):
        told = fine("explain", entry)
        assert f"open proposal: version {version}, c1 (merge, included, low risk): 2 entries say the same" in told
    assert "open proposal" not in fine("explain", other)
    fine("review", "reject", "c1")
    (change,) = said("explain", second)["open_proposal"]
    assert (change["version"], change["change"], change["decision"]) == (version, "c1", "rejected")
    fine("remember", "the API listens on port 8080", "--tier", "persistent")
    assert "c1 (merge, rejected, low risk; outdated: " in fine("explain", second)
    fine("review", "discard")
    assert "open proposal" not in fine("explain", second)


def test_explain_takes_nothing_that_was_switched_to_for_a_part_of_the_open_proposal(fine: Fine, said: Said) -> None:
    newest = said("remember", "The API listens on port 8080.")["entry_id"]
    kept = said("remember", "the API listens on port 8080", "--asserted-at", "2026-01-01")["entry_id"]
    several = said("remember", "Ana owns billing. Bob owns search.")["entry_id"]
    fine("dream")
    fine("switch")
    fine("review", "accept", "split")
    assert said("explain", several)["open_proposal"][0]["operation"] == "split"
    (live,) = [entry for entry in (newest, kept) if "was closed by a dream" not in fine("explain", entry)]
    assert said("explain", live)["open_proposal"] == []


def test_explain_shows_into_what_an_entry_would_be_split(fine: Fine, said: Said) -> None:
    entry = said("remember", "Ana owns billing. Bob owns search.")["entry_id"]
    told = fine("explain", entry)
    assert "next dream: split, suggested, medium risk" in told
    assert "into Ana owns billing.\n" in told
    assert "into Bob owns search.\n" in told


def test_explain_says_why_nothing_would_be_done(fine: Fine, said: Said) -> None:
    entry = said("remember", "Ferries call at the northern pier.")["entry_id"]
    assert "next dream: would leave it as it is" in fine("explain", entry)
    near = said("remember", "Ferries sleep in the harbour.")["entry_id"]
    told = fine("explain", entry)
    assert f"nearest: {near} (" in told
    assert "of the words; not near enough)" in told
    (neighbour,) = said("explain", entry)["next_dream"]["nearest"]
    assert (neighbour["entry_id"], neighbour["apart"]) == (near, "not near enough")


def test_explain_says_once_that_somebody_rejected_what_a_dream_would_do(fine: Fine, said: Said) -> None:
    entry = said("remember", "Ana owns billing. Bob owns search.")["entry_id"]
    fine("dream")
    fine("review", "reject", "split")
    told = fine("explain", entry)
    assert "next dream: nothing (somebody rejected that before)" not in told, "one that was rejected is no prospect"
    assert told.count("next dream:") == 1


def test_explain_says_why_a_dream_closed_an_entry(fine: Fine, said: Said) -> None:
    first = said("remember", "The API listens on port 8080.", "--asserted-at", "2026-01-01")["entry_id"]
    fine("remember", "the API listens on port 8080")
    fine("dream")
    fine("switch")
    told = fine("explain", first)
    assert "was closed by a dream on " in told
    assert ": 2 entries say the same words" in told


def test_a_review_shows_an_entry_that_keeps_its_text_once_with_what_is_new(fine: Fine, said: Said) -> None:
    ids = [
        said("remember", text)["entry_id"]
        for text in ("The user prefers tea.", "The user dislikes jazz.", "The user enjoys rowing.")
    ]
    fine("dream")
    told = " ".join(fine("review").split())
    for entry_id in ids:
        assert told.count(entry_id) == 1
    assert told.count("= The user ") == told.count("· now in /user/preferences") == 3
    fine("review", "accept", "move")
    assert fine("diff").count("= The user ") == 3


def test_explain_says_what_it_did_not_look_at(fine: Fine, said: Said, tmp_path: Any) -> None:
    entry = said("remember", "Ferries call at the northern pier.")["entry_id"]
    talk = tmp_path / "talk.json"
    talk.write_text(json.dumps([{"role": "user", "content": "I prefer tea."}]))
    fine("record", str(talk))
    told = fine("explain", entry)
    assert "1 session that no dream has read yet" in told
    assert "a model as the judge may decide otherwise" in told


def test_explain_goes_by_meaning_where_there_are_vectors(fine: Fine, said: Said, monkeypatch: Any) -> None:
    monkeypatch.setenv("DREAMKEEP_EMBEDDER", "minilm")
    entry = said("remember", "The user enjoys hiking in the mountains.")["entry_id"]
    fine("remember", "Hill walks are what the person likes.")
    fine("remember", "The database is PostgreSQL.")
    fine("reindex")
    (neighbour,) = said("explain", entry)["next_dream"]["nearest"]
    assert neighbour["content"] == "Hill walks are what the person likes."
    assert neighbour["cosine"] > 0.4
    assert "by words only" not in fine("explain", entry)
