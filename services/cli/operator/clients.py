"""Clients on the command line. A client owns uploads, jobs and callbacks."""

from __future__ import annotations

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.common.domain import object_keys

app = group(no_args_is_help=True, help="Those whose uploads, jobs and callbacks belong together.")


@app.command(cls=OperatorCommand)
def add(client: Client) -> None:
    """Make a client known: uploads under its name are its own from now on."""
    deployment.store().clients.register(client)
    print(f"{object_keys.folder(client)} belongs to {client}")


@app.command("list", cls=OperatorCommand)
def list_() -> None:
    """All clients, one a line."""
    for client in deployment.store().clients.all():
        print(client)
