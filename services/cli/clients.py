"""Clients: those whose uploads, jobs and callbacks belong together."""

from __future__ import annotations

import typer

from services.cli import deployment
from services.common.domain.errors import InvalidOptionError
from services.common.domain.object_keys import CLIENT_ID

app = typer.Typer(no_args_is_help=True, help="Those whose uploads, jobs and callbacks belong together.")


def checked(client_id: str) -> str:
    """The id itself.

    :raises InvalidOptionError: it cannot be a client's: it stands in keys of the bucket.
    """
    if not CLIENT_ID.fullmatch(client_id):
        raise InvalidOptionError("client", "A client's name is 1 to 40 small letters, digits and hyphens.")
    return client_id


@app.command()
def add(client: str) -> None:
    """Make a client known: uploads under its name are its own from now on."""
    deployment.store().clients.register(checked(client))
    print(f"uploads/{client}/ belongs to {client}")


@app.command("list")
def list_() -> None:
    """All clients, one a line."""
    for client in deployment.store().clients.all():
        print(client)
