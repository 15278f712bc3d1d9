"""Taking secrets out of what a client sends, before anything else sees it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dreamkeep_server.dream.redaction import Redacted


def without_secrets(text: str) -> "Redacted":
    """The text with every secret replaced, and how many there were."""
    # Its patterns take longer to compile than a server may take to start.
    from dreamkeep_server.dream.redaction import redact

    return redact(text)
