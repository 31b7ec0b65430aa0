"""Clients on the command line. A client owns uploads, jobs and callbacks."""

from __future__ import annotations

import typer

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.printing import answer
from services.common.domain import object_keys

app = group(help="Those whose uploads, jobs and callbacks belong together.")


@app.command(cls=OperatorCommand)
def add(context: typer.Context, client: Client) -> None:
    """Make a client known: uploads under its name are its own from now on."""
    deployment.store().clients.register(client)
    folder = object_keys.folder(client)
    answer({"client": client, "folder": folder}, f"{folder} belongs to {client}", json=context.obj.json)


@app.command("list", cls=OperatorCommand)
def list_(context: typer.Context) -> None:
    """All clients, one a line."""
    clients = list(deployment.store().clients.all())
    answer([{"client": client} for client in clients], *clients, json=context.obj.json)
