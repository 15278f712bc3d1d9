"""The index of topics: the tree, and what tools and resources say of it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from dreamkeep_server.tools.cuts import ANSWER_CHARACTERS
from dreamkeep_server.tools.status import TOPICS_SHOWN_MAX
from dreamkeep_server.topics import largest, tree

Call = Callable[..., Awaitable[Any]]

counted = st.dictionaries(
    st.lists(st.sampled_from("abc"), max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts)),
    st.integers(1, 5),
)


def test_a_path_counts_what_is_below_it():
    assert tree({"": 7, "/a/b": 2, "/a": 1, "/a-b": 4}) == {"/a": 3, "/a/b": 2, "/a-b": 4}


@given(counted)
def test_every_entry_with_a_topic_is_counted_once_at_the_top(counts: dict[str, int]):
    paths = tree(counts)
    tops = [entries for path, entries in paths.items() if path.count("/") == 1]
    assert sum(tops) == sum(entries for topic, entries in counts.items() if topic)
    assert set(paths) >= {topic for topic in counts if topic}


@given(counted, st.integers(1, 6))
def test_the_largest_are_the_largest_and_the_rest_is_told(counts: dict[str, int], most: int):
    paths = tree(counts)
    shown, more = largest(counts, most)
    assert len(shown) == min(most, len(paths))
    assert more == len(paths) - len(shown)
    assert min(shown.values(), default=0) >= max(
        (entries for path, entries in paths.items() if path not in shown), default=0
    )


async def test_status_names_the_largest_topics_and_how_many_more_there_are(call: Call):
    await call("remember", content="Acme's office is in Oslo.")
    assert "topics" not in (await call("memory_status"))["standing"][0]
    for number in range(20):
        await call("remember", content=f"Fact {number}.", topic=f"/acme/{'x' * 60}/{number}")
    status = await call("memory_status")
    topics = status["standing"][0]["topics"]
    assert topics[0] == "/acme: 20"
    assert topics[1].startswith("/acme/xxx")
    assert topics[-2:] == ["no topic: 1", f"and {22 - TOPICS_SHOWN_MAX} more"]
    assert len(json.dumps(status)) < ANSWER_CHARACTERS


async def test_the_resource_of_a_version_has_its_topics(
    connect: Callable[..., Client], calling: Callable[[Client], Call]
):
    async with connect() as client:
        await calling(client)("remember", content="Acme's office is in Oslo.", topic="/acme/office")
        started = await calling(client)("start_dream")
        assert started["status"] == "pending"
        read = await client.read_resource("memory://project/acme/versions/2")
        first = await client.read_resource("memory://project/acme/versions/1")
    assert json.loads(getattr(read.contents[0], "text", ""))["topics"] == {"/acme": 1, "/acme/office": 1}
    assert "topics" not in json.loads(getattr(first.contents[0], "text", ""))
