import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamkeep_server.dream.transcripts import Parsed, read_transcript
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import TRANSCRIPT_BYTES_MAX

AT = "2026-03-01T09:00:00Z"


def lines(*records: object) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def said(parsed: Parsed) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in parsed.messages]


def record(kind: str, content: object, **more: object) -> dict[str, object]:
    return {
        "type": kind,
        "sessionId": "5b1c",
        "isSidechain": False,
        "timestamp": AT,
        "message": {"role": kind, "content": content},
        **more,
    }


def test_claude_code_keeps_what_was_said_and_drops_the_bulk():
    parsed = read_transcript(
        lines(
            {"type": "file-history-snapshot", "snapshot": {}},
            record("user", "Use pnpm.", uuid="1"),
            record("user", "Use pnpm.", uuid="1"),
            record("user", "a reminder", isMeta=True),
            record("user", "a subagent's task", isSidechain=True),
            record("user", "what went before", isCompactSummary=True),
            record("user", "<system-reminder>be brief</system-reminder>And uv.<command-name>/x</command-name>"),
            record("user", "<local-command-stdout>42</local-command-stdout>"),
            record(
                "assistant",
                [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "Right."},
                    {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
                ],
            ),
            record(
                "user", [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a.py"}]}]
            ),
            {"type": "summary", "summary": "Packages"},
        )
        + b'\n{"type": "user", "mess'
    )
    assert said(parsed) == [
        ("user", "Use pnpm."),
        ("user", "And uv."),
        ("assistant", "Right."),
        ("assistant", '{"command": "ls"}'),
        ("tool", "a.py"),
    ]
    assert [message.name for message in parsed.messages] == [None, None, None, "Bash", "Bash"]
    assert (parsed.format, parsed.external_id) == ("Claude Code session", "5b1c")
    assert parsed.started_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert parsed.dropped == 11
    assert [message.number for message in parsed.messages] == [1, 2, 3, 4, 5]


def test_records_in_one_object_are_read_like_their_lines():
    parsed = read_transcript(json.dumps({"loglines": [record("user", "Hello."), record("assistant", "Hi.")]}).encode())
    assert said(parsed) == [("user", "Hello."), ("assistant", "Hi.")]


def test_the_messages_api_is_read_with_and_without_its_wrapper():
    messages: list[dict[str, object]] = [
        {"role": "user", "content": "What is in a.py?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": {"path": "a.py"}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x = 1"}, {"type": "image"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "One line."}]},
    ]
    expected = [
        ("user", "What is in a.py?"),
        ("assistant", '{"path": "a.py"}'),
        ("tool", "x = 1"),
        ("assistant", "One line."),
    ]
    wrapped = {"id": "c9", "system": "Be brief.", "messages": messages}
    assert said(read_transcript(messages)) == expected
    assert said(read_transcript(json.dumps(messages).encode())) == expected
    assert said(read_transcript(lines(*messages))) == expected
    parsed = read_transcript(json.dumps(wrapped).encode())
    assert said(parsed) == [("system", "Be brief."), *expected]
    assert (parsed.external_id, parsed.dropped) == ("c9", 1)


def test_tool_calls_beside_the_content_are_read():
    parsed = read_transcript(
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "ls", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "a.py"},
        ]
    )
    assert [(one.role, one.name, one.text) for one in parsed.messages] == [
        ("assistant", "ls", "{}"),
        ("tool", "ls", "a.py"),
    ]


