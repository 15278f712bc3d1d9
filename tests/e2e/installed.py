"""dreamkeep as a stranger has it: the wheel in an environment of its own, a home, a folder, and its processes."""

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

SECONDS_MAX = 60
"""How long anything here may take on a busy machine before the test gives it up."""
LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One client of a server; calling it calls a tool."""

    client: Client

    async def __call__(self, tool: str, /, **arguments: object) -> Any:
        """The tool's answer; it must not refuse."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result.structured_content

    async def refused(self, tool: str, /, **arguments: object) -> str:
        """The sentence with which the tool refuses; it must."""
        result = await self.client.call_tool(tool, arguments)
        first = result.content[0]
        assert result.is_error
        assert isinstance(first, TextContent)
        return first.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The installed command, with a home and a folder to work in."""

    scripts: Path
    """Where the wheel's `python` and `dreamkeep` are."""
    home: Path
    folder: Path

    @property
    def command(self) -> str:
        """The command `dreamkeep`, with its path."""
        return str(self.scripts / "dreamkeep")

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the home and without anybody's settings."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("DREAMKEEP_")}
        return {**others, "DREAMKEEP_HOME": str(self.home)}

    @asynccontextmanager
    async def window(self, era: str = "auto", *, pid_file: Path | None = None) -> AsyncGenerator[Window]:
        """A client with a stdio server of its own, whose process id goes into `pid_file`."""
        command, args = self.command, ["serve"]
        if pid_file is not None:
            command, args = "sh", ["-c", 'echo $$ > "$0"; exec "$@"', str(pid_file), command, *args]
        server = StdioServerParameters(command=command, args=args, env=self.environment, cwd=self.folder)
        async with Client(server, mode=era) as client:
            yield Window(client=client)

    async def run(self, *words: str, stdin: bytes = b"") -> str:
        """What `dreamkeep` with these words prints; it must end well."""
        with anyio.fail_after(SECONDS_MAX):
            done = await anyio.run_process(
                [self.command, *words], input=stdin, check=False, cwd=self.folder, env=self.environment
            )
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode()

    def processes(self) -> dict[int, str]:
        """The command lines of all processes of this home, by process id; nothing outside Linux."""
        found: dict[int, str] = {}
        for process in Path("/proc").glob("[0-9]*"):
            # One may end while it is looked at, and others are not ours to look at.
            with suppress(OSError):
                if f"DREAMKEEP_HOME={self.home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    async def left_alone(self) -> None:
        """Wait until no process of this home is left."""
        with anyio.fail_after(SECONDS_MAX):
            while self.processes():  # noqa: ASYNC110  # they are not our children, and nobody tells us
                await anyio.sleep(LOOK_AGAIN_SECONDS)

    async def stop(self) -> None:
        """End every process of this home that a test has left."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        await self.left_alone()


@asynccontextmanager
async def connected(address: str, token: str, era: str = "auto") -> AsyncGenerator[Window]:
    """A client of an HTTP server, with a bearer token."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS_MAX) as http,
        Client(streamable_http_client(address, http_client=http), mode=era) as client,
    ):
        yield Window(client=client)
