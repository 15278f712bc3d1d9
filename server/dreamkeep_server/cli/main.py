"""The command `dreamkeep`: which verbs there are, and what becomes of a refusal.

A verb's module is imported when the verb is called: `dreamkeep serve` is started by every window of
a client, and must not pay for drawing a diff.
"""

from importlib import import_module
from typing import Any

import click

from dreamkeep_server.cli.text import shown
from dreamkeep_server.cli.wording import as_commands
from dreamkeep_store.errors import StoreError

VERBS = {
    "serve": "dreamkeep_server.cli.serve:serve",
    "demo": "dreamkeep_server.demo.script:demo",
    "remember": "dreamkeep_server.cli.entries:remember",
    "recall": "dreamkeep_server.cli.entries:recall",
    "explain": "dreamkeep_server.cli.explain:explain",
    "record": "dreamkeep_server.cli.sessions:record",
    "dream": "dreamkeep_server.cli.dreams:dream",
    "review": "dreamkeep_server.cli.reviews:review",
    "diff": "dreamkeep_server.cli.versions:diff",
    "switch": "dreamkeep_server.cli.versions:switch",
    "rollback": "dreamkeep_server.cli.versions:rollback",
    "versions": "dreamkeep_server.cli.versions:versions",
    "stores": "dreamkeep_server.cli.stores:stores",
    "status": "dreamkeep_server.cli.stores:status",
    "topics": "dreamkeep_server.cli.topics:topics",
    "import": "dreamkeep_server.cli.lines:import_lines",
    "export": "dreamkeep_server.cli.lines:export_lines",
    "erase": "dreamkeep_server.cli.entries:erase",
    "backup": "dreamkeep_server.cli.files:backup",
    "restore": "dreamkeep_server.cli.files:restore",
    "reindex": "dreamkeep_server.cli.embedding:reindex",
    "verify": "dreamkeep_server.cli.files:verify",
    "doctor": "dreamkeep_server.cli.doctor:doctor",
    "worker": "dreamkeep_server.cli.serve:worker",
    "token": "dreamkeep_server.cli.tokens:token",
}


class Verbs(click.Group):
    """The verbs, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, in the order in which a person meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None when there is no such verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a refusal becomes its sentence on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except StoreError as error:
            raise click.ClickException(shown(as_commands(str(error)))) from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dreamkeep")
def main() -> None:
    """A memory for AI agents that dreams: versioned, reviewable, reversible.

    \b
    Exit codes: 0 fine; 1 refused or failed, with the reason on stderr; 2 the command was called
    wrongly; 3 the dream ended as failed; 4 verify or doctor found problems.

    Most verbs take --store; without it they use the setting, else the project of the folder they run
    in when it has a memory, else the store "user". Settings are environment variables (DREAMKEEP_HOME,
    DREAMKEEP_STORE, ...) or settings.toml in the home folder.
    """
