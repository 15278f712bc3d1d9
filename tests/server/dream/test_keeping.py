"""Candidates go into the journal and come back the same, whatever their kind."""

from typing import Any, get_args

import pytest

from dreamkeep_server.dream.candidate import (
    Candidate,
    Disputed,
    ExactDuplicates,
    Expired,
    Instructing,
    Learnt,
    NearDuplicates,
    Opposed,
    Outgrown,
    Recurring,
    Repeated,
    SameWords,
    Several,
    SlotValues,
    Stale,
    Stated,
    Themed,
    WholeSession,
)
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.keeping import kept, restored
from dreamkeep_server.dream.statements import find_statements

from .material import entry, material, session

ONE, TWO = (
    entry(1, "Caf\u00e9 \U0001f600 opens at 9.", topic="/a", tags=("x",)),
    entry(2, "It opens at 10.", tier="persistent"),
)
TALKS = (session(1, "I prefer tabs over spaces."), session(2, "I prefer tabs over spaces."))
SAID = tuple(find_statements(talk)[0] for talk in TALKS)
STATED = Stated(statement=SAID[0], transcript=TALKS[0])
LEARNT = Learnt(content="It broke.", quotes=(SAID[0].quote,), transcript=TALKS[0], evidence=("found",))
CANDIDATES: tuple[Candidate, ...] = (
    ExactDuplicates(entries=(ONE, TWO)),
    SameWords(entries=(TWO, ONE)),
    NearDuplicates(entries=(ONE, TWO), evidence=("alike to 80 %",)),
    SlotValues(slot="opens at", newer=(TWO,), older=(ONE,), certain=False, evidence=("9, 10",)),
    Opposed(entries=(ONE, TWO), evidence=()),
    Expired(entry=ONE),
    Stale(entry=ONE),
    Instructing(entries=(ONE,), why="an order"),
    Disputed(entry=TWO, evidence=("wrong twice",)),
    STATED,
    Repeated(statements=SAID, transcripts=TALKS, evidence=("twice",)),
    Recurring(
        kind="convention", content="Tabs.", quotes=tuple(one.quote for one in SAID), transcripts=TALKS, evidence=()
    ),
    LEARNT,
    Several(entry=ONE, parts=("a", "b"), evidence=()),
    Themed(entries=(ONE, TWO), topic="/user", evidence=()),
    Outgrown(entry=TWO, tier="standard", evidence=("used",)),
    WholeSession(transcript=TALKS[0], found=(STATED, LEARNT)),
)


def test_every_kind_of_candidate_is_tried_here():
    kinds: tuple[Any, ...] = get_args(Candidate)
    assert {type(candidate) for candidate in CANDIDATES} == set(kinds)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: type(candidate).__name__)
def test_a_candidate_comes_back_as_it_was_with_its_entries_and_sessions_by_id(candidate: Candidate):
    text = kept(candidate)
    assert restored(text, Ground(material(ONE, TWO, transcripts=TALKS))) == candidate
    assert "opens at 9" not in text
