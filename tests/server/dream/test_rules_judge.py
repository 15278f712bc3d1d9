"""What the rules judge is sure of, and the way of a model's answer to judgements."""

from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.answers import JudgeAnswer, read_answer
from dreamkeep_server.dream.candidate import NearDuplicates
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.judgement import Archive, Conflict, Keep, Merge, Supersede
from dreamkeep_server.dream.judges.rules import judge
from dreamkeep_server.dream.plan import make_plan
from dreamkeep_store.models import Entry

from .material import entry, judged, material, plan_by_rules, session


def judgement_of(*entries: Entry):
    ((_, judgement),) = judged(material(*entries))
    return judgement


def test_duplicates_are_merged_for_sure():
    judgement = judgement_of(entry(1, "Likes tea."), entry(2, "likes tea"))
    assert isinstance(judgement, Merge)
    assert judgement.sure


def test_a_certain_slot_is_superseded_for_sure():
    judgement = judgement_of(entry(1, "The default branch is main", age=9), entry(2, "The default branch is trunk"))
    assert isinstance(judgement, Supersede)
    assert judgement.sure
    assert judgement.newer == "e_00000002"


def test_a_less_trusted_statement_does_not_supersede_for_sure():
    judgement = judgement_of(
        entry(1, "The default branch is main", age=9, trust="user"), entry(2, "The default branch is trunk")
    )
    assert isinstance(judgement, Supersede)
    assert not judgement.sure


def test_what_ended_outright_is_superseded_for_sure_and_a_contrary_attitude_by_suggestion():
    liked = entry(1, "The user likes coffee", age=9)
    ended = judgement_of(liked, entry(2, "The user no longer likes coffee"))
    contrary = judgement_of(liked, entry(2, "The user dislikes coffee"))
    less_trusted = judgement_of(
        entry(1, "The user likes coffee", age=9, trust="user"), entry(2, "The user doesn't like coffee any more")
    )
    at_once = judgement_of(entry(1, "The user likes coffee"), entry(2, "The user dislikes coffee"))
    assert isinstance(ended, Supersede)
    assert isinstance(contrary, Supersede)
    assert isinstance(less_trusted, Supersede)
    assert (ended.sure, contrary.sure, less_trusted.sure) == (True, False, False)
    assert isinstance(at_once, Conflict)


def test_a_near_duplicate_is_merged_by_suggestion_into_the_text_that_carries_all():
    short = "Deploys of the billing service go through the blue cluster and need an approval from ops"
    judgement = judgement_of(entry(1, short), entry(2, short + " since 2024"))
    assert isinstance(judgement, Merge)
    assert not judgement.sure
    assert judgement.content.endswith("2024")


def test_of_two_near_duplicates_the_one_goes_on_that_says_more():
    fuller = "Nightly backups of the billing database go to the Lisbon site every night at three"
    less = "Nightly backups of the billing database go to the Lisbon site every night"
    for older, newer in ((fuller, less), (less, fuller)):
        ground = material(entry(1, older, age=9), entry(2, newer, age=1))
        candidate = NearDuplicates(entries=ground.entries, evidence=())
        judgement = judge(candidate, ground)
        assert isinstance(judgement, Merge)
        assert judgement.content == fuller


def test_two_texts_that_complement_each_other_are_suggested_to_be_kept_as_one_that_holds_both():
    first = "In Oslo every deploy of the billing service needs a review, a green build and a note in the channel"
    second = "Every deploy of the billing service needs a review by Ana, a green build and a note in the channel"
    ground = material(entry(1, first, age=9), entry(2, second, age=1))
    judgement = judge(NearDuplicates(entries=ground.entries, evidence=()), ground)
    assert isinstance(judgement, Merge)
    assert (judgement.content, judgement.sure) == (f"{second}\n{first}", False)
    (change,) = plan_by_rules(ground, by_meaning=True).changes
    assert (change.operation, change.decision) == ("merge", "suggested")


def test_two_texts_with_another_name_in_one_place_are_not_merged():
    first = "Every deploy of the billing service needs a review by Ben, a green build and a note in the channel"
    second = "Every deploy of the billing service needs a review by Ana, a green build and a note in the channel"
    ground = material(entry(1, first, age=9), entry(2, second, age=1))
    assert isinstance(judge(NearDuplicates(entries=ground.entries, evidence=()), ground), Keep)
    assert [change for change in plan_by_rules(ground, by_meaning=True).changes if change.operation == "merge"] == []


def test_what_two_entries_deny_each_other_is_a_conflict():
    judgement = judgement_of(entry(1, "Deploys are frozen on Fridays"), entry(2, "Deploys are not frozen on Fridays"))
    assert isinstance(judgement, Conflict)


def test_an_old_entry_is_archived_by_suggestion():
    judgement = judgement_of(entry(1, "x", age=900))
    assert isinstance(judgement, Archive)
    assert not judgement.sure


ground = material(
    entry(1, "likes tea"),
    entry(2, "likes tea"),
    transcripts=[session(1, "I prefer tabs over spaces."), session(2, "What now?")],
)
candidates = find_candidates(ground)
asked = dict(enumerate(candidates, start=1))


def row(**fields: object) -> dict[str, object]:
    return {"candidate": 1, "operation": "merge", "reason": "why", **fields}


def test_an_answer_becomes_judgements():
    merge = row(entries=["e_00000001", "e_00000002"], content="likes tea", sure=True)
    quote = {"session_id": "s_00000001", "message": 1, "text": "I prefer tabs over spaces."}
    add = row(candidate=2, operation="add", content="I prefer tabs over spaces", quotes=[quote])
    read = read_answer({"judgements": [merge, add]}, asked)
    assert (read.refused, read.strays) == ({}, [])
    judged = [(asked[number], judgement) for number, several in read.judged.items() for judgement, _ in several]
    plan = make_plan(ground, judged)
    assert [(change.operation, change.decision) for change in plan.changes] == [
        ("merge", "included"),
        ("add", "suggested"),
    ]


def test_a_bad_judgement_is_refused_with_its_reason_and_spoils_no_other():
    rows: list[object] = [
        row(entries=["e_invented", "e_00000001"], content="x"),
        row(entries=["e_00000001", "e_00000002"], content="  "),
        row(operation="explode", entries=["e_00000001"]),
        row(candidate=99),
        row(candidate="1"),
        "nonsense",
        row(operation="suggest-tier", entries=["e_00000001"], tier="eternal"),
        row(operation="archive"),
        row(operation="keep"),
        row(operation="keep"),
    ]
    read = read_answer({"judgements": rows}, asked)
    assert list(read.judged) == [1]
    assert read.refused == {}
    assert len(read.strays) == 4
    first = read_answer({"judgements": rows[:1]}, asked)
    assert "e_invented" in first.refused[1][0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["judgements", "candidate"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_garbage_is_refused_and_never_raises(raw: object):
    read = read_answer(raw, asked)
    assert (read.judged, read.refused) == ({}, {})
    assert read.strays or raw == [] or (isinstance(raw, dict) and not raw["judgements"])


def test_the_schema_of_an_answer_lists_every_field():
    fields = JudgeAnswer.model_json_schema()["$defs"]["Answered"]["properties"]
    assert set(fields) == {
        "candidate", "operation", "reason", "entries", "content", "contents", "tier", "topic", "quotes", "sure",
        "kind",
    }  # fmt: skip
