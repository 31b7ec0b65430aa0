"""`transcribe`: the command line."""

from __future__ import annotations

import os
import signal
import sys
from enum import StrEnum
from typing import Annotated, ClassVar

import typer

from services.cli import streams
from services.cli.commands import ClientCommand, Commands, Entry, OperatorCommand, PlainCommand, group, told

NAME = "transcribe"
COMPLETE = "_TRANSCRIBE_COMPLETE"
"""The variable in which a shell says that it wants completions."""
TEXT = "From speech to text"
CLIENTS = "For clients of the API"
OPERATORS = "For operators, with AWS credentials"
HERE = "On this machine"


def _client(name: str, path: str, told: str, section: str = CLIENTS) -> tuple[str, Entry]:
    return name, Entry(path=f"services.cli.{path}", section=section, help=told, shared=ClientCommand)


def _plain(name: str, path: str, told: str, section: str = CLIENTS) -> tuple[str, Entry]:
    return name, Entry(path=f"services.cli.{path}", section=section, help=told, shared=PlainCommand)


def _operator(name: str, path: str, told: str) -> tuple[str, Entry]:
    return name, Entry(path=f"services.cli.{path}", section=OPERATORS, help=told, shared=OperatorCommand)


class Transcribe(Commands):
    """Every command, in the order in which help lists them."""

    entries: ClassVar = dict(
        (
            _client("send", "recordings.send:send", "Transcribe recordings.", TEXT),
            _client("show", "recordings.show:show", "Show a job; with --follow until its text is there.", TEXT),
            _client("open", "client.opening:open_page", "Open a job on the service's page, in a browser.", TEXT),
            _client("jobs", "client.jobs:jobs", "The client's jobs, newest first."),
            _client("cancel", "client.jobs:cancel", "End jobs that have not ended."),
            _client("retry", "client.jobs:retry", "Queue failed jobs again; what was finished of them stays finished."),
            _client("rename", "client.renaming:rename", "Name the speakers of a job."),
            _client("erase", "client.jobs:erase", "Erase jobs with their recordings, transcripts and records."),
            _client("deliveries", "client.deliveries:deliveries", "The messages about a job, or to a callback."),
            _client("redeliver", "client.deliveries:redeliver", "Send a message about a job again."),
            _client("callbacks", "client.callbacks:app", "Addresses that are told of jobs by webhook."),
            _client("vocabularies", "client.vocabularies:app", "Lists of names and words to expect in recordings."),
            _client("events", "client.events:events", "What has happened; with --follow as it happens."),
            _client("listen", "client.listen:listen", "Webhooks without an address: events as they happen, signed."),
            _plain("login", "client.login:login", "Keep the API's address and a key for later commands."),
            _plain("logout", "client.login:logout", "Forget the kept address and key."),
            _plain("local", "local:local", "Run the whole system until Ctrl-C.", HERE),
            _operator("clients", "operator.clients:app", "Those whose uploads, jobs and callbacks belong together."),
            _operator("keys", "operator.keys:app", "Keys that open the API to a client."),
            _operator("operator", "operator.without_api:app", "Jobs and callbacks without the API."),
            _operator("doctor", "operator.doctor.command:doctor", "Everything that a deployment needs: what is wrong."),
            _operator("watch", "operator.watch.watch:watch", "The queue, the machines, the last ends and the money."),
            _operator("cost", "cost:cost", "What jobs have cost; with FILE…, what recordings will cost."),
            _operator("machines", "operator.machines:machines", "The machines that work for the deployment."),
            _operator("cleanup", "operator.cleanup.command:cleanup", "End what a deployment has left over."),
            _operator("stages", "operator.stages:stages", "How long the stages from upload to text took."),
        )
    )
    variables: ClassVar = {
        "TRANSCRIBE_URL": "The API's address; goes before that of `login`.",
        "TRANSCRIBE_KEY": "A key of the API; goes before that of `login`.",
        "TABLE_NAME": "The deployment's table: for all commands of operators.",
        "AWS_REGION": "The deployment's region, if your AWS profile names another.",
        "CONFIG_PARAMETER": "The parameter with its settings: for `operator jobs`, `clients set`, `cleanup`.",
        "SECRETS_KEY_ID": "Its key of webhook secrets: for `operator callbacks`.",
        "NO_COLOR": "Print without colours.",
    }


USAGE = """Transcribe recordings: FILE… is any audio or video files, a FOLDER of them, a URL or - for standard input.

`transcribe interview.m4a` prints the text. `transcribe send --help` lists its options."""
app = group(
    cls=Transcribe,
    help=USAGE,
    subcommand_metavar="[FILE… | COMMAND [ARGS]…]",
)


class Shell(StrEnum):
    """Shells that can complete commands and options."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def _completion(shell: Shell | None) -> None:
    if shell:
        from typer._completion_shared import get_completion_script  # noqa: PLC0415 - --help does without

        print(get_completion_script(prog_name=NAME, complete_var=COMPLETE, shell=shell.value))
        raise typer.Exit


def _version(wanted: bool) -> None:
    if wanted:
        from services.cli.version import version  # noqa: PLC0415 - --help does without

        print(f"transcribe {version()}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    show_completion: Annotated[
        Shell | None,
        typer.Option(
            callback=_completion,
            is_eager=True,
            metavar="SHELL",
            help="Print what bash, zsh or fish needs to complete commands and options.",
        ),
    ] = None,
) -> None:
    """See `USAGE`."""


def _end_in_order() -> None:
    """Told to end, a command does as after Ctrl-C: it leaves the terminal as it was and says how to come back.

    `timeout` tells it so, or a terminal that is closed; `nohup` has it ignore that.
    """
    for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def main() -> None:
    """Run a command, or tell a shell what could follow what was typed."""
    streams.prepare()
    _end_in_order()
    if COMPLETE in os.environ:
        from typer._completion_classes import completion_init  # noqa: PLC0415 - commands do without

        completion_init()
    try:
        try:
            app(prog_name=NAME)
        finally:
            # Whether all has arrived, Python would ask too late to tell of it.
            sys.stdout.flush()
    except OSError as error:
        sys.exit(told(error))


if __name__ == "__main__":
    main()
