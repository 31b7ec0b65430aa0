"""Callbacks over the API: a client's addresses that are told of jobs."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli.api.client import Api
from services.cli.callback_options import DESCRIPTION, EVENT, PREFIX, CallbackId, NewUrl, Url, changes
from services.cli.commands import ClientCommand, group
from services.cli.printing import as_json, note, shown, table
from services.common.webhooks.registration import DEFAULT_EVENTS

_PATH = "/api/callbacks"
_LISTED = ("callback_id", "status", "url", "events", "prefix", "description")
_HEADINGS = ("Id", "Status", "Address", "Events", "Prefix", "Description")
app = group(no_args_is_help=True, help="Addresses that are told of jobs by webhook.")


@app.command("list", cls=ClientCommand)
def list_(context: typer.Context) -> None:
    """All callbacks; with --json as the API tells them."""
    found = Api.of(context.obj).get(_PATH)["callbacks"]
    if context.obj.json:
        as_json(found)
    else:
        table(_HEADINGS, [[_word(one[name]) for name in _LISTED] for one in found])


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
    made = Api.of(context.obj).post(_PATH, wanted)
    _print(context, made, "callback_id", "secret")


@app.command(cls=ClientCommand)
def show(context: typer.Context, callback_id: CallbackId) -> None:
    """All that the service tells of a callback; never its secret."""
    found = Api.of(context.obj).get(_place(callback_id))
    if context.obj.json:
        as_json(found)
    else:
        table(("Field", "Value"), [(name, _word(value)) for name, value in found.items()])


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
    changed = Api.of(context.obj).patch(_place(callback_id), wanted)
    _print(context, changed, said=f"{shown(callback_id)} updated")


@app.command(cls=ClientCommand)
def rotate(context: typer.Context, callback_id: CallbackId) -> None:
    """Make a new secret and print it, this once; for 24 hours, messages carry the signatures of both."""
    _print(context, Api.of(context.obj).post(_place(callback_id, "/rotate")), "secret")


@app.command(cls=ClientCommand)
def test(context: typer.Context, callback_id: CallbackId) -> None:
    """Send a test message, and print the id of its delivery. It is sent within a minute."""
    made = Api.of(context.obj).post(_place(callback_id, "/test"))
    _print(context, made, "delivery_id")
    note(f"`transcribe deliveries {shown(callback_id)}` shows what the address has answered, within a minute.")


@app.command(cls=ClientCommand)
def enable(context: typer.Context, callback_id: CallbackId) -> None:
    """Send to a disabled callback again; what was dropped meanwhile can be redelivered."""
    enabled = Api.of(context.obj).post(_place(callback_id, "/enable"))
    _print(context, enabled, said=f"{shown(callback_id)} {shown(enabled['status'])}")


@app.command(cls=ClientCommand)
def remove(context: typer.Context, callback_id: CallbackId) -> None:
    """Forget a callback; what was still to be sent to it is dropped."""
    Api.of(context.obj).delete(_place(callback_id))
    _print(context, {"callback_id": callback_id, "removed": True}, said=f"{shown(callback_id)} removed")


def _place(callback_id: str, action: str = "") -> str:
    return f"{_PATH}/{quote(callback_id, safe='')}{action}"


def _print(context: typer.Context, told: dict[str, Any], *names: str, said: str = "") -> None:
    """Print the reply as JSON; or, for people, these fields of it, one a line, or a sentence of our own."""
    if context.obj.json:
        as_json(told)
    else:
        print("\n".join([*(shown(told[name]) for name in names), *filter(None, [said])]))


def _word(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
