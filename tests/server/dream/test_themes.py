"""Topics for entries that have none: by what the memory shows, then by plain categories."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamkeep_server.dream.candidate import Themed
from dreamkeep_server.dream.candidates import find_candidates
from dreamkeep_server.dream.nearness import Vectors
from dreamkeep_server.dream.themes import ENTRIES_A_DREAM_MAX, ENTRIES_A_THEME_MAX, THEMES_A_DREAM_MAX
from dreamkeep_store.models import Entry, EntryId, Material

from .material import apply, entry, material, plan_by_rules
from .taking import taken

FERRIES = (
    entry(1, "The ferry feed is read every night.", topic="/ferries"),
    entry(2, "The ferry feed names piers by their number.", topic="/ferries"),
    entry(3, "Tide heights are stored in metres.", topic="/tides"),
    entry(4, "Tide charts are drawn as plain SVG.", topic="/tides"),
)


def themes(given: Material, vectors: Vectors | None = None) -> dict[str, list[EntryId]]:
    found = [one for one in find_candidates(given, vectors) if isinstance(one, Themed)]
    assert len({one.topic for one in found}) == len(found)
    return {one.topic: [each.entry_id for each in one.entries] for one in found}


def test_an_entry_belongs_where_its_words_stand():
    fresh = entry(5, "A broken ferry feed is told to the harbour office.")
    assert themes(material(*FERRIES, fresh)) == {"/ferries": [fresh.entry_id]}


def test_tags_tell_of_a_topic_as_words_do():
    placed = [entry(number, f"Remark {number} on boats.", topic="/ferries", tags=("sea",)) for number in (1, 2)]
    fresh = entry(5, "Boats call on Sundays.", tags=("sea",))
    assert themes(material(*placed, fresh)) == {"/ferries": [fresh.entry_id]}


def test_an_entry_between_two_topics_stays_without_one():
    fresh = entry(5, "The ferry feed has tide heights as well.")
    assert themes(material(*FERRIES, fresh)) == {}


def test_the_nearest_in_meaning_tell_of_a_topic_where_they_agree():
    placed = [entry(number, f"Sailing number {number}", topic="/boats") for number in range(1, 6)]
    fresh, far = entry(8, "Rowing"), entry(9, "Cooking")
    ground = material(*placed, fresh, far)
    rows = np.array([[1, 0]] * 6 + [[0, 1]], np.float32)
    vectors = Vectors(rows=rows, places={one.entry_id: at for at, one in enumerate(ground.entries)})
    assert themes(ground, vectors) == {"/boats": [fresh.entry_id]}
    assert themes(ground) == {}


@pytest.mark.parametrize(
    ("contents", "topic"),
    [
        (("The user prefers tea.", "I strongly dislike jazz", "My favourite editor is Vim"), "/user/preferences"),
        (("The user is a nurse.", "The user lives in Oslo", "My birthday is on 3 May"), "/user/profile"),
        (("The user's sister lives in Rome", "My wife cooks on Fridays", "My boss is away"), "/user/people"),
        (("We decided to drop npm.", "The team agreed on trunk", "We went with Caddy"), "/project/decisions"),
        (("The API listens on port 5433", "DB_HOST=db2", "Docs are served at localhost"), "/project/environment"),
        (("Run tests with `pytest -q`", "Build it by `make all`", "Deploy with `fly deploy`"), "/project/commands"),
        (
            ("Never commit to main", "Commit messages must be short", "Always type all functions"),
            "/project/conventions",
        ),
        (("Ana owns billing", "Ana met her team in Oslo", "Ana's cat is grey"), "/people/ana"),
        (("Tidewater is an app", "Tidewater's chart is plain", "Tidewater grew in May"), "/project/tidewater"),
    ],
)
def test_a_memory_without_topics_gets_plain_ones(contents: tuple[str, ...], topic: str):
    entries = [entry(number, content) for number, content in enumerate(contents)]
    assert themes(material(*entries)) == {topic: [one.entry_id for one in entries]}
    assert themes(material(*entries[:2])) == {}, "two are no theme"


@pytest.mark.parametrize(
    "content",
    [
        "I want to choose a colour, can you help?",
        "I feel like a walk",
        "user_id: the key of the table of customers",
        "x" * 500,
    ],
)
def test_a_question_or_a_message_has_no_category(content: str):
    assert themes(material(*(entry(number, f"{content} {number}") for number in range(4)))) == {}


def test_what_has_a_topic_is_never_moved_and_what_fades_needs_none():
    entries = [entry(number, f"The user likes thing {number}") for number in range(3)]
    elsewhere = entry(8, "The user likes boats", topic="/elsewhere")
    passing = entry(9, "The user likes the rain today", tier="ephemeral")
    (moved,) = themes(material(*entries, elsewhere, passing)).values()
    assert moved == [one.entry_id for one in entries]


def test_after_a_topic_was_taken_only_a_new_entry_is_proposed():
    ground = material(*(entry(number, f"The user likes thing {number}") for number in range(4)))
    once = apply(ground, taken(plan_by_rules(ground), "move"))
    assert {one.topic for one in once.entries} == {"/user/preferences"}
    assert plan_by_rules(once).changes == ()
    fresh = entry(9, "The user dislikes rain")
    assert themes(material(*once.entries, fresh)) == {"/user/preferences": [fresh.entry_id]}


def test_a_topic_is_suggested_and_risks_nothing_but_the_topic():
    ground = material(*(entry(number, f"The user likes thing {number}", tags=("x",)) for number in range(3)))
    (change,) = plan_by_rules(ground).changes
    assert (change.operation, change.decision, change.risk) == ("move", "suggested", "medium")
    assert [(new.content, new.tags) for new in change.opens] == [(one.content, one.tags) for one in ground.entries]


def test_somebody_who_declined_a_topic_for_an_entry_is_not_asked_again():
    entries = [entry(number, f"The user likes thing {number}") for number in range(5)]
    ground = material(*entries)
    declined = frozenset((one.entry_id, one.content, "/user/preferences") for one in entries[:2])
    again = Material(
        dream_id=ground.dream_id,
        entries=ground.entries,
        transcripts=(),
        instructions="",
        now=ground.now,
        rejected=frozenset(),
        forgotten=(),
        declined=declined,
    )
    assert themes(again) == {"/user/preferences": [one.entry_id for one in entries[2:]]}


def test_one_dream_asks_about_few_themes_and_the_rest_waits():
    names = [f"Ana{letter}" for letter in "bcdefghijklmnop"]
    entries = [
        entry(number, f"{name}'s thing {number} is blue", age=number)
        for number, name in enumerate(name for name in names for _ in range(30))
    ]
    found = themes(material(*entries))
    assert len(found) <= THEMES_A_DREAM_MAX
    assert max(len(ids) for ids in found.values()) == ENTRIES_A_THEME_MAX
    assert sum(len(ids) for ids in found.values()) == ENTRIES_A_DREAM_MAX


def test_an_entry_that_a_person_is_asked_about_otherwise_waits_for_its_topic():
    entries = [
        entry(1, "The user likes tea", age=9),
        entry(2, "The user dislikes tea"),
        *(entry(number, f"The user likes thing {number}") for number in range(3, 7)),
    ]
    changes = plan_by_rules(material(*entries)).changes
    read = [revision for change in changes for revision in change.reads]
    assert len(read) == len(set(read)), "whatever is accepted first, the other can be accepted too"
    assert {change.operation for change in changes} > {"move"}


contents = st.sampled_from([
    "The user likes tea", "The user likes jazz", "The user dislikes rain", "The user lives in Oslo", "Ana owns billing",
    "Ana's cat is grey", "Ana met her team", "We decided to drop npm", "The ferry feed is late", "The ferry feed grew",
])  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(st.tuples(contents, st.sampled_from([None, None, None, "/a", "/a/b", "/user/preferences"])), max_size=12)
)
def test_whatever_the_order_each_entry_without_a_topic_is_in_one_theme_at_most(said: list[tuple[str, str | None]]):
    entries = [entry(number, f"{text} {number}", topic=topic, age=number) for number, (text, topic) in enumerate(said)]
    found = themes(material(*entries))
    ids = [one for theme in found.values() for one in theme]
    assert len(ids) == len(set(ids))
    assert set(ids) <= {one.entry_id for one in entries if one.topic is None}
    known = {one.topic for one in entries}
    assert all(len(theme) >= 3 or topic in known for topic, theme in found.items())
    shuffled: list[Entry] = list(entries)
    Random(1).shuffle(shuffled)
    assert themes(material(*shuffled)) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Acme's default branch is main", "Acme's default branch is trunk"),
        ("Drinks I like: Tea. It warms.", "Drinks I dislike: Tea. It is too bitter."),
    ],
)
def test_a_newer_value_without_a_topic_still_replaces_one_that_was_given_a_topic(old: str, new: str):
    older, newer = entry(1, old, age=9, topic="/acme"), entry(2, new)
    (change,) = [one for one in plan_by_rules(material(older, newer)).changes if one.decision == "included"]
    assert (change.operation, change.closes) == ("supersede", (older.revision_id,))


def test_where_two_topics_have_an_attribute_nothing_tells_whose_a_value_without_one_is():
    entries = [
        entry(1, "The default branch is main", age=9, topic="/a"),
        entry(2, "The default branch is master", age=8, topic="/b"),
        entry(3, "The default branch is trunk"),
    ]
    assert all(change.operation == "move" for change in plan_by_rules(material(*entries)).changes)
