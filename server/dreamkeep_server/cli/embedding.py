"""What a verb does about vectors after it has written, and `reindex`, which makes all of them anew."""

from typing import TYPE_CHECKING

import click

from dreamkeep_server.cli.opening import Opened, with_stores
from dreamkeep_server.cli.text import plural

if TYPE_CHECKING:
    from dreamkeep_server.embedding.embedder import Embedder

SECONDS_MAX = 5.0
"""How long a verb that has answered goes on for the sake of vectors."""


async def embed_now(opened: Opened) -> None:
    """Give what was just written its vectors, so that the next recall finds it by meaning; a bounded try.

    A text that goes without is found by its words, and gets its vector from the next server or worker.
    """
    import anyio

    from dreamkeep_server.embedding.embedder import EmbedderError

    with anyio.move_on_after(SECONDS_MAX):
        try:
            await opened.meaning().embed_waiting(opened.stores, newest=True)
        except EmbedderError as error:
            click.echo(f"It is found by its words only, for now: {error}", err=True)


async def embed_later(opened: Opened) -> None:
    """Start a worker that embeds a long backlog."""
    from dreamkeep_server.worker import ensure_worker

    if opened.settings.embedder != "none":
        await ensure_worker(opened.stores, opened.meaning(), texts_wait=True)


@click.command
@with_stores
async def reindex(opened: Opened) -> None:
    """Build the full-text index and all vectors again from the texts.

    Recall goes on meanwhile, by words where a vector is not there yet. Vectors of embedders that are not set
    any more are dropped. Stopped half way, it is finished in the background."""
    await opened.stores.reindex()
    click.echo("The full-text index is built anew.")
    meaning = opened.meaning()
    from dreamkeep_server.embedding.embedder import EmbedderError

    try:
        embedder = await meaning.embedder(patiently=True)
        if embedder is not None:
            await opened.stores.use_recipe(embedder.recipe, meaning.setting, embedder.dimensions)
        for known in await opened.stores.recipes():
            if embedder is not None and known.recipe == embedder.recipe:
                await opened.stores.forget_vectors(known.recipe)
            else:
                await opened.stores.drop_recipe(known.recipe)
                click.echo(f"The vectors of {known.setting} are dropped.")
        if embedder is not None:
            await _embed_all(opened, embedder)
    except EmbedderError as error:
        raise click.ClickException(f"{error} Recall goes by words for what has no vector.") from error


async def _embed_all(opened: Opened, embedder: "Embedder") -> None:
    from rich.progress import Progress

    from dreamkeep_server.cli.drawing import to_stderr
    from dreamkeep_server.meaning.waiting import embed_waiting

    (standing,) = [one for one in await opened.stores.recipes() if one.recipe == embedder.recipe]
    console = to_stderr()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("embedding", total=standing.texts)
        while done := await embed_waiting(opened.stores, embedder):
            progress.advance(task, done)
    (standing,) = [one for one in await opened.stores.recipes() if one.recipe == embedder.recipe]
    click.echo(
        f"{plural(standing.embedded, 'text')} embedded ({opened.settings.embedder})"
        + (f"; {standing.failed:,} could not be: recall finds them by their words." if standing.failed else ".")
    )
