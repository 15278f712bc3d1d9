"""`serve` and `worker`: the processes that a client, or a person, starts."""

import os
import sys

import click

from dreamkeep_server.cli.opening import Opened, with_stores

PORT = 7433


@click.command
@click.option("--http", is_flag=True, help="Serve streamable HTTP on 127.0.0.1 instead, with bearer tokens.")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="With --http.")
def serve(*, http: bool, port: int) -> None:
    """Serve the memory to an MCP client, over stdio or HTTP.

    This is what a client's configuration starts; claude_config.example.json has an entry to paste. Over
    HTTP, each client needs a token: `dreamkeep token create NAME`.
    """
    from dreamkeep_server.imports import uncollected

    with uncollected():
        import anyio

        from dreamkeep_server import server
        from dreamkeep_server.settings import load_settings

    settings = load_settings()
    if http:
        anyio.run(server.serve_http, settings, port)
    else:
        anyio.run(server.serve_stdio, settings)
        sys.stdout.flush()
        # Python would wait for a thread that asks an endpoint which does not answer; a server ends with its input.
        os._exit(0)


@click.command
@click.option("--idle-seconds", type=click.FloatRange(min=0), default=30.0, show_default=True)
@with_stores
async def worker(opened: Opened, *, idle_seconds: float) -> None:
    """Run waiting dreams here, in the foreground.

    Nobody needs to call this: starting a dream starts a worker.
    """
    from dreamkeep_server.worker import run_worker

    await run_worker(
        opened.stores, opened.meaning(), idle_seconds=idle_seconds, report=lambda line: click.echo(line, err=True)
    )
