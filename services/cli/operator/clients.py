"""Clients on the command line. A client owns uploads, jobs and callbacks, and its plain uploads may get options."""

from __future__ import annotations

import json as documents
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from services.cli.commands import OperatorCommand, group
from services.cli.errors import UsageError
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.options.job_options import checked_formats, options_of_a_job, with_formats
from services.cli.options.option_groups import takes
from services.cli.printing import answer, note
from services.common.domain import object_keys
from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import DEFAULT_FORMATS, FORMATS, Options

app = group(help="Those whose uploads, jobs and callbacks belong together.")

_Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="docx",
        help=f"Files that are made beside those that always are: {', '.join(DEFAULT_FORMATS)}.",
        autocompletion=lambda: [form for form in FORMATS if form not in DEFAULT_FORMATS],
    ),
]


@app.command(cls=OperatorCommand)
def add(context: typer.Context, client: Client) -> None:
    """Make a client known: uploads under its name are its own from now on."""
    deployment.store().clients.register(client)
    folder = object_keys.folder(client)
    answer({"client": client, "folder": folder}, f"{folder} belongs to {client}", json=context.obj.json)


@app.command("list", cls=OperatorCommand)
def list_(context: typer.Context) -> None:
    """All clients, one a line, and which of them have defaults."""
    clients = deployment.store().clients.all()
    told = [{"client": one.client_id, "has_defaults": one.has_defaults} for one in clients]
    lines = [f"{one.client_id}  has defaults" if one.has_defaults else one.client_id for one in clients]
    answer(told, *lines, json=context.obj.json)


@app.command(cls=OperatorCommand)
def show(context: typer.Context, client: Client) -> None:
    """A client's defaults: the options that jobs of its plain uploads get, one a line."""
    defaults = deployment.store().clients.defaults(client)
    if defaults is None:
        raise _unknown(client)
    _tell(client, defaults, json=context.obj.json)
    if not defaults:
        note(f"{client} has no defaults: `transcribe clients set {client}` takes the options of a job.")


@app.command("set", cls=OperatorCommand)
@takes(options=options_of_a_job)
def set_(
    context: typer.Context,
    client: Client,
    *,
    formats: _Formats = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all defaults away.")] = False,
    options: dict[str, Any],
) -> None:
    """Set the options that a client's recordings get if they are put into the bucket without the API.

    All that was set before is replaced.
    """
    defaults: dict[str, Any] = with_formats({"options": options}, checked_formats(formats), fetched=False)["options"]
    if clear and defaults:
        raise UsageError("--clear takes all defaults away: give it alone, or the options that are to be the defaults.")
    if not clear and not defaults:
        raise UsageError("Nothing is set that jobs do not have anyway: give options of a job, or --clear.")
    _check(client, defaults)
    if not deployment.store().clients.set_defaults(client, defaults):
        raise _unknown(client)
    _tell(client, defaults, json=context.obj.json)


def _check(client: str, defaults: Mapping[str, Any]) -> None:
    """Check what only the deployment can tell of these options.

    Raises:
        InvalidOptionError: it lacks the model, or the client the vocabulary.

    """
    if deployment.settings().config_parameter:
        Options.parse(defaults, deployment.own_settings().models)
    elif "model" in defaults or "style" in defaults:
        note("Whether the deployment holds this model is not checked: set CONFIG_PARAMETER.")
    name = defaults.get("vocabulary")
    if name and deployment.store().vocabularies.get(client, name) is None:
        remedy = f"with a key of {client}'s, `transcribe vocabularies add {name} FILE` makes it"
        raise InvalidOptionError("vocabulary", f"{client} has no vocabulary {name}: {remedy}.")


def _tell(client: str, defaults: Mapping[str, Any], *, json: bool) -> None:
    lines = [f"{option}  {_word(value)}" for option, value in sorted(defaults.items())]
    answer({"client": client, "defaults": defaults}, *lines, json=json)


def _word(value: object) -> str:
    return value if isinstance(value, str) else documents.dumps(value)


def _unknown(client: str) -> InvalidOptionError:
    remedy = f"`transcribe clients add {client}` makes it known"
    return InvalidOptionError("client", f"There is no client {client}: {remedy}.")
