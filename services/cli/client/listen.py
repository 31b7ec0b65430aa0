"""Webhooks on a developer's own machine, without an address that the service can reach."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.api.client import Api
from services.cli.callback_options import TYPE
from services.cli.client.event_lines import as_json, for_people
from services.cli.client.feed import Event, Feed
from services.cli.client.forwarding import Forwarding
from services.cli.errors import UsageError
from services.cli.printing import note
from services.common.webhooks import secrets

SECRET = "TRANSCRIBE_LISTEN_SECRET"  # noqa: S105 - the name of a variable


def listen(
    context: typer.Context,
    kinds: Annotated[list[str] | None, TYPE] = None,
    *,
    forward: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where each event is posted, such as http://localhost:3000/hook."),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(metavar="WHSEC", envvar=SECRET, help="With which messages are signed; else a new one."),
    ] = None,
) -> None:
    """Webhooks without an address: events as they happen, signed.

    Events from now on are shown until Ctrl-C. With --forward, each is posted as a callback's message, and what the
    receiver answers is shown. Nothing is registered at the service. A receiver that is down, or answers 429 or 5xx,
    gets an event up to four times within some seconds; then the next one follows.
    """
    forwarding = _forwarding(forward, secret) if forward else None
    api = Api.of(context.obj)
    feed = Feed(api, types=kinds or ())
    feed.skip()
    note(f"Listening to {api.url}; Ctrl-C ends it.")
    for page in feed.pages(follow=True):
        for event in page["events"]:
            _tell(event, forwarding, json=context.obj.json)


def _forwarding(url: str, given: str | None) -> Forwarding:
    """The way to the receiver. Its secret is printed if it was made here: what was given is known already.

    Raises:
        UsageError: the secret is none.
        InvalidUrlError: the address is none.

    """
    try:
        secret = secrets.check(given) if given else secrets.new_secret()
    except ValueError as error:
        raise UsageError(f"--secret or {SECRET} is no secret of a webhook: {error}") from None
    forwarding = Forwarding(url, secret)
    signed = "the given secret." if given else f"this secret:\n{secret}"
    note(f"Events are posted to {url} as those of callback {forwarding.callback_id}, signed with {signed}")
    return forwarding


def _tell(event: Event, forwarding: Forwarding | None, *, json: bool) -> None:
    """Print an event, once the receiver has got it."""
    answer = forwarding and forwarding.send(event)
    if json:
        print(as_json(event, **({"forwarded": answer.document()} if answer else {})), flush=True)
    else:
        print(for_people(event, *([answer.words()] if answer else [])), flush=True)
