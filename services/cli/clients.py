"""Clients on the command line. A client owns uploads, jobs and callbacks."""

from __future__ import annotations

import typer

from services.cli import deployment
from services.cli.arguments import Client
from services.common.domain import object_keys

app = typer.Typer(no_args_is_help=True, help="Those whose uploads, jobs and callbacks belong together.")


@app.command()
def add(client: Client) -> None:
    """Make a client known: uploads under its name are its own from now on."""
    deployment.store().clients.register(client)
    print(f"{object_keys.folder(client)} belongs to {client}")


@app.command("list")
def list_() -> None:
    """All clients, one a line."""
    for client in deployment.store().clients.all():
        print(client)