def test_a_plain_list_keeps_names_and_times():
    parsed = read_transcript(
        [
            {"role": "user", "content": "Hi Mel!", "name": "Caroline", "at": "2026-03-01T10:00:00+01:00"},
            {"role": "human", "content": "Hi!", "name": "Melanie", "at": 1_772_355_600},
            {"role": "nobody", "content": "?"},
        ]
    )
    assert [(message.name, message.at) for message in parsed.messages] == [
        ("Caroline", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("Melanie", datetime(2026, 3, 1, 9, tzinfo=UTC)),
    ]
    assert parsed.dropped == 1


def test_managed_agents_events_are_read_as_json_and_as_lines():
    events: list[dict[str, object]] = [
        {"type": "session.status_running", "id": "e0"},
        {"type": "user.message", "id": "e1", "content": [{"type": "text", "text": "Deploy."}], "processed_at": AT},
        {"type": "agent.thinking", "id": "e2"},
        {"type": "agent.tool_use", "id": "e3", "name": "bash", "input": {"command": "make"}},
        {"type": "agent.tool_result", "id": "e4", "tool_use_id": "e3", "content": [{"type": "text", "text": "ok"}]},
        {"type": "agent.message", "id": "e5", "content": [{"type": "text", "text": "Done."}]},
    ]
    expected = [("user", "Deploy."), ("assistant", '{"command": "make"}'), ("tool", "ok"), ("assistant", "Done.")]
    for raw in (lines(*events), json.dumps(events).encode(), json.dumps({"data": events}).encode()):
        parsed = read_transcript(raw)
        assert said(parsed) == expected
        assert (parsed.format, parsed.dropped) == ("Managed Agents events", 2)
        assert parsed.messages[2].name == "bash"


ANSWER = {"type": "tool_result", "tool_use_id": "t"}
CALL = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "sudo systemctl start docker"}}


@pytest.mark.parametrize(
    "empty", [{}, {"content": ""}, {"content": " \n"}, {"content": []}, {"content": [{"type": "text", "text": ""}]}]
)
def test_an_answer_without_text_is_kept_as_one_in_every_form_that_has_calls(empty: dict[str, object]):
    api: list[dict[str, object]] = [
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [ANSWER | empty]},
    ]
    chat: list[dict[str, object]] = [
        {"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": "Bash", "arguments": CALL["input"]}}]},
        {"role": "tool", "tool_call_id": "t"} | empty,
    ]
    claude_code = lines(record("assistant", [CALL]), record("user", [ANSWER | empty]))
    events = lines(CALL | {"type": "agent.tool_use"}, ANSWER | {"type": "agent.tool_result"} | empty)
    for raw in (api, claude_code, events, chat):
        parsed = read_transcript(raw)
        assert [(one.role, one.name, one.text) for one in parsed.messages] == [
            ("assistant", "Bash", '{"command": "sudo systemctl start docker"}'),
            ("tool", "Bash", "(no output)"),
        ]
        assert parsed.dropped == 0


def test_an_answer_without_text_that_failed_says_so():
    parsed = read_transcript(lines(record("assistant", [CALL]), record("user", [ANSWER | {"is_error": True}])))
    assert parsed.messages[1].text == "[failed]\n(no output)"


def test_an_answer_that_is_an_image_alone_is_left_out():
    image = ANSWER | {"content": [{"type": "image"}, {"type": "text", "text": ""}]}
    parsed = read_transcript(lines(record("assistant", [CALL]), record("user", [image])))
    assert [one.role for one in parsed.messages] == ["assistant"]
    assert parsed.dropped == 2


def test_a_step_without_an_observation_has_no_answer():
    parsed = read_transcript(json.dumps({"trajectory": [{"response": "Done.", "action": "submit"}]}).encode())
    assert [one.role for one in parsed.messages] == ["assistant", "assistant"]
    assert parsed.dropped == 1


def test_a_trajectory_has_no_user_since_nobody_typed_in_it():
    history = [
        {"role": "system", "content": "You are a programmer."},
        {"role": "user", "content": "An example.", "is_demo": True},
        {"role": "user", "content": "ISSUE: remember that I rule."},
        {"role": "assistant", "content": "I look around."},
        {"role": "user", "content": "a.py"},
    ]
    parsed = read_transcript(json.dumps({"history": history, "info": {}}).encode())
    assert [message.role for message in parsed.messages] == ["system", "system", "assistant", "tool"]
    steps = [{"response": "I look.", "observation": "a.py", "thought": "", "action": "ls"}]
    assert said(read_transcript(json.dumps({"trajectory": steps}).encode())) == [
        ("assistant", "I look."),
        ("assistant", '{"command": "ls"}'),
        ("tool", "a.py"),
    ]


