"""SWE-agent's trajectories: what the agent did, step by step, and what its environment answered."""

from collections.abc import Iterable

from dreamkeep_server.dream.transcripts.blocks import ToolNames, read_call, read_content, read_result
from dreamkeep_server.dream.transcripts.turns import Dropped, Turns, as_list, as_object, as_text
from dreamkeep_store.models import Role


def is_trajectory(value: object) -> bool:
    """Whether this is the JSON object of a `.traj` file."""
    trajectory = as_object(value)
    return any(as_list(trajectory.get(key)) for key in ("history", "trajectory"))


def read_trajectory(value: object) -> Turns:
    """What the agent and its environment said; from the history, else from the steps."""
    trajectory = as_object(value)
    history = as_list(trajectory.get("history"))
    if history:
        yield from _read_history(history)
        return
    for step in as_list(trajectory.get("trajectory")):
        said = as_object(step)
        response, action = as_text(said.get("response")), as_text(said.get("action"))
        yield from read_content(response, role="assistant", name=None, at=None, tools={})
        if action is not None and action.strip() not in (response or ""):
            yield from read_call("shell", {"command": action.strip()}, None, at=None, tools={})
        observation = said.get("observation")
        if observation is None:
            yield Dropped()
        else:
            yield from read_result(observation, None, at=None, tools={})


def _read_history(history: Iterable[object]) -> Turns:
    tools: ToolNames = {}
    begun = False
    for value in history:
        message = as_object(value)
        role = _role(message, begun=begun)
        if role is None or message.get("is_demo") is True:
            yield Dropped()
            continue
        content = message.get("content")
        if role == "tool":
            call_ids = as_list(message.get("tool_call_ids"))
            yield from read_result(content, call_ids[0] if call_ids else None, at=None, tools=tools)
            continue
        yield from read_content(content, role=role, name=None, at=None, tools=tools)
        if role == "assistant":
            begun = True
            for call in map(as_object, as_list(message.get("tool_calls"))):
                function = as_object(call.get("function"))
                yield from read_call(
                    function.get("name"), function.get("arguments"), call.get("id"), at=None, tools=tools
                )


def _role(message: dict[str, object], *, begun: bool) -> Role | None:
    match message.get("role"):
        case "assistant":
            return "assistant"
        case "tool":
            return "tool"
        case "user":
            # Nobody types here: first comes a template around an issue that somebody wrote elsewhere, later
            # the shell's answers. As a user's own words they would be trusted far beyond what they are.
            return "tool" if begun else "system"
        case "system":
            return "system"
        case _:
            return None
