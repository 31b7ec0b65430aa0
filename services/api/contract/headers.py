"""The headers of replies, which the document names for all operations alike; `Location` stands at its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api import openapi
from services.api.contract.refusals import repeatable
from services.api.idempotency import REPLAYED
from services.api.problem_codes import ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEADERS = "#/components/headers/"
_FIRST_REDIRECT = "300"
_TEXT = {"type": "string"}
REQUEST_ID, RETRY_AFTER, ACCEPT, AUTHENTICATE = "X-Request-Id", "Retry-After", "Accept", "WWW-Authenticate"
_KNOWN: Mapping[str, Mapping[str, Any]] = {
    REQUEST_ID: {
        "description": "The request's id, by which the operator finds it in the log.",
        "required": True,
        "schema": _TEXT,
    },
    RETRY_AFTER: {
        "description": "In how many seconds the request may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    AUTHENTICATE: {"description": "How to authenticate: `Bearer`.", "schema": _TEXT},
    ACCEPT: {"description": "The media type that the operation takes.", "schema": _TEXT},
    REPLAYED: {
        "description": "`true` if the request was carried out before under its `Idempotency-Key`: nothing was done "
        "now. The ids and secrets are those of the first reply, and the rest is as it is now. Otherwise absent.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_OF_CODES = {
    ProblemCode.UNAUTHORIZED: AUTHENTICATE,
    ProblemCode.SHARE_ENDED: AUTHENTICATE,
    ProblemCode.DELETED_SINCE: REPLAYED,
    ProblemCode.TOO_MANY_SECRETS: RETRY_AFTER,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: ACCEPT,
    ProblemCode.TOO_MANY_REQUESTS: RETRY_AFTER,
    ProblemCode.UNAVAILABLE: RETRY_AFTER,
}
"""Which header the refusals with a code have. A reply may have another code of the same status, and no such header."""


def add_to(document: dict[str, Any]) -> None:
    """Name the headers of every reply; the refusals must be complete."""
    document["components"]["headers"] = dict(_KNOWN)
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                named = {name: {"$ref": _HEADERS + name} for name in _names(operation, status, response)}
                response["headers"] = response.get("headers", {}) | named


def _names(operation: Mapping[str, Any], status: str, response: Mapping[str, Any]) -> Iterator[str]:
    yield REQUEST_ID
    if repeatable(operation) and status < _FIRST_REDIRECT:
        yield REPLAYED
    codes = [ProblemCode[name] for name in response.get(openapi.CODES, ())]
    yield from (_OF_CODES[code] for code in codes if code in _OF_CODES)
