"""What a person does with suggestions, for the tests of the dream's pure stages."""

from dataclasses import replace

from dreamkeep_server.dream.plan import Plan
from dreamkeep_store.models import Operation


def taken(plan: Plan, operation: Operation) -> Plan:
    """Return the plan with every suggestion of this kind accepted."""
    return replace(
        plan,
        changes=tuple(
            replace(change, decision="included") if change.operation == operation else change for change in plan.changes
        ),
    )
