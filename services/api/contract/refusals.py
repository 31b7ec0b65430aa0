"""What the OpenAPI document says of refusals, for all operations alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api import openapi
from services.api.idempotency import HEADER
from services.api.problem_codes import ProblemCode
from services.api.problems import MEDIA_TYPE, OUR_FAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
_DETAILS = {
    ProblemCode.UNAUTHORIZED: "Send a valid API key as `Authorization: Bearer …`.",
    ProblemCode.NOT_FOUND: "There is no such job, or it is not yours.",
    ProblemCode.CONFLICT: "Somebody else changed this at the same moment: read it and try again.",
    ProblemCode.TOO_LARGE: "A request's body has at most 100000 bytes.",
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: "Send a body of JSON with the header `Content-Type: application/json`.",
    ProblemCode.INVALID_REQUEST: "limit: Give 100 or less.",
    ProblemCode.TOO_MANY_REQUESTS: "This key may make 600 requests a minute: wait 14 s.",
    ProblemCode.INTERNAL: OUR_FAULT,
    ProblemCode.UNAVAILABLE: "A service behind the API did not answer: try again in a moment.",
}


def add_to(document: dict[str, Any]) -> None:
    """Complete each operation: codes that follow from what it takes, and their meanings."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation)


def _complete(path: str, operation: dict[str, Any]) -> None:
    declared = operation["responses"]
    done = {status: response for status, response in declared.items() if openapi.CODES not in response}
    refused = openapi.by_status([*_declared(declared), *_implied(operation)])
    operation["responses"] = done | {str(status): _refusal(path, response) for status, response in refused.items()}


def _refusal(path: str, response: Mapping[str, Any]) -> dict[str, Any]:
    codes = [ProblemCode[name] for name in response[openapi.CODES]]
    meaning = " ".join(f"`{code}`: {code.meaning}" for code in codes)
    content = {MEDIA_TYPE: {"schema": _PROBLEM, "example": _example(path, codes[0])}}
    return {"description": meaning, **response, "content": content}


def _example(path: str, code: ProblemCode) -> dict[str, Any]:
    return {
        "type": f"https://api.example.com{code.path}",
        "title": code.heading,
        "status": code.status,
        "detail": _DETAILS.get(code, code.meaning),
        "instance": path,
        "code": code.value,
        "request_id": "6b1f0c9e-5a67-4d0b-9a53-0d6a6f1e2c3b",
    }


def _declared(responses: Mapping[str, Mapping[str, Any]]) -> Iterator[ProblemCode]:
    for response in responses.values():
        yield from (ProblemCode[name] for name in response.get(openapi.CODES, ()))


def _implied(operation: Mapping[str, Any]) -> Iterator[ProblemCode]:
    if "requestBody" in operation:
        yield ProblemCode.UNSUPPORTED_MEDIA_TYPE
    if repeatable(operation):
        yield ProblemCode.IDEMPOTENCY_KEY_REUSED


def repeatable(operation: Mapping[str, Any]) -> bool:
    """Whether the operation takes an `Idempotency-Key`."""
    return any(parameter["name"] == HEADER for parameter in operation.get("parameters", ()))
