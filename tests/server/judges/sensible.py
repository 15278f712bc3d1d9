"""A judge that answers by the texts alone, so that the same question always gets the same answer, whoever asks."""

import re
from collections.abc import Iterator
from typing import Any

from .messages_api import Answer, Asked, judged

Row = dict[str, Any]
_STATED = re.compile(r"I prefer [^.]+\.|We decided [^.]+\.")


def sensible(asked: Asked) -> Answer:
    return judged(*(row for one in asked.candidates for row in sensibly(one)))


def sensibly(question: Row) -> list[Row]:
    """The judgements of one candidate."""
    about = {"candidate": question["candidate"], "sure": True, "reason": "It is plain from the texts."}
    if "messages" in question:
        rows = [about | row for row in _added(question)]
        return rows or [about | {"operation": "keep"}]
    if "entries" in question:
        return [about | _decided(question)]
    return [about | _found_again(question)]


def _added(question: Row) -> Iterator[Row]:
    for line in question["messages"]:
        if line.get("role") == "user":
            for stated in _STATED.findall(line["text"]):
                quote = {"session_id": question["session_id"], "message": line["message"], "text": stated}
                yield {"operation": "add", "content": stated, "quotes": [quote], "kind": "preference"}


def _decided(question: Row) -> Row:
    """Several facts come apart, an update replaces what it updates, and all else stays."""
    entries = sorted(question["entries"], key=lambda entry: (entry["asserted"], entry["text"]), reverse=True)
    ids = [entry["id"] for entry in entries]
    texts = [entry["text"] for entry in entries]
    if question["ask"].startswith("Does it hold several"):
        return {"operation": "split", "entries": ids, "contents": re.findall(r"[^.\s][^.]*\.(?=\s|$)", texts[0])}
    subject = {re.sub(r"\d+|now |not ", "", text.casefold()).strip(" .") for text in texts}
    strictly = len({entry["asserted"] for entry in entries}) == len(entries)
    if (len(subject) == 1 and strictly and "both hold" in question["ask"]) or "replace the older" in question["ask"]:
        return {"operation": "supersede", "entries": ids}
    return {"operation": "keep"}


def _found_again(question: Row) -> Row:
    """What several sessions say is an insight, what one says an addition."""
    said: list[Row] = question.get("sessions") or question.get("said") or []
    session_id = question.get("session_id", "")
    quotes: list[Row] = [
        {
            "session_id": one.get("session_id", session_id),
            "message": one["message"],
            "text": one.get("statement") or one["text"],
        }
        for one in said
    ]
    content = question.get("statement") or (quotes[-1]["text"] if quotes else "")
    if not quotes:
        return {"operation": "keep"}
    operation = "insight" if len({quote["session_id"] for quote in quotes}) > 1 else "add"
    return {"operation": operation, "content": content, "quotes": quotes, "kind": "preference"}
