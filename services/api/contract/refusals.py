"""What the OpenAPI document says of refusals, for all operations alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api import openapi
from services.api.contract import example_records
from services.api.idempotency import HEADER
from services.api.problem_codes import ProblemCode
from services.api.problems import MEDIA_TYPE, OUR_FAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
_DETAILS = {
    ProblemCode.UNAUTHORIZED: "Send a valid API key as `Authorization: Bearer …`.",
    ProblemCode.CONFLICT: "Somebody else changed this at the same moment: read it and try again.",
    ProblemCode.TOO_LARGE: "A request's body has at most 100000 bytes.",
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: "Send a body of JSON with the header `Content-Type: application/json`.",
    ProblemCode.TOO_MANY_REQUESTS: "This key may make 600 requests a minute: wait 14 s.",
    ProblemCode.INTERNAL: OUR_FAULT,
    ProblemCode.UNAVAILABLE: "A service behind the API did not answer: try again in a moment.",
}


_FIELDS = (("limit", "Give 100 or less."), ("format", "Give 'json', 'txt', 'srt', 'vtt', 'tsv' or 'docx'."))
"""Parameters, and what is said of a wrong one."""
_REQUIRED, _UNKNOWN = "It is required.", "There is no such parameter. There are none here."
_IDS = {
    "{job_id}": example_records.JOB,
    "{callback_id}": example_records.CALLBACK,
    "{delivery_id}": f"{example_records.EVENT}.{example_records.CALLBACK}",
    "{share_id}": example_records.SHARE,
    "/problems/{name}": "/problems/no-such-code",
    "/vocabularies/{name}": "/vocabularies/council",
}


_KINDS = {"/api/callbacks/": "callback", "/api/vocabularies/": "vocabulary"}
"""What is not found at an address that begins so; elsewhere it is a job."""


def add_to(document: dict[str, Any]) -> None:
    """Complete each operation: codes that follow from what it takes, and their meanings."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation, _wrong_field(operation, document["components"]["schemas"]))


def _complete(path: str, operation: dict[str, Any], wrong: Mapping[str, str]) -> None:
    declared = operation["responses"]
    done = {status: response for status, response in declared.items() if openapi.CODES not in response}
    refused = openapi.by_status([*_declared(declared), *_implied(operation)])
    operation["responses"] = done | {
        str(status): _refusal(path, response, wrong) for status, response in refused.items()
    }


def _refusal(path: str, response: Mapping[str, Any], wrong: Mapping[str, str]) -> dict[str, Any]:
    codes = [ProblemCode[name] for name in response[openapi.CODES]]
    meaning = " ".join(f"`{code}`: {code.meaning}" for code in codes)
    content = {MEDIA_TYPE: {"schema": _PROBLEM, "example": _example(path, codes[0], wrong)}}
    return {"description": meaning, **response, "content": content}


def _wrong_field(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, str]:
    """Something that a client may get wrong in this operation, and what is said of it."""
    if body := operation.get("requestBody"):
        schema = schemas[body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]]
        first = next(iter(schema["properties"]))
        # A body of which nothing is required must have something all the same.
        missing = {"field": first, "message": _REQUIRED}
        return missing if first in schema.get("required", ()) else {"field": first, "message": "Give a text."}
    taken = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    for field, message in _FIELDS:
        if field in taken:
            return {"field": field, "message": message}
    return {"field": "verbose", "message": _UNKNOWN}


def _example(path: str, code: ProblemCode, wrong: Mapping[str, str]) -> dict[str, Any]:
    instance = path
    for name, value in _IDS.items():
        instance = instance.replace(name, value)
    if code is ProblemCode.INVALID_REQUEST:
        detail, more = f"{wrong['field']}: {wrong['message']}", {"errors": [dict(wrong)]}
    elif code is ProblemCode.NOT_FOUND:
        detail, more = _not_found(path), {}
    else:
        detail, more = _DETAILS.get(code, code.meaning), {}
    return {
        "type": f"https://api.example.com{code.path}",
        "title": code.heading,
        "status": code.status,
        "detail": detail,
        "instance": instance,
        "code": code.value,
        "request_id": "6b1f0c9e-5a67-4d0b-9a53-0d6a6f1e2c3b",
        **more,
    }


def _not_found(path: str) -> str:
    if path.startswith("/api/problems/"):
        return "There is no such code: `GET /api/problems` lists all."
    kind = next((kind for begin, kind in _KINDS.items() if path.startswith(begin)), "job")
    return f"There is no such {kind}, or it is not yours."


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
