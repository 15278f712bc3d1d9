"""What a text, a tag or a topic must be to be kept; each check gives the clean value or says what is wrong."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dreamkeep_store.database import from_micros, to_micros
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import (
    CONTENT_BYTES_MAX,
    TAG_CHARACTERS_MAX,
    TAGS_MAX,
    TOPIC_BYTES_MAX,
    TOPIC_SEGMENTS_MAX,
)

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead another machine's clock may be before its time is refused as lying in the future."""


def check_text(text: str, what: str) -> str:
    """The text, if it can be stored and read back: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        raise InvalidError(f"The {what} has a NUL character at position {text.index(chr(0))}; leave it out.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The {what} is not valid Unicode at position {error.start} (half of a surrogate pair); leave it out."
        ) from None
    return text


def check_content(content: str) -> str:
    """An entry's text without the white space around it."""
    content = check_text(content, "content").strip()
    if not content:
        raise InvalidError("The content is empty. Say in a sentence or two what is to be remembered.")
    size = len(content.encode())
    if size > CONTENT_BYTES_MAX:
        raise InvalidError(
            f"The content has {size:,} bytes and an entry holds at most {CONTENT_BYTES_MAX:,}. Remember the facts in "
            "it one by one, or say where the text is kept."
        )
    return content


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, sorted and without repeats."""
    clean = sorted({check_text(tag, "tag").strip() for tag in tags})
    for tag in clean:
        if not tag or len(tag) > TAG_CHARACTERS_MAX or not tag.isprintable():
            raise InvalidError(
                f"{tag[:80]!r} is no tag: a tag has 1 to {TAG_CHARACTERS_MAX} printable characters, such as 'python'."
            )
    if len(clean) > TAGS_MAX:
        raise InvalidError(f"An entry has at most {TAGS_MAX} tags, and these are {len(clean)}. Keep the telling ones.")
    return tuple(clean)


def check_topic(topic: str | None) -> str | None:
    """The topic as a path that begins with a slash; None and the empty text mean none."""
    if topic is None or not topic.strip():
        return None
    segments = [segment.strip() for segment in check_text(topic, "topic").strip().strip("/").split("/")]
    clean = "/" + "/".join(segments)
    if not all(segment and segment.isprintable() for segment in segments):
        raise InvalidError(f"{topic[:80]!r} is no topic: it is a path of named parts, such as '/user/preferences'.")
    if len(segments) > TOPIC_SEGMENTS_MAX or len(clean.encode()) > TOPIC_BYTES_MAX:
        raise InvalidError(
            f"The topic has {len(segments)} parts and {len(clean.encode()):,} bytes; at most {TOPIC_SEGMENTS_MAX} "
            f"parts and {TOPIC_BYTES_MAX:,} bytes are kept."
        )
    return clean


def check_asserted(asserted_at: datetime | None, now: int) -> int:
    """When a fact was said, in microseconds: now if nobody says otherwise, and never later."""
    if asserted_at is None:
        return now
    if asserted_at > from_micros(now) + CLOCK_SKEW:
        raise InvalidError(
            f"asserted_at is {asserted_at.isoformat(timespec='seconds')}, which is in the future (it is "
            f"{from_micros(now).isoformat(timespec='seconds')}). Leave it out, or say when the fact was stated."
        )
    return min(now, to_micros(asserted_at))
