"""What the store says about tools, as a person at the command line says it; pure.

The store's sentences are read by agents first, who have tools; this is the one place that puts the
commands in their place.
"""

import re

PHRASES: tuple[tuple[str, str], ...] = (
    (r"review_dream\(discard=true\)", "`dreamkeep review discard`"),
    (r"switch_version\((?:version=)?(\d+)\)", r"`dreamkeep switch \1`"),
    (r"rollback\(version=(\d+), mode=['\"](\w+)['\"]\)", r"`dreamkeep rollback \1 --mode \2`"),
    (r"rollback\(version=(\d+)\)", r"`dreamkeep rollback \1`"),
    (r"rollback (?=undoes|brings|takes)", "`dreamkeep rollback` "),
    (r"recall (?=shows)", "`dreamkeep recall` "),
    (r"[Ll]eave dream_id out", "Leave the dream's id out"),
    (r"\bforget with undo=true brings", "an agent's tool forget, with undo=true, brings"),
    (r"\bversion='head'", "--version head"),
    (r"\bsession_id\b", "--session-id"),
    (r"\bcancel_dream\b", "`dreamkeep dream --cancel`"),
    (r"\bdiff_versions\b", "`dreamkeep diff`"),
    (r"\bget_dream\b", "`dreamkeep dream --status`"),
    (r"\blist_versions\b", "`dreamkeep versions`"),
    (r"\bmemory_status\b", "`dreamkeep status`"),
    (r"\brecord_session\b", "`dreamkeep record`"),
    (r"\breview_dream\b", "`dreamkeep review`"),
    (r"\bstart_dream\b", "`dreamkeep dream`"),
    (r"\bswitch_version\b", "`dreamkeep switch`"),
)
"""Longer calls before the bare names in them."""


def as_commands(sentence: str) -> str:
    """The sentence with commands where it names tools."""
    for pattern, command in PHRASES:
        sentence = re.sub(pattern, command, sentence)
    return sentence
