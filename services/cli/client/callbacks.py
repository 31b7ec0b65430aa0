"""Callbacks over the API: a client's addresses that are told of jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.api.client import Api, path
from services.cli.callback_options import DESCRIPTION, EVENT, PREFIX, CallbackId, NewUrl, Url, changes
from services.cli.commands import ClientCommand, group
from services.cli.printing import answer, as_json, note, table
from services.common.webhooks.registration import DEFAULT_EVENTS

_LISTED = ("callback_id", "status", "url", "events", "prefix", "description")
_HEADINGS = ("id", "status", "address", "events", "prefix", "description")
app = group(help="Addresses that are told of jobs by webhook.")


@app.command("list", cls=ClientCommand)
def list_(context: typer.Context) -> None:
    """All callbacks; with --json as the API tells them."""
    found = Api.of(context.obj).get(path("callbacks"))["callbacks"]
    if context.obj.json:
        as_json(found)
    elif found:
        table(_HEADINGS, [[_word(one[name]) for name in _LISTED] for one in found])
    else:
        note("There are no callbacks yet.")


@app.command(cls=ClientCommand)
def add(
    context: typer.Context,
    url: Url,
    event: Annotated[list[str], EVENT] = list(DEFAULT_EVENTS),  # noqa: B006 - typer copies it
    prefix: Annotated[str, PREFIX] = "",
    description: Annotated[str | None, DESCRIPTION] = None,
    *,
    challenge: Annotated[
        bool, typer.Option("--challenge", help="Nothing is sent until the address has answered a challenge.")
    ] = False,
) -> None:
    """Register an address; its id and its secret are printed, the secret this once."""
    wanted = {"url": url, "events": event, "prefix": prefix, "description": description or None, "challenge": challenge}
    made = Api.of(context.obj).post(path("callbacks"), wanted)
    answer(made, made["callback_id"], made["secret"], json=context.obj.json)


@app.command(cls=ClientCommand)
def show(context: typer.Context, callback_id: CallbackId) -> None:
    """All that the service tells of a callback; never its secret."""
    found = Api.of(context.obj).get(path("callbacks", callback_id))
    if context.obj.json:
        as_json(found)
    else:
        table(("field", "value"), [(name, _word(value)) for name, value in found.items()])


@app.command(cls=ClientCommand)
def update(
    context: typer.Context,
    callback_id: CallbackId,
    *,
    url: NewUrl = None,
    event: Annotated[list[str] | None, EVENT] = None,
    prefix: Annotated[str | None, PREFIX] = None,
    description: Annotated[str | None, DESCRIPTION] = None,
) -> None:
    """Change what is given of a callback; an empty description removes it. Messages under way go to a new address."""
    wanted = changes(url=url, event=event, prefix=prefix, description=description)
    changed = Api.of(context.obj).patch(path("callbacks", callback_id), wanted)
    answer(changed, f"{callback_id} updated", json=context.obj.json)


@app.command(cls=ClientCommand)
def rotate(context: typer.Context, callback_id: CallbackId) -> None:
    """Make a new secret and print it, this once; for 24 hours, messages carry the signatures of both."""
    made = Api.of(context.obj).post(path("callbacks", callback_id, "rotate"))
    answer(made, made["secret"], json=context.obj.json)


@app.command(cls=ClientCommand)
def test(context: typer.Context, callback_id: CallbackId) -> None:
    """Send a test message, and print the id of its delivery. It is sent within a minute."""
    made = Api.of(context.obj).post(path("callbacks", callback_id, "test"))
    answer(made, made["delivery_id"], json=context.obj.json)
    note(f"`transcribe deliveries {callback_id}` shows what the address has answered, within a minute.")


@app.command(cls=ClientCommand)
def enable(context: typer.Context, callback_id: CallbackId) -> None:
    """Send to a disabled callback again; what was dropped meanwhile can be redelivered."""
    enabled = Api.of(context.obj).post(path("callbacks", callback_id, "enable"))
    answer(enabled, f"{callback_id} {enabled['status']}", json=context.obj.json)


@app.command(cls=ClientCommand)
def remove(context: typer.Context, callback_id: CallbackId) -> None:
    """Forget a callback; what was still to be sent to it is dropped."""
    Api.of(context.obj).delete(path("callbacks", callback_id))
    answer({"callback_id": callback_id, "removed": True}, f"{callback_id} removed", json=context.obj.json)


def _word(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
