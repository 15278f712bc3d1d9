"""The MCP server: one object for both protocol eras, over stdio or HTTP."""

import importlib.metadata
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.types import CallToolResult, InputRequiredResult
from mcp.types import Tool as ListedTool
from pydantic import AnyUrl, ValidationError

from dreamkeep_server.http import BODY_BYTES_MAX, HOST, PATH, StoreTokens, auth_settings, resource_address
from dreamkeep_server.meaning.background import Background
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_server.project import store_of_folder
from dreamkeep_server.recall import Recall
from dreamkeep_server.settings import Settings
from dreamkeep_server.tools import dreams
from dreamkeep_server.tools.afterwards import Afterwards
from dreamkeep_server.tools.arguments import mistakes, shown, undeclared, unstorable, without_nulls
from dreamkeep_server.tools.caller import USER_STORE, Serving, caller_of, require_write
from dreamkeep_server.tools.due import DueDreams
from dreamkeep_server.tools.listing import TOOLS, listed
from dreamkeep_server.tools.notices import Notices
from dreamkeep_server.tools.offers import add_offers
from dreamkeep_server.tools.recalls import RecallLog
from dreamkeep_server.tools.secrets import secret_among_names
from dreamkeep_store.errors import NotFoundError, StoreError, UnavailableError
from dreamkeep_store.models import StoreName
from dreamkeep_store.store import Stores, open_stores

NAME = "dreamkeep"
VERSION = importlib.metadata.version("dreamkeep")
INSTRUCTIONS = Path(__file__).parent / "tools" / "instructions.md"
GOODBYE_SECONDS = 3
"""How long open HTTP requests get when the server is told to stop."""


class DreamkeepServer(MCPServer[Serving]):
    """The tools, resources and prompts over one database.

    It refuses arguments that nobody declared, and is the one place where a StoreError becomes what a
    model reads.
    """

    async def list_tools(self) -> list[ListedTool]:
        """The tools, with the schemas of their answers; none of them is made before it is called."""
        return listed()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Serving, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool by name.

        Raises:
            ToolError: with a sentence for the model, for every refusal.
            UnexpectedToolError: for a crash; its cause goes to stderr with a traceback.
        """
        declared = TOOLS.get(name)
        if declared is None:
            from difflib import get_close_matches  # only a wrong name needs it

            near = get_close_matches(name, TOOLS, n=1)
            raise ToolError(f"There is no tool {shown(name)}. " + (f"Did you mean {near[0]}?" if near else ""))
        schema = declared.tool.parameters
        given = without_nulls(arguments)
        wrong = (
            undeclared(name, list(schema["properties"]), list(given)) or unstorable(given) or secret_among_names(given)
        )
        if wrong is not None:
            raise ToolError(wrong)
        try:
            if context is None or declared.reads:
                return await declared.tool.run(given, context or Context(mcp_server=self), convert_result=True)
            caller = caller_of(context)
            require_write(caller, name)
            answer = await declared.tool.run(given, context, convert_result=True)
            caller.serving.background.wake()
            caller.serving.due_dreams.wake()
            return answer
        except StoreError as refused:
            raise ToolError(str(refused)) from refused
        except ToolError as error:
            match error.__cause__:
                case ValidationError() as invalid:
                    raise ToolError(mistakes(name, schema, invalid.errors(), given)) from invalid
                case StoreError() | ToolError() as refused:
                    raise ToolError(str(refused)) from refused
                case _:
                    raise

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Serving, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource.

        Raises ResourceNotFoundError or ResourceError with the store's sentence.
        """
        try:
            return await super().read_resource(uri, context)
        except ResourceError as error:
            match error.__cause__:
                case NotFoundError() as refused:
                    raise ResourceNotFoundError(str(refused)) from refused
                case StoreError() as refused:
                    raise ResourceError(str(refused)) from refused
                case _:
                    raise


