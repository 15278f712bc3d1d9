"""What sessions stated: each once, what several agree on as one, and of two that contradict the newer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import Repeated, Stated
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.learnt import ADDITIONS_A_DREAM_MAX, Addition, find_learnt, sessions_left
from dreamkeep_server.dream.said import say_the_same
from dreamkeep_store.models import Message, Transcript

from .material import entry, material, plan_by_rules, session, session_of

SAME = [
    ("I prefer dark mode in every editor.", "I prefer dark mode in every editor"),
    ("Our staging database runs on port 5433.", "Our staging database listens on port 5433."),
    ("I like green tea.", "I love green tea."),
    ("Always run the linter before committing.", "Always run the linter before you commit."),
    ("Write commit messages in the imperative mood.", "Please write your commit messages in the imperative mood."),
    ("Remember that our default branch is trunk.", "Keep in mind that our default branch is now trunk."),
    ("Use pnpm here, not npm.", "No, use pnpm in this repo, not npm."),
]
DIFFERENT = [
    ("Our staging database runs on port 5433.", "Our staging database runs on port 5434 in CI, too."),
    ("I like green tea in the morning.", "I like black tea in the morning."),
    ("Always run the linter before committing.", "Always run the tests before committing."),
    ("We use Terraform for the network.", "We use Pulumi for the network."),
    ("I prefer short answers in chat.", "I prefer long answers in documents."),
    ("We decided to drop Redis for the queue.", "We decided to drop Kafka for the queue."),
]
CONTRADICTING = [
    ("My favourite editor is Vim.", "My favourite editor is Helix."),
    ("I like green tea.", "I don't like green tea."),
    ("We use npm for the frontend.", "We no longer use npm for the frontend."),
    ("Always deploy on Fridays.", "Never deploy on Fridays."),
    ("Remember that our default branch is main.", "Remember that our default branch is trunk."),
]


def heard(*transcripts: Transcript) -> list[list[str]]:
    """Return what was found, each as its wordings."""
    found = find_learnt(material(transcripts=transcripts), [])
    assert all(isinstance(one, Stated | Repeated) for one in found)
    return [
        [statement.content for statement in one.statements] if isinstance(one, Repeated) else [one.statement.content]
        for one in found
        if isinstance(one, Stated | Repeated)
    ]


@pytest.mark.parametrize(("earlier", "later"), SAME)
def test_the_same_in_other_words_in_two_sessions_is_one_insight_in_the_newest_words(earlier: str, later: str):
    sessions = [session(1, earlier, age=9), session(2, later, age=1)]
    (found,) = heard(*sessions)
    assert len(found) == 2
    assert heard(*reversed(sessions)) == [found]
    plan = plan_by_rules(material(transcripts=sessions))
    assert plan.refusals == ()
    (change,) = plan.changes
    assert (change.operation, change.decision, change.risk) == ("insight", "suggested", "medium")
    assert change.opens[0].content in later
    assert [quote.session_id for quote in change.quotes] == ["s_00000001", "s_00000002"]


@pytest.mark.parametrize(("earlier", "later"), DIFFERENT)
def test_what_may_be_another_thing_stays_by_itself(earlier: str, later: str):
    assert sorted(map(len, heard(session(1, earlier, age=9), session(2, later, age=1)))) == [1, 1]


@pytest.mark.parametrize(("earlier", "later"), CONTRADICTING)
def test_of_two_sessions_that_contradict_each_other_the_newer_holds(earlier: str, later: str):
    older, newer = session(1, earlier, age=9), session(2, later, age=1)
    assert heard(older, newer) == heard(newer, older) == [[later.removeprefix("Remember that ")]]


@pytest.mark.parametrize(("earlier", "later"), CONTRADICTING)
def test_what_was_said_at_one_time_contradicts_nothing(earlier: str, later: str):
    assert len(heard(session(1, earlier, age=1), session(2, later, age=1))) == 2


@pytest.mark.parametrize(("earlier", "later"), CONTRADICTING)
def test_a_session_that_is_trusted_less_takes_nothing_back(earlier: str, later: str):
    assert len(heard(session(1, earlier, age=9), session(2, later, age=1, trust="external"))) == 2


def test_what_was_said_twice_in_one_session_is_no_insight():
    assert heard(session(1, "I like green tea.", "I love green tea.")) == [["I love green tea."]]


@pytest.mark.parametrize(
    ("known", "stated"),
    [
        *SAME,
        ("The user's default branch is trunk.", "My default branch is trunk."),
        ("We use Terraform for the network, and Ansible for the hosts.", "We use Terraform for the network."),
    ],
)
def test_what_the_memory_says_in_other_words_is_not_proposed_again(known: str, stated: str):
    assert plan_by_rules(material(entry(1, known), transcripts=[session(1, stated)])).changes == ()


@pytest.mark.parametrize(("known", "stated"), [*DIFFERENT, *CONTRADICTING])
def test_what_the_memory_does_not_say_is_proposed(known: str, stated: str):
    plan = plan_by_rules(material(entry(1, known, age=99), transcripts=[session(1, stated)]))
    assert any(change.operation == "add" for change in plan.changes)


def test_who_agrees_is_told_where_the_sessions_name_their_speakers():
    said = [
        session_of(
            number, (Message(number=1, role="user", text="Always run the linter before committing.", name=name),)
        )
        for number, name in ((1, "Ann"), (2, "Bo"), (3, "Ann"))
    ]
    (change,) = plan_by_rules(material(transcripts=said)).changes
    assert "agreed by 2 speakers: Ann, Bo" in change.evidence
    (unnamed,) = plan_by_rules(
        material(transcripts=[session(at, "Always use uv in this repo.") for at in (1, 2)])
    ).changes
    assert not any("agreed by" in evidence for evidence in unnamed.evidence)


def test_a_preference_is_suggested_for_its_own_store_and_never_included_by_a_dream():
    agreed = [session(at, "I prefer dark mode in every editor.", age=at) for at in range(1, 40)]
    alone = session(40, "I prefer tabs over spaces in Go code.")
    plan = plan_by_rules(material(entry(1, "The user likes tea."), transcripts=[*agreed, alone]))
    assert {change.operation for change in plan.changes} == {"add", "insight"}
    assert {change.decision for change in plan.changes} == {"suggested"}


def test_of_a_session_that_grew_only_what_is_new_is_proposed():
    texts = ["I prefer tabs over spaces.", "Remember that our default branch is trunk."]
    whole = session(1, *texts)
    assert len(heard(whole)) == 2
    grew = replace(whole, session=replace(whole.session, read_messages=1))
    assert heard(grew) == [["our default branch is trunk."]]
    again = replace(whole, session=replace(whole.session, read_messages=2))
    assert len(heard(again)) == 2


def test_what_was_read_before_still_counts_when_another_session_says_it():
    first = session(1, "I prefer tabs over spaces.", "Hello there.", age=9)
    grew = replace(first, session=replace(first.session, read_messages=1))
    assert heard(grew, session(2, "I prefer tabs over spaces.")) == [["I prefer tabs over spaces."] * 2]


def content_of(found: Addition) -> str:
    match found:
        case Stated(statement=statement):
            return statement.content
        case Repeated(statements=statements):
            return statements[-1].content
        case _:
            return found.content


def many(sessions: int, each: int) -> list[Transcript]:
    return [
        session(at, *(f"Remember that project X{at} number {n} is called N{at}x{n}." for n in range(each)), age=at)
        for at in range(sessions)
    ]


def test_a_dream_asks_about_no_more_than_a_person_can_review_and_says_which_sessions_wait():
    agreed = [session(at, "Always run the linter before committing.", age=at) for at in (200, 201)]
    corrected = session(202, "No, use pnpm.", age=300)
    crowd = many(30, 10)
    given_all = material(transcripts=[*crowd, *agreed, corrected])
    found = find_learnt(given_all, [])
    assert len(found) == ADDITIONS_A_DREAM_MAX
    assert isinstance(found[0], Repeated)
    assert isinstance(found[1], Stated)
    assert found[1].statement.kind == "correction"
    accepted: list[str] = []
    waiting = given_all.transcripts
    for _ in range(4):
        now = material(*(entry(at, text) for at, text in enumerate(accepted)), transcripts=waiting)
        found_now = find_learnt(now, say_the_same(now.entries))
        accepted += [content_of(one) for one in found_now]
        left = sessions_left(now, found_now)
        waiting = tuple(one for one in waiting if one.session.session_id in left)
    assert len(set(accepted)) == len(accepted) == 30 * 10 + 2
    assert waiting == ()


TEXTS = [text for pair in (*SAME, *DIFFERENT, *CONTRADICTING) for text in pair]
SESSIONS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), st.integers(1, 4), st.sampled_from(["user", "agent"])
    ),
    max_size=5,
)


@given(SESSIONS, st.randoms())
def test_the_order_of_sessions_and_entries_does_not_matter(drawn: list[tuple[list[str], int, str]], random: object):
    sessions = [
        session(at, *texts, age=age, trust="user" if trust == "user" else "agent")
        for at, (texts, age, trust) in enumerate(drawn)
    ]
    entries = [entry(at, text, age=50 + at) for at, text in enumerate(TEXTS[:3])]
    shuffled = [*sessions]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own random.Random
    found = find_candidates(material(*entries, transcripts=sessions))
    assert find_candidates(material(*entries, transcripts=shuffled)) == found
    for one in found:
        if isinstance(one, Repeated):
            assert len({transcript.session.session_id for transcript in one.transcripts}) == len(one.statements) >= 2
