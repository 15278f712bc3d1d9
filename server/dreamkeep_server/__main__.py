"""`python -m dreamkeep_server` is `dreamkeep`."""

from dreamkeep_server.cli.main import main

main(prog_name="dreamkeep")
