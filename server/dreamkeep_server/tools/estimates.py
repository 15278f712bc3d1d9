"""What a dream would look at and take, worked out without starting one."""

from collections.abc import Sequence
from dataclasses import replace

import anyio.from_thread
import anyio.to_thread

from dreamkeep_server.tools.results import EstimateAnswer
from dreamkeep_store.models import NewDream
from dreamkeep_store.store import Stores

KINDS = {
    "ExactDuplicates": "the same text",
    "SameWords": "the same words",
    "NearDuplicates": "alike",
    "SlotValues": "two values of one thing",
    "Opposed": "contradicting",
    "Expired": "expired",
    "Stale": "stale",
    "Instructing": "looking like an instruction",
    "Disputed": "found wrong or outdated",
    "Stated": "stated in a session",
    "Repeated": "stated in several sessions",
    "Recurring": "alike in several sessions",
    "Learnt": "gone wrong in a session, and what worked",
    "Several": "holding several facts",
    "Themed": "without a topic, of one theme",
    "Outgrown": "used as of another tier",
    "WholeSession": "a session as a whole",
}
"""The kinds of candidates in plain words; the estimate names them as the code does."""


async def estimate_of(stores: Stores, wanted: NewDream) -> EstimateAnswer:
    """The estimate for the material that this dream would read, if it started now."""
    from dreamkeep_server.dream.consulting import judge_key
    from dreamkeep_server.dream.estimate import estimate
    from dreamkeep_server.dream.questions import Question

    material = await stores.prospective_material(wanted.store, base=wanted.base, wanted=wanted.sessions)
    material = replace(material, instructions=wanted.instructions)
    judge = judge_key(wanted.judge, wanted.model, wanted.instructions)

    def settled(questions: Sequence[Question]) -> frozenset[int]:
        keys = {question.fingerprint(judge): question.number for question in questions}
        known = anyio.from_thread.run(stores.settled, wanted.store, list(keys))
        return frozenset(keys[key] for key in known)

    # Candidates take seconds in a large store, and other calls must go on.
    found = await anyio.to_thread.run_sync(
        lambda: estimate(material, wanted.judge, wanted.model, wanted.budget_tokens, settled=settled)
    )
    cost = found.cost
    return EstimateAnswer(
        entries=found.entries,
        sessions=found.sessions,
        candidates={KINDS[kind]: number for kind, number in found.candidates.items()},
        seconds=found.seconds,
        answered_before=found.settled or None,
        input_tokens=cost.input_tokens + cost.cache_creation_input_tokens + cost.cache_read_input_tokens,
        output_tokens=cost.output_tokens,
        cost_usd=round(cost.cost_usd, 4) if wanted.judge == "claude" else None,
    )
