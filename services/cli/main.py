"""`transcribe`: the command line."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError

from services.cli import callbacks, clients, jobs, keys, recordings
from services.cli.machines import machines
from services.cli.stages import stages
from services.common import logs
from services.common.domain.errors import TranscriberError

CLIENTS = "For clients of the API: set TRANSCRIBE_URL and TRANSCRIBE_KEY"
OPERATORS = "For operators: set TABLE_NAME, and AWS credentials with a region"
app = typer.Typer(no_args_is_help=True, help="Swedish speech goes in, text comes out.", pretty_exceptions_enable=False)
app.command("send", rich_help_panel=CLIENTS)(recordings.send)
app.add_typer(clients.app, name="clients", rich_help_panel=OPERATORS)
app.add_typer(keys.app, name="keys", rich_help_panel=OPERATORS)
app.add_typer(callbacks.app, name="callbacks", rich_help_panel=OPERATORS)
app.add_typer(jobs.app, name="jobs", rich_help_panel=OPERATORS)
app.command("machines", rich_help_panel=OPERATORS)(machines)
app.command("stages", rich_help_panel=OPERATORS)(stages)


def main() -> None:
    """Run a command. An error is printed to standard error as one sentence, and the exit code is then 1."""
    # Results go to standard output; whatever a library or a module of ours logs, only if it is an error, does not.
    logs.configure("error", service="cli")
    try:
        app()
    except (TranscriberError, ClientError, BotoCoreError) as error:
        print(f"transcribe: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
