"""What a dream promises whatever its judge says, and the tests that prove it: each of them is there."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

PROVED_BY: dict[str, tuple[str, ...]] = {
    "the version that it read has the same digest afterwards": (
        "server/worker/test_worker.py::test_a_dream_leaves_the_version_it_read_as_it_was",
        "server/judges/test_claude.py::test_right_answers_become_changes",
        "store/test_switching.py::test_a_proposal_changes_nothing_until_somebody_switches",
    ),
    "every entry is exactly one of kept, merged, superseded, archived, split": (
        "server/dream/test_plan.py::test_every_entry_is_kept_or_closed_once",
        "server/dream/test_settling.py::test_every_entry_stays_or_becomes_one_thing_and_all_that_is_new_says_what_of",
    ),
    "every entry that comes out was there, or names its sources or a verbatim quote": (
        "server/dream/test_settling.py::test_every_entry_stays_or_becomes_one_thing_and_all_that_is_new_says_what_of",
        "server/dream/test_plan.py::test_every_addition_has_a_quote_that_its_session_holds",
        "server/dream/test_plan.py::test_an_invented_quote_is_refused",
    ),
    "persistent entries come out the same unless an approved change names them": (
        "server/dream/test_plan.py::test_persistent_entries_come_out_the_same",
        "server/hostile/test_verdicts.py::test_no_judgement_about_it_is_done_that_harms",
    ),
    "a merge carries every specific of its sources, or says which it supersedes": (
        "server/dream/test_plan.py::test_a_merge_keeps_every_specific_or_says_what_it_supersedes",
        "server/dream/test_plan.py::test_a_merge_with_a_bad_text_is_refused",
    ),
    "a merge keeps the id of its most lasting, then most trusted, then newest source": (
        "server/dream/test_plan.py::test_a_merge_keeps_the_most_lasting_then_most_trusted_then_newest_source",
    ),
    "a text taken verbatim keeps its source's trust, another one has the least": (
        "server/dream/test_plan.py::test_a_merge_in_a_judges_own_words_has_the_least_trust_of_its_sources",
    ),
    "nothing becomes more lasting or more trusted than its sources without an approval": (
        "server/dream/test_plan.py::test_nothing_becomes_more_trusted_or_more_lasting_than_its_sources",
        "server/dream/test_plan.py::test_a_tier_rises_by_suggestion_only",
        "server/dream/test_what_was_said.py::test_what_an_assistant_repeats_is_trusted_as_what_it_repeats",
    ),
    "nothing that the user said gives way to what is less trusted without an approval": (
        "server/dream/test_what_was_said.py::test_what_the_user_said_gives_way_to_nothing_less_trusted_unasked",
        "server/dream/test_what_was_said.py::test_a_judge_alone_archives_nothing_that_the_user_said",
    ),
    "the newer statement wins, and a superseded slot is never left empty": (
        "server/dream/test_plan.py::test_the_newer_statement_wins",
        "server/dream/test_settling.py::test_what_takes_the_place_of_another_statement_is_there_afterwards",
    ),
    "instructions in memories and transcripts are data: flagged, and never applied by themselves": (
        "server/dream/test_plan.py::test_high_risk_and_instructions_are_never_included",
        "server/hostile/test_doors.py::test_nothing_hostile_lasts_is_trusted_or_is_done_without_a_person",
        "server/hostile/test_verdicts.py::test_no_judgement_about_it_is_done_that_harms",
    ),
    "an insight has quotes from at least two sessions": (
        "server/dream/test_plan.py::test_an_insight_of_one_session_is_refused",
        "server/dream/test_plan.py::test_every_addition_has_a_quote_that_its_session_holds",
    ),
    "secrets are redacted before a judge sees them and before anything is written": (
        "server/dream/test_transcripts.py::test_a_secret_is_gone_before_anything_is_cut",
        "server/hostile/test_doors.py::test_nothing_hostile_lasts_is_trusted_or_is_done_without_a_person",
        "server/dream/test_what_was_said.py::test_a_reason_holds_no_secret_and_no_order",
        "server/dream/test_what_was_said.py::test_a_refusal_holds_no_secret_and_no_long_text",
    ),
    "a refused operation changes nothing": (
        "server/dream/test_plan.py::test_ids_of_nobody_and_of_others_are_refused",
        "server/judges/test_claude.py::test_what_breaks_a_rule_is_said_back_once_and_then_left_to_the_rules",
    ),
    "garbage, empty or invented answers change nothing, and the dream does not say that all went well": (
        "server/judges/test_claude.py::test_an_answer_without_any_judgement_changes_nothing_and_fails_the_dream",
        "server/judges/test_agent.py::test_a_hostile_agent_changes_nothing_that_the_rules_would_not",
    ),
    "killed anywhere and resumed, it ends with the same digest and pays for nothing twice": (
        "server/worker/test_worker.py::test_a_dream_killed_anywhere_and_resumed_ends_the_same",
        "server/worker/test_resume.py::test_a_dream_killed_anywhere_comes_to_the_same_and_pays_for_nothing_twice",
    ),
    "a second dream right after the first changes nothing": (
        "server/dream/test_plan.py::test_a_second_dream_right_after_the_first_includes_nothing",
        "server/dream/test_settling.py::test_what_a_sure_judge_wrote_leaves_the_rules_nothing_to_include",
        "server/worker/test_convergence.py::"
        "test_ten_dreams_in_a_row_lose_nothing_that_holds_and_do_not_grow_without_cause",
    ),
    "what somebody rejected is not proposed again": (
        "server/dream/test_plan.py::test_what_was_rejected_is_not_proposed_again",
        "server/worker/test_convergence.py::"
        "test_ten_dreams_in_a_row_lose_nothing_that_holds_and_do_not_grow_without_cause",
    ),
    "the order of entries, sessions and judgements does not matter": (
        "server/dream/test_settling.py::test_a_dream_does_not_depend_on_the_order_of_its_entries_and_sessions",
        "server/dream/test_plan.py::test_the_order_of_judgements_does_not_matter",
    ),
    "what would archive or supersede more than a quarter of the store is never switched to by policy": (
        "server/worker/test_worker.py::"
        "test_a_dream_that_would_replace_more_than_a_quarter_is_not_switched_to_by_policy",
    ),
    "usage never exceeds the budget, and what ran out leaves a partial proposal": (
        "server/judges/test_claude.py::test_no_budget_is_ever_exceeded",
        "server/judges/test_claude.py::test_a_budget_that_ends_leaves_a_partial_proposal",
    ),
}


@pytest.mark.parametrize("invariant", PROVED_BY)
def test_the_tests_that_prove_an_invariant_are_there(invariant: str):
    for named in PROVED_BY[invariant]:
        path, _, test = named.partition("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert test in there, named
