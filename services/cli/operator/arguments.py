"""Arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from services.common.domain.errors import InvalidOptionError
from services.common.domain.object_keys import CLIENT_ID


def checked(client_id: str) -> str:
    """Check a client's id and return it.

    Raises:
        InvalidOptionError: it cannot stand in keys of the bucket.

    """
    if not CLIENT_ID.fullmatch(client_id):
        raise InvalidOptionError("client", "A client's name is 1 to 40 small letters, digits and hyphens.")
    return client_id


Client = Annotated[str, typer.Argument(help="The client's name.", callback=checked)]
