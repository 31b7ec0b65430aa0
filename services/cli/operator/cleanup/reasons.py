"""Why something could not be seen or ended, in a few words."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from services.cli.explained import DENIED, EXPIRED, UNKNOWN
from services.common.domain.errors import TranscriberError
from services.common.store.codec import UnknownVersionError

REFUSALS = (ClientError, TranscriberError, UnknownVersionError)
"""After these errors, other things can still be seen and ended."""
_RIGHT = re.compile(r"perform: ([a-z0-9-]+:\w+)")


def reason(error: Exception) -> str:
    """Why, for people; a right that is missing is named.

    Raises:
        ClientError: the credentials are no good for anything.

    """
    if isinstance(error, UnknownVersionError):
        return "a newer release wrote them: use the `transcribe` of that release"
    if not isinstance(error, ClientError):
        return str(error)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in {*EXPIRED, *UNKNOWN}:
        raise error
    if code in DENIED:
        named = _RIGHT.search(message)
        return f"the right {named[1] if named else f'for {error.operation_name}'} is missing"
    return str(error)
