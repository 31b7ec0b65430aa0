"""What the OpenAPI document says of refusals and of repeated requests, for all operations alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api import openapi
from services.api.idempotency import HEADER, REPLAYED
from services.api.problem_codes import ProblemCode
from services.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_A_BODY = (ProblemCode.TOO_LARGE, ProblemCode.UNSUPPORTED_MEDIA_TYPE)
_OF_A_KEY = (ProblemCode.TOO_LARGE, ProblemCode.IDEMPOTENCY_KEY_REUSED)
"""The body is read for the request's fingerprint, also where an operation has none."""
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_REPLAYED = {
    "description": "`true` if the request was carried out before under its `Idempotency-Key`: nothing was done now, "
    "and this is the answer to the earlier request. Otherwise absent.",
    "schema": {"type": "string", "enum": ["true"]},
}


def add_to(document: dict[str, Any]) -> None:
    """Complete each operation: codes that follow from what it takes, their meanings, and the header of repetitions."""
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        declared = operation["responses"]
        done = {status: response for status, response in declared.items() if openapi.CODES not in response}
        if _repeatable(operation):
            for response in done.values():
                response.setdefault("headers", {})[REPLAYED] = _REPLAYED
        refused = openapi.by_status([*_declared(declared), *_implied(operation)])
        operation["responses"] = done | {str(status): _refusal(response) for status, response in refused.items()}


def _refusal(response: Mapping[str, Any]) -> dict[str, Any]:
    codes = [ProblemCode[name] for name in response[openapi.CODES]]
    meaning = " ".join(f"`{code}`: {code.meaning}" for code in codes)
    return {"description": meaning, **response, "content": _PROBLEM}


def _declared(responses: Mapping[str, Mapping[str, Any]]) -> Iterator[ProblemCode]:
    for response in responses.values():
        yield from (ProblemCode[name] for name in response.get(openapi.CODES, ()))


def _implied(operation: Mapping[str, Any]) -> Iterator[ProblemCode]:
    if "requestBody" in operation:
        yield from _OF_A_BODY
    if _repeatable(operation):
        yield from _OF_A_KEY


def _repeatable(operation: Mapping[str, Any]) -> bool:
    return any(parameter["name"] == HEADER for parameter in operation.get("parameters", ()))
