"""What a dream would look at and take, worked out without starting one."""

from dataclasses import replace

import anyio.to_thread

from dreamkeep_server.tools.results import EstimateAnswer
from dreamkeep_store.models import NewDream, TokenUsage
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
}
"""The kinds of candidates in plain words; the estimate names them as the code does."""


async def estimate_of(stores: Stores, wanted: NewDream) -> EstimateAnswer:
    """The estimate for the material that this dream would read, if it started now."""
    from dreamkeep_server.dream.estimate import estimate
    from dreamkeep_server.dream.judges import prices

    material = await stores.prospective_material(wanted.store, base=wanted.base, wanted=wanted.sessions)
    material = replace(material, instructions=wanted.instructions)
    # Candidates take seconds in a large store, and other calls must go on.
    found = await anyio.to_thread.run_sync(estimate, material)
    by_model = wanted.judge != "rules"
    price = prices.price_of(wanted.model or prices.MODEL)
    usage = TokenUsage(input_tokens=found.input_tokens, output_tokens=found.output_tokens)
    return EstimateAnswer(
        entries=found.entries,
        sessions=found.sessions,
        candidates={KINDS[kind]: number for kind, number in found.candidates.items()},
        seconds=found.seconds,
        input_tokens=found.input_tokens if by_model else 0,
        output_tokens=found.output_tokens if by_model else 0,
        cost_usd=round(price.of(usage), 4) if wanted.judge == "claude" else None,
    )