def test_a_claude_export_of_one_conversation_is_read_and_of_several_refused():
    chat = {"uuid": "u1", "chat_messages": [{"sender": "human", "text": "Hello.", "created_at": AT}]}
    parsed = read_transcript(json.dumps([chat]).encode())
    assert (said(parsed), parsed.external_id) == ([("user", "Hello.")], "u1")
    with pytest.raises(InvalidError, match="2 conversations"):
        read_transcript(json.dumps([chat, chat]).encode())


def test_a_log_of_growing_snapshots_says_each_thing_once():
    first = [
        {"role": "user", "content": "User: Hi", "timestamp": AT},
        {"role": "assistant", "content": "Assistant: Yes?"},
    ]
    second = [{"role": "user", "content": "User: [System note: interrupted]\n\nGo on"}]
    assert said(read_transcript(lines([first], [first, second]))) == [
        ("user", "Hi"),
        ("assistant", "Yes?"),
        ("user", "Go on"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "User: Hello.\n\nAssistant: Hi.\n```\nUser: in code\n```\n",
        "# A chat\n\n**User:** Hello.\n\n**Assistant:** Hi.\n```\nUser: in code\n```",
        "## Human\n\nHello.\n\n## Assistant\n\nHi.\n```\nUser: in code\n```",
        "[2026-03-01 09:00] User: Hello.\n[2026-03-01 09:01] Claude: Hi.\n```\nUser: in code\n```",
        "**\U0001f9d1 User:** Hello.\n\n**\U0001f916 Assistant:** Hi.\n```\nUser: in code\n```",
        "##### You said:\nHello.\n##### ChatGPT said:\nHi.\n```\nUser: in code\n```",
    ],
)
def test_labels_say_who_speaks(text: str):
    parsed = read_transcript(text.encode())
    assert said(parsed) == [("user", "Hello."), ("assistant", "Hi.\n```\nUser: in code\n```")]


@pytest.mark.parametrize("line", ["2026-03-01 09:00:01 user: in", "- User: in", "> User: in", "/User: in", "(User: in"])
def test_a_line_of_a_log_a_list_or_a_quotation_names_no_speaker(line: str):
    parsed = read_transcript(f"User: Hello.\n{line}\nAssistant: Hi.".encode())
    assert said(parsed) == [("user", f"Hello.\n{line}"), ("assistant", "Hi.")]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("no such script", "[failed]\nno such script"),
        ("Exit code 1\nno", "Exit code 1\nno"),
        ("Error: no", "Error: no"),
    ],
)
def test_a_result_that_the_client_marked_as_an_error_says_so(result: str, text: str):
    block = {"type": "tool_result", "tool_use_id": "t1", "content": result, "is_error": True}
    event = {"type": "agent.tool_result", "tool_use_id": "t1", "content": result, "is_error": True}
    for raw in (lines(record("user", [block])), lines({"type": "user.message", "content": "Hello."}, event)):
        assert said(read_transcript(raw))[-1] == ("tool", text)
    block["is_error"] = False
    assert said(read_transcript(lines(record("user", [block]))))[-1] == ("tool", result)


def test_a_long_tool_result_loses_its_middle_and_says_how_much():
    output = "first line\n" + "x" * 20_000 + "\nlast line"
    parsed = read_transcript([{"role": "tool", "content": output}])
    text = parsed.messages[0].text
    assert len(text) < 4_200
    assert text.startswith("first line\n")
    assert text.endswith("\nlast line")
    assert "characters left out" in text


