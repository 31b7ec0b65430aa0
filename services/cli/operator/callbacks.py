"""Callbacks on the command line: for deployments without the API, and for operators."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.callback_options import DESCRIPTION, EVENT, PREFIX, CallbackId, NewUrl, Url, changes
from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.printing import answer
from services.common.domain.errors import InvalidOptionError
from services.common.domain.events import MAX_LISTENERS
from services.common.domain.object_keys import folder
from services.common.domain.records import Callback
from services.common.domain.times import now_ms, rfc3339
from services.common.store.callbacks import rotation
from services.common.store.operations import ConditionFailedError
from services.common.webhooks.registration import DEFAULT_EVENTS, checked, new_callback, rotated
from services.common.webhooks.secrets import new_secret

app = group(help="Endpoints that are told of jobs. To add one, set SECRETS_KEY_ID too.")


@app.command(cls=OperatorCommand)
def add(
    context: typer.Context,
    client: Client,
    url: Url,
    *,
    event: Annotated[list[str], EVENT] = list(DEFAULT_EVENTS),  # noqa: B006 - typer copies it
    prefix: Annotated[str, PREFIX] = "",
    description: Annotated[str | None, DESCRIPTION] = None,
) -> None:
    """Register an endpoint; its id and its secret are printed, the secret this once."""
    secret, settings = new_secret(), deployment.settings()
    callback = new_callback(
        client_id=client,
        url=url,
        secret=secret,
        vault=deployment.vault(),
        now=now_ms(),
        events=event,
        prefix=prefix,
        description=description or None,
        allow_private=settings.webhook_allow_private,
    )
    try:
        deployment.store().callbacks.register(callback)
    except ConditionFailedError:
        raise InvalidOptionError("client", f"{client} has {MAX_LISTENERS} callbacks: remove one first.") from None
    answer({**_fields(callback), "secret": secret}, callback.callback_id, secret, json=context.obj.json)


@app.command("list", cls=OperatorCommand)
def list_(context: typer.Context, client: Client) -> None:
    """A client's callbacks: id, status, address, events, and if set, prefix and description."""
    found = list(deployment.store().callbacks.of_client(client))
    answer([_fields(one) for one in found], *map(_line, found), json=context.obj.json)


@app.command(cls=OperatorCommand)
def update(
    context: typer.Context,
    client: Client,
    callback_id: CallbackId,
    *,
    url: NewUrl = None,
    event: Annotated[list[str] | None, EVENT] = None,
    prefix: Annotated[str | None, PREFIX] = None,
    description: Annotated[str | None, DESCRIPTION] = None,
) -> None:
    """Change what is given of a callback; an empty description removes it. Messages under way go to a new address."""
    given = changes(url=url, event=event, prefix=prefix, description=description)
    stored = checked(given, client, allow_private=deployment.settings().webhook_allow_private)
    after = deployment.store().callbacks.update(_found(client, callback_id), stored, now_ms())
    if after is None:
        raise _unknown(client, callback_id)
    answer(_fields(after), f"{callback_id} updated", json=context.obj.json)


@app.command(cls=OperatorCommand)
def rotate(context: typer.Context, client: Client, callback_id: CallbackId) -> None:
    """Make a new secret and print it, this once; for 24 hours, messages carry the signatures of both."""
    callback, secret = _found(client, callback_id), new_secret()
    sealed = deployment.vault().seal(secret, client_id=client, callback_id=callback_id)
    try:
        deployment.store().commit([rotation(callback, rotated(callback, sealed, now_ms()))])
    except ConditionFailedError:
        raise InvalidOptionError("callback_id", f"{callback_id} changed at the same moment: try again.") from None
    answer({"callback_id": callback_id, "secret": secret}, secret, json=context.obj.json)


@app.command(cls=OperatorCommand)
def remove(context: typer.Context, client: Client, callback_id: CallbackId) -> None:
    """Forget an endpoint; what was still to be sent to it is dropped."""
    if not deployment.store().callbacks.remove(_found(client, callback_id)):
        raise _unknown(client, callback_id)
    answer({"callback_id": callback_id, "removed": True}, f"{callback_id} removed", json=context.obj.json)


def _fields(callback: Callback) -> dict[str, object]:
    """A callback as the API shows it, too."""
    return {
        "callback_id": callback.callback_id,
        "client": callback.client_id,
        "url": callback.url,
        "events": list(callback.events),
        "prefix": callback.prefix.removeprefix(folder(callback.client_id)),
        "status": str(callback.status),
        "disabled_reason": callback.disabled_reason,
        "description": callback.description,
        "created_at": rfc3339(callback.created_at),
    }


def _line(callback: Callback) -> str:
    words = (callback.callback_id, callback.status, callback.url, " ".join(callback.events))
    more = (callback.prefix.removeprefix(folder(callback.client_id)), callback.description)
    return "  ".join(filter(None, (*words, *more)))


def _found(client: str, callback_id: str) -> Callback:
    """The client's callback; raises `_unknown`."""
    callback = deployment.store().callbacks.get(client, callback_id)
    if callback is None:
        raise _unknown(client, callback_id)
    return callback


def _unknown(client: str, callback_id: str) -> InvalidOptionError:
    return InvalidOptionError("callback_id", f"{client} has no callback {callback_id}.")
