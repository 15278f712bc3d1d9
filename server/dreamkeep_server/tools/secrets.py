"""Taking secrets out of what a client sends, before anything else sees it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from dreamkeep_server.dream.redaction import Redacted


def without_secrets(text: str) -> "Redacted":
    """The text with every secret replaced, and how many there were."""
    # Its patterns take longer to compile than a server may take to start.
    from dreamkeep_server.dream.redaction import redact

    return redact(text)


NAMES = ("tags", "add_tags", "topic", "store", "session_id", "reason", "note")
"""Arguments that are kept as they are: a secret in one of them is refused, since a redacted name names nothing."""


def secret_among_names(given: Mapping[str, Any]) -> str | None:
    """The sentence that refuses a call with a secret in its tags, topic, store or the like; None for any other."""
    for name in NAMES:
        value = given.get(name)
        texts = cast("list[object]", value) if isinstance(value, list) else [value]
        for text in texts:
            if isinstance(text, str) and (found := without_secrets(text)).count:
                return f"{name} holds what looks like a secret ({found.kinds[0]}); leave it out. Nothing was stored."
    return None
