"""What a dream would make of one entry."""

import numpy as np
from hypothesis import given, settings

from dreamkeep_server.dream.nearness import Vectors
from dreamkeep_server.dream.outlook import look_ahead
from dreamkeep_store.models import Material

from .material import by_letters, entry, material, materials, plan_by_rules


def test_a_repeat_is_in_prospect_of_its_merge():
    one, other = entry(1, "The user likes tea."), entry(2, "the user likes tea")
    (prospect,) = look_ahead(material(one, other), other.entry_id).prospects
    assert prospect.change is not None
    assert (prospect.change.operation, prospect.change.decision) == ("merge", "included")
    assert prospect.others == (one.entry_id,)


def test_what_somebody_rejected_is_told_as_the_reason_for_nothing():
    one, other = entry(1, "The user likes tea."), entry(2, "the user likes tea")
    rejected = frozenset(change.fingerprint for change in plan_by_rules(material(one, other)).changes)
    (prospect,) = look_ahead(material(one, other, rejected=rejected), one.entry_id).prospects
    assert prospect.change is None
    assert prospect.without == "somebody rejected that before"


def test_the_nearest_entry_is_named_where_nothing_is_near_enough():
    one = entry(1, "Ferries call at the northern pier.")
    near, far = entry(2, "Ferries sleep in the harbour."), entry(3, "Ana's cat is grey.")
    outlook = look_ahead(material(one, near, far), one.entry_id)
    assert outlook.prospects == ()
    (neighbour,) = outlook.neighbours
    assert (neighbour.entry, neighbour.apart) == (near, "not near enough")
    assert 0 < neighbour.same_words < 0.5
    assert neighbour.cosine is None


def test_the_nearest_in_meaning_is_named_beside_the_nearest_in_words():
    one = entry(1, "Ferries call at the northern pier.")
    worded, meant = entry(2, "Ferries sleep in the harbour."), entry(3, "Boats stop up there.")
    ground = material(one, worded, meant)
    rows = np.array([[1, 0], [0, 1], [0.8, 0.6]], np.float32)
    vectors = Vectors(rows=rows, places={entry.entry_id: at for at, entry in enumerate(ground.entries)})
    neighbours = look_ahead(ground, one.entry_id, vectors).neighbours
    assert [(neighbour.entry, neighbour.cosine) for neighbour in neighbours] == [(worded, 0.0), (meant, 0.8)]


def test_what_keeps_two_alike_entries_apart_is_named():
    one = entry(1, "Ana keeps the spare key of the blue cabinet in the drawer of the office in Oslo.")
    other = entry(2, "Ana keeps the spare key of the blue cabinet in the drawer of the office in Rome.")
    (neighbour,) = look_ahead(material(one, other), one.entry_id).neighbours
    assert neighbour.apart == "kept apart: oslo against rome"


def test_an_entry_alone_has_no_neighbour():
    one = entry(1, "Tea")
    outlook = look_ahead(material(one), one.entry_id)
    assert (outlook.prospects, outlook.neighbours) == ((), ())


@settings(deadline=None)
@given(materials())
def test_the_prospects_of_all_entries_together_are_the_plan(ground: Material):
    vectors = by_letters(ground) if ground.entries else None
    planned = plan_by_rules(ground, by_meaning=bool(ground.entries)).changes
    prospects = [prospect for one in ground.entries for prospect in look_ahead(ground, one.entry_id, vectors).prospects]
    assert all((prospect.change is None) != (prospect.without is None) for prospect in prospects)
    seen = {prospect.change.fingerprint for prospect in prospects if prospect.change is not None}
    assert seen == {change.fingerprint for change in planned if change.reads}
