"""Whether a client takes a reply that is compressed."""

from __future__ import annotations

import re

_NEVER = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
"""The weight with which an `Accept-Encoding` names what the client does not take."""


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip: what it says of all others, `*`, holds only if it does not name it."""
    parts = [part.partition(";") for part in accepted.lower().split(",")]
    takes = {name.strip(): not _NEVER.fullmatch(weight) for name, _, weight in parts}
    return takes.get("gzip", takes.get("x-gzip", takes.get("*", False)))
