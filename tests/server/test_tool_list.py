"""What a client sees before it calls anything."""

import json
from collections.abc import Callable
from typing import Any

from mcp import Client

from dreamkeep_server.tools import listing

SCHEMA_CHARACTERS_MAX = 10_000
INSTRUCTIONS_BYTES_MAX = 2_048
DECLARED = {
    "remember": "content tier tags topic store asserted_at replaces session_id",
    "recall": "query entry_ids store limit tiers tags topic since until version detail cursor",
    "tag_tier": "entry_ids tier add_tags remove_tags",
    "forget": "entry_ids reason undo",
    "record_session": "messages transcript_path session_id store",
    "record_outcome": "entry_ids outcome note",
    "start_dream": "store version sessions instructions judge policy model budget_tokens budget_usd estimate_only",
    "get_dream": "dream_id wait_seconds",
    "cancel_dream": "dream_id",
    "judge_dream": "dream_id batch_id judgements",
    "review_dream": "dream_id accept reject edit only discard limit cursor",
    "list_versions": "store limit cursor",
    "diff_versions": "base target store limit cursor",
    "switch_version": "version expected_head store",
    "rollback": "version mode store",
    "memory_status": "store",
}
READING = {"recall", "get_dream", "list_versions", "diff_versions", "memory_status"}


def characters(*parts: object) -> int:
    return sum(len(part if isinstance(part, str) else json.dumps(part, separators=(",", ":"))) for part in parts)


def test_the_list_that_is_kept_is_what_the_tools_declare():
    kept = json.loads(listing.FILE.read_text(encoding="utf-8"))
    assert kept == listing.derived(), "run `python -m dreamkeep_server.tools.listing`"


async def test_the_sixteen_tools_take_the_arguments_of_the_design(connect: Callable[..., Client]):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    assert {tool.name: " ".join(tool.input_schema["properties"]) for tool in tools} == DECLARED


async def test_names_descriptions_and_input_schemas_fit_in_ten_thousand_characters(
    connect: Callable[..., Client],
):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    shown = sum(characters(tool.name, tool.description or "", tool.input_schema) for tool in tools)
    with_output = shown + sum(characters(tool.output_schema) for tool in tools)
    print(f"{len(tools)} tools, {shown} characters, {with_output} with output schemas")  # noqa: T201 - for the README
    assert shown <= SCHEMA_CHARACTERS_MAX


async def test_schemas_hold_no_titles_no_null_branches_and_refuse_what_is_undeclared(
    connect: Callable[..., Client],
):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        text = json.dumps([tool.input_schema, tool.output_schema])
        assert '"title"' not in text
        assert '"null"' not in text
        assert "$ref" not in text
        assert tool.input_schema["additionalProperties"] is False


async def test_every_tool_says_what_it_does_to_the_memory(connect: Callable[..., Client]):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        hints = tool.annotations
        assert tool.title
        assert tool.description
        assert len(tool.description) < 400
        assert hints is not None
        assert hints.read_only_hint is (tool.name in READING)
        assert hints.open_world_hint is False
        assert hints.destructive_hint is (
            tool.name in {"forget", "cancel_dream", "review_dream", "switch_version", "rollback"}
        )


async def test_instructions_are_short_and_name_tools_that_exist(connect: Callable[..., Client]):
    async with connect() as client:
        text = client.instructions
    assert text is not None
    assert len(text.encode()) < INSTRUCTIONS_BYTES_MAX
    for name in ("recall", "remember", "record_outcome", "start_dream", "review_dream", "rollback"):
        assert name in text
    assert 'store="user"' in text


async def test_prompts_are_there_and_take_their_argument(connect: Callable[..., Client]):
    async with connect() as client:
        prompts = (await client.list_prompts()).prompts
        names = [prompt.name for prompt in prompts]
        dream = await client.get_prompt("dream", {"instructions": "mind the ports"})
        review = await client.get_prompt("review_dream", {})
    assert names == ["dream", "review_dream"]
    assert all(argument.description for prompt in prompts for argument in prompt.arguments or ())
    assert "mind the ports" in str(dream.messages[0].content)
    assert "all of those words" in str(dream.messages[0].content)
    assert "the latest" in str(review.messages[0].content)


async def test_resources_show_a_version_and_refuse_with_a_sentence(
    connect: Callable[..., Client], calling: Callable[[Client], Any]
):
    async with connect() as client:
        await calling(client)("remember", content="The API of acme listens on port 5433.")
        templates = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        assert templates == ["memory://{+store}/versions/{n}", "dream://{id}"]
        shown = await client.read_resource("memory://project/acme/versions/1")
        version = json.loads(getattr(shown.contents[0], "text", ""))
        assert version["version"]["number"] == 1
        refused = None
        try:
            await client.read_resource("dream://d_zzzzzzzz")
        except Exception as error:  # noqa: BLE001 - which class it is differs between the eras
            refused = str(error)
    assert refused is not None
    assert "d_zzzzzzzz" in refused
