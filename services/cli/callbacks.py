"""Callbacks on the command line: for deployments without the API, and for operators."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import deployment
from services.cli.arguments import Client
from services.common.domain.errors import InvalidOptionError
from services.common.domain.events import MAX_LISTENERS
from services.common.domain.times import now_ms
from services.common.store.table import ConditionFailedError
from services.common.webhooks.registration import DEFAULT_EVENTS, SUBSCRIBABLE, new_callback
from services.common.webhooks.secrets import new_secret

app = typer.Typer(no_args_is_help=True, help="Endpoints that are told of jobs. To add one, set SECRETS_KEY_ID too.")

Events = Annotated[list[str], typer.Option(help=f"One of {', '.join(SUBSCRIBABLE)}; again for each further one.")]
Prefix = Annotated[str, typer.Option(help="Only jobs whose upload lies under this prefix of the client's own folder.")]
CallbackId = Annotated[str, typer.Argument(help="The callback's id, as listed.")]


@app.command()
def add(
    client: Client,
    url: Annotated[str, typer.Argument(help="https, port 443 or 8443, a public host.")],
    event: Events = list(DEFAULT_EVENTS),  # noqa: B006 - typer copies it
    prefix: Prefix = "",
) -> None:
    """Register an endpoint; its id and its secret are printed, the secret this once."""
    if unknown := set(event) - set(SUBSCRIBABLE):
        raise InvalidOptionError("event", f"There is no {min(unknown)}; there are: {', '.join(SUBSCRIBABLE)}.")
    secret, settings = new_secret(), deployment.settings()
    callback = new_callback(
        client_id=client,
        url=url,
        secret=secret,
        vault=deployment.vault(),
        now=now_ms(),
        events=event,
        prefix=prefix,
        allow_private=settings.webhook_allow_private,
    )
    try:
        deployment.store().callbacks.register(callback)
    except ConditionFailedError:
        raise InvalidOptionError("client", f"{client} has {MAX_LISTENERS} callbacks: remove one first.") from None
    print(callback.callback_id)
    print(secret)


@app.command("list")
def list_(client: Client) -> None:
    """A client's callbacks: id, status, address and events."""
    for callback in deployment.store().callbacks.of_client(client):
        print(f"{callback.callback_id}  {callback.status}  {callback.url}  {' '.join(callback.events)}")


@app.command()
def remove(client: Client, callback_id: CallbackId) -> None:
    """Forget an endpoint; what was still to be sent to it is dropped."""
    callbacks = deployment.store().callbacks
    callback = callbacks.get(client, callback_id)
    if callback is None or not callbacks.remove(callback):
        raise InvalidOptionError("callback_id", f"{client} has no callback {callback_id}.")
    print(f"{callback_id} removed")
