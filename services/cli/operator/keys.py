"""API keys on the command line: made, listed and revoked. A key is shown once, and stored as a hash."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.printing import answer, note
from services.common.domain.errors import InvalidOptionError
from services.common.domain.ids import new_api_key
from services.common.domain.times import now_ms, rfc3339
from services.common.store.clients import DEFAULT_LIMIT, ApiKey

app = group(help="Keys that open the API to a client.")
SHOWN = 12
"""How many characters of a key's hash are shown."""


@app.command(cls=OperatorCommand)
def create(
    context: typer.Context,
    client: Client,
    name: Annotated[str, typer.Option(help="What the key is listed as.")] = "key",
    limit: Annotated[int, typer.Option(min=1, help="Requests a minute.")] = DEFAULT_LIMIT,
) -> None:
    """Make a key for a client, and the client known if it is not; the key is printed this once."""
    api_key, now = new_api_key(), now_ms()
    clients = deployment.store().clients
    clients.register(client)
    digest = clients.add_key(api_key, client_id=client, name=name, now=now, limit=limit)
    key = ApiKey(digest=digest, name=name, created_at=now, limit=limit)
    answer({"client": client, "key": api_key, **_fields(key)}, api_key, json=context.obj.json)


@app.command("list", cls=OperatorCommand)
def list_(context: typer.Context, client: Client) -> None:
    """A client's keys: hash, name, when it was made, and whether it is revoked."""
    keys = list(deployment.store().clients.keys_of(client))
    answer([_fields(key) for key in keys], *map(_line, keys), json=context.obj.json)
    if not keys:
        note(f"{client} has no keys: `transcribe keys create {client}` makes one.")


@app.command(cls=OperatorCommand)
def revoke(
    context: typer.Context,
    client: Client,
    digest: Annotated[str, typer.Argument(help="The beginning of the key's hash, as listed.")],
) -> None:
    """Let a key open nothing any more."""
    clients = deployment.store().clients
    found = [key.digest for key in clients.keys_of(client) if key.digest.startswith(digest)]
    if len(found) != 1:
        remedy = "give more of one" if found else f"`transcribe keys list {client}` shows them"
        raise InvalidOptionError("digest", f"{len(found)} keys of {client} begin with {digest}: {remedy}.")
    clients.revoke(client, found[0], now_ms())
    listed = found[0][:SHOWN]
    answer({"client": client, "hash": listed, "revoked": True}, f"{listed} revoked", json=context.obj.json)


def _fields(key: ApiKey) -> dict[str, object]:
    revoked = rfc3339(key.revoked_at) if key.revoked_at else None
    facts = {"hash": key.digest[:SHOWN], "name": key.name, "created_at": rfc3339(key.created_at)}
    return {**facts, "requests_per_minute": key.limit, "revoked_at": revoked}


def _line(key: ApiKey) -> str:
    state = f"revoked {rfc3339(key.revoked_at)}" if key.revoked_at else "active"
    return f"{key.digest[:SHOWN]}  {key.name}  {rfc3339(key.created_at)}  {key.limit}/min  {state}"
