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

app = typer.Typer(no_args_is_help=True, help="Swedish speech goes in, text comes out.", pretty_exceptions_enable=False)
app.add_typer(clients.app, name="clients")
app.add_typer(keys.app, name="keys")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(jobs.app, name="jobs")
app.command("machines")(machines)
app.command("stages")(stages)
app.command("send")(recordings.send)


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