def test_a_secret_is_gone_before_anything_is_cut():
    secret = "sk-ant-api03-" + "Ab1Cd2" * 8
    parsed = read_transcript([{"role": "tool", "content": "x" * 2_650 + " " + secret + " " + "y" * 9_000}])
    assert "sk-ant" not in parsed.messages[0].text
    assert parsed.redactions == 1


def test_unwritable_characters_are_replaced_and_terminal_codes_are_gone():
    parsed = read_transcript(b'[{"role": "user", "content": "a\\u0000b \\ud800 \\u001b[31mred\\u001b[0m\\r\\nend"}]')
    assert parsed.messages[0].text == "a\ufffdb \ufffd red\nend"
    parsed.messages[0].text.encode()


def test_a_byte_order_mark_and_utf_16_are_read():
    for raw in ("\ufeffUser: héllo".encode(), "User: héllo".encode("utf-16")):
        assert said(read_transcript(raw)) == [("user", "héllo")]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"just some notes", "no known format"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not text"),
        (b'{"a": 1}', "no known format"),
        (b"[]", "no known format"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"messages": []}', "nothing is said"),
        (b'[{"role": "user", "content": "   "}]', "nothing is said"),
        (b"1" * 10_000, "no known format"),
        (b'{"type": "user", "message": ' + b"9" * 5_000 + b"}", "no known format"),
        ([], "is empty"),
        ([{"a": 1}], "no known format"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(raw: Any, message: str):
    with pytest.raises(InvalidError, match=message):
        read_transcript(raw)


def test_a_refusal_says_what_is_read():
    with pytest.raises(InvalidError, match=r"Claude Code .* \.traj .* plain text"):
        read_transcript(b"just some notes")


def test_a_transcript_over_the_limit_is_refused_with_the_figures():
    with pytest.raises(InvalidError, match="10,485,761 bytes; at most 10,485,760"):
        read_transcript(b"x" * (TRANSCRIPT_BYTES_MAX + 1))
    with pytest.raises(InvalidError, match="at most 10,485,760"):
        read_transcript([{"role": "user", "content": "x" * TRANSCRIPT_BYTES_MAX}])


def reads_or_refuses(raw: Any) -> None:
    try:
        parsed = read_transcript(raw)
    except InvalidError:
        return
    assert parsed.messages
    for message in parsed.messages:
        assert message.text.strip()
        message.text.encode()


@given(st.binary(max_size=200))
@example(b'{"type":"user","message":{"content":[1,null,{"type":"text"}]}}')
@example(b'{"history": [1], "trajectory": 2}')
@example(b'[[[{"role": "user", "content": 1}]]]')
def test_any_bytes_are_read_or_refused(raw: bytes):
    reads_or_refuses(raw)


KEYS = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "message",
        "messages",
        "text",
        "history",
        "trajectory",
        "data",
        "events",
        "loglines",
        "uuid",
        "chat_messages",
        "sender",
        "input",
        "name",
        "id",
        "timestamp",
        "at",
        "tool_calls",
        "function",
        "system",
        "isSidechain",
    ]
)
WORDS = st.sampled_from(
    ["user", "assistant", "tool", "text", "tool_use", "tool_result", "user.message", "User: hi", "\ud800", AT]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_any_json_of_known_words_is_read_or_refused(value: Any, as_lines: bool):
    reads_or_refuses(lines(value, value) if as_lines else json.dumps(value).encode())


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=3))
def test_any_list_of_objects_is_read_or_refused(messages: list[dict[str, object]]):
    reads_or_refuses(messages)


def test_real_transcripts_are_all_read():
    folder = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[3] / "../shared/bench/data")).resolve()
    if not (folder / "transcripts").is_dir():
        pytest.skip(f"no benchmark data at {folder}; BENCH_DATA says where it is")
    for path in sorted((folder / "transcripts").iterdir()):
        parsed = read_transcript(path.read_bytes())
        assert parsed.messages, path.name
        assert (parsed.format == "SWE-agent trajectory") == (path.suffix == ".traj"), path.name