def build_server(
    stores: Stores, settings: Settings, *, project: StoreName | None = None, http_port: int | None = None
) -> DreamkeepServer:
    """A server over `stores`, for stdio or, with a port, for HTTP with bearer tokens.

    `project` is the store of calls that name none, where the settings name none either.
    """

    notices = Notices()

    @asynccontextmanager
    async def lifespan(_: MCPServer[Serving]) -> AsyncGenerator[Serving]:
        recalls = RecallLog(stores)
        recall = Recall(settings.meaning())
        usual = [StoreName(name) for name in (settings.store or project, USER_STORE) if name]
        background = Background(
            stores,
            recall.meaning,
            prepare=partial(recall.prepare, stores, usual),
            leave=partial(dreams.wake_worker, stores, recall.meaning, texts_wait=True),
        )

        async def looked_after() -> list[StoreName]:
            """Over HTTP all stores; a window looks after its own."""
            there = await stores.list_stores()
            return [name for name in there if http_port is not None or name in usual]

        begin = partial(dreams.wake_worker, stores, recall.meaning)
        due_dreams = DueDreams(stores, settings, names=looked_after, begin=begin)
        async with anyio.create_task_group() as tasks:
            await tasks.start(recalls.run)
            # A dream that a killed worker left behind goes on; nobody waits for this.
            tasks.start_soon(_resume, stores, recall.meaning)
            tasks.start_soon(notices.run, stores, recall.meaning)
            tasks.start_soon(due_dreams.run)
            await tasks.start(background.run)
            try:
                yield Serving(
                    stores=stores,
                    settings=settings,
                    project=project,
                    local=http_port is None,
                    recalls=recalls,
                    afterwards=Afterwards(tasks),
                    recall=recall,
                    background=background,
                    due_dreams=due_dreams,
                )
            finally:
                recalls.close()
                notices.close()
                due_dreams.close()
                background.close()

    server = DreamkeepServer(
        NAME,
        title="Dreamkeep",
        instructions=INSTRUCTIONS.read_text(encoding="utf-8"),
        version=VERSION,
        lifespan=lifespan,
        log_level="WARNING",
        subscriptions=notices.bus,
        middleware=[notices],
        token_verifier=None if http_port is None else StoreTokens(stores, resource_address(http_port)),
        auth=None if http_port is None else auth_settings(http_port),
    )
    add_offers(server)
    return server


async def serve_stdio(settings: Settings) -> None:
    """Serve the client on standard input and output until it closes them.

    Raises UnavailableError when the database cannot be opened.
    """
    async with open_stores(settings.database) as stores, anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal)
        await build_server(stores, settings, project=store_of_folder(Path.cwd())).run_stdio_async()
        tasks.cancel_scope.cancel()


async def serve_http(settings: Settings, port: int, *, report: Callable[[str], object] = sys.stderr.write) -> None:
    """Serve HTTP on 127.0.0.1 until the process is told to stop; port 0 takes a free one.

    `report` gets the address, and how to make a token when there is none. Raises UnavailableError when
    the port is taken or the database cannot be opened.
    """
    import uvicorn

    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UnavailableError(f"Port {port} on {HOST} cannot be used: {error.strerror}. Name another.") from error
    with listening:
        actual = listening.getsockname()[1]
        async with open_stores(settings.database) as stores:
            app = build_server(stores, settings, http_port=actual).streamable_http_app(
                streamable_http_path=PATH, host=HOST, max_request_body_size=BODY_BYTES_MAX
            )
            report(f"dreamkeep serves {resource_address(actual)}\n")
            if not any(token.revoked_at is None for token in await stores.list_tokens()):
                report(
                    "Every request needs a bearer token and there is none; `dreamkeep token create NAME` makes one.\n"
                )
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GOODBYE_SECONDS)
            await uvicorn.Server(config).serve(sockets=[listening])


async def _resume(stores: Stores, meaning: Meaning) -> None:
    """Let a worker take up a dream that another one left behind."""
    # A server that cannot start one can still answer; get_dream tries again, and says why it failed.
    with suppress(UnavailableError):
        await dreams.wake_worker(stores, meaning)


async def _leave_on_signal() -> None:
    """End the process when it is told to.

    The SDK reads standard input on a thread that nothing can interrupt, so an orderly shutdown would
    wait for the client. There is nothing to put in order: what a call answered is on disk, and the
    database takes a process that vanishes.
    """
    if sys.platform == "win32":
        return  # neither signal reaches a task there
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            os._exit(128 + number)
