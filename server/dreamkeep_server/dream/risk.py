"""How risky a text that somebody writes into a change in review makes it; the same for every door."""

from dreamkeep_server.dream.injection import looks_like_instruction
from dreamkeep_store.models import Change, Risk


def risk_of_edit(content: str) -> Risk:
    """The least risk of a change that writes this text: high when it reads like an instruction."""
    return "low" if looks_like_instruction(content) is None else "high"


def needs_person(change: Change, content: str | None = None) -> bool:
    """Whether only a person includes this change, with this text instead of its own if one is given."""
    return change.risk == "high" or (content is not None and risk_of_edit(content) == "high")
