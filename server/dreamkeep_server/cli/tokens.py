"""`token`: who may come in over HTTP."""

from typing import Literal

import click

from dreamkeep_server.cli.opening import Listing, Opened, json_option, with_stores
from dreamkeep_server.cli.text import minute, shown, to_json
from dreamkeep_store.models import StoreName


@click.group(cls=Listing)
def token() -> None:
    """Create, list, revoke bearer tokens for HTTP (list, if left out)."""


@token.command
@click.argument("name")
@click.option("--store", "stores", multiple=True, metavar="NAME", help="Only this store; may be repeated.")
@click.option("--rights", type=click.Choice(["read", "write"]), default="write", show_default=True)
@json_option
@with_stores
async def create(
    opened: Opened, *, name: str, stores: tuple[str, ...], rights: Literal["read", "write"], as_json: bool
) -> None:
    """Create a token called NAME and print it; it is not shown again."""
    secret = await opened.stores.create_token(name, tuple(StoreName(store) for store in stores), rights)
    click.echo(to_json({"name": name, "token": secret}) if as_json else secret)
    if not as_json:
        click.echo("Keep it: it is not shown again. Send it as `Authorization: Bearer ...`.", err=True)


@token.command("list")
@json_option
@with_stores
async def list_(opened: Opened, *, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    found = await opened.stores.list_tokens()
    if as_json:
        click.echo(to_json(found))
        return
    for one in found:
        where = ", ".join(shown(store) for store in one.stores) or "every store"
        revoked = f", revoked {minute(one.revoked_at)}" if one.revoked_at else ""
        click.echo(f"{one.token_id}  {shown(one.name)}: {one.rights}, {where}, since {minute(one.created_at)}{revoked}")


@token.command
@click.argument("token_id")
@with_stores
async def revoke(opened: Opened, *, token_id: str) -> None:
    """Let a token in no more."""
    await opened.stores.revoke_token(token_id)
    click.echo(f"{token_id} is revoked.")
