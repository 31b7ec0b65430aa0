"""What commands on callbacks take, be it over the API or on the table, and the types of events that there are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.common.domain.errors import InvalidOptionError
from services.common.webhooks.registration import SUBSCRIBABLE


def _known(types: list[str] | None) -> list[str] | None:
    """Check types of events and return them.

    Raises:
        InvalidOptionError: there is no such type, or none that can be listened to.

    """
    if unknown := set(types or ()) - set(SUBSCRIBABLE):
        raise InvalidOptionError("event", f"There is no {min(unknown)}; there are: {', '.join(SUBSCRIBABLE)}.")
    return types


_TYPES = f"one of {', '.join(SUBSCRIBABLE)}; again for each further one."
_URL = "https, port 443 or 8443, a public host."
EVENT = typer.Option(metavar="TYPE", callback=_known, help=f"What it is told of: {_TYPES}")
TYPE = typer.Option("--type", metavar="TYPE", callback=_known, help=f"Only events of this type: {_TYPES}")
PREFIX = typer.Option(
    metavar="TEXT",
    help="Only jobs whose file name begins with this; of an upload without the API, its key in the client's folder.",
)
DESCRIPTION = typer.Option(metavar="TEXT", help="For people.")
CallbackId = Annotated[str, typer.Argument(metavar="ID", help="The callback's id, as listed.")]
Url = Annotated[str, typer.Argument(metavar="URL", help=_URL)]
NewUrl = Annotated[str | None, typer.Option(metavar="URL", help=_URL)]


def changes(*, url: str | None, event: list[str] | None, prefix: str | None, description: str | None) -> dict[str, Any]:
    """What is to change of a callback, as the API takes it; an empty description removes the one that is there.

    Raises:
        InvalidOptionError: nothing is to change.

    """
    given = {"url": url, "events": event or None, "prefix": prefix, "description": description}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        raise InvalidOptionError("url", "Give at least one of --url, --event, --prefix and --description.")
    if "description" in given:
        given["description"] = description or None
    return given
