"""What the OpenAPI document says beyond the routes: errors, links between operations, and the deployment's models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.params import Query as QueryParameter

from services.api import cursors
from services.api.parameters import only_known
from services.api.problem_codes import ProblemCode
from services.api.service import Service

CODES = "x-problem-codes"
"""Where a response of an operation lists the codes that its problem document can have."""
WITHOUT_A_KEY = (ProblemCode.INVALID_REQUEST, ProblemCode.INTERNAL, ProblemCode.TOO_LARGE)
WITH_A_KEY = (*WITHOUT_A_KEY, ProblemCode.UNAUTHORIZED, ProblemCode.TOO_MANY_REQUESTS, ProblemCode.UNAVAILABLE)
WITH_A_SHARE = (*WITHOUT_A_KEY, ProblemCode.SHARE_ENDED, ProblemCode.TOO_MANY_REQUESTS, ProblemCode.UNAVAILABLE)
"""Codes of every operation, by what it needs."""
_LINKS = {
    "job": (
        "job_id",
        (
            "read_job",
            "renew_upload",
            "complete_upload",
            "update_job",
            "cancel_job",
            "erase_job",
            "list_job_deliveries",
            "read_transcript",
            "read_words",
            "read_correction",
            "save_correction",
            "read_recording",
            "retry_job",
        ),
    ),
    "callback": (
        "callback_id",
        (
            "read_callback",
            "rotate_callback_secret",
            "test_callback",
            "enable_callback",
            "update_callback",
            "delete_callback",
        ),
    ),
    "vocabulary": ("name", ("read_vocabulary", "update_vocabulary", "delete_vocabulary")),
    "share": ("share_id", ("delete_share",)),
}
_ABOVE: Mapping[str, Mapping[str, str]] = {"share": {"job_id": "$request.path.job_id"}}
"""The rest of what names something that is made below something else."""
_IN_JOBS = {operation: {"job_id": "$response.body#/jobs/0/job_id"} for operation in _LINKS["job"][1]}
_IN_CALLBACKS = {
    operation: {"callback_id": "$response.body#/callbacks/0/callback_id"} for operation in _LINKS["callback"][1]
}
_IN_VOCABULARIES = {operation: {"name": "$response.body#/vocabularies/0/name"} for operation in _LINKS["vocabulary"][1]}
_IN_SHARES = {"delete_share": {"job_id": "$request.path.job_id", "share_id": "$response.body#/shares/0/share_id"}}
_IN_DELIVERIES = {
    "redeliver": {"job_id": "$request.path.job_id", "delivery_id": "$response.body#/deliveries/0/delivery_id"}
}
Responses = dict[int | str, dict[str, Any]]


def router(prefix: str, tag: str, *, needs_key: bool = True) -> APIRouter:
    """A router for one path, whose operations are named like their functions."""
    return APIRouter(
        prefix=f"/api{prefix}",
        tags=[tag],
        # With a key, the parameters are checked once the key is known to be valid.
        dependencies=[] if needs_key else [Depends(only_known)],
        generate_unique_id_function=lambda route: route.name,
    )


def problems(*codes: ProblemCode, always: Sequence[ProblemCode] = WITH_A_KEY) -> Responses:
    """The error responses of an operation: the given codes, and those of every operation that needs the same.

    What follows from an operation's body or from its `Idempotency-Key` need not be given: `contract.refusals` adds it.
    """
    return by_status((*always, *codes))


def by_status(codes: Iterable[ProblemCode]) -> Responses:
    """The error responses with these codes, in order of the catalogue."""
    wanted = set(codes)
    listed = [code for code in ProblemCode if code in wanted]
    return {
        status: {CODES: [code.value for code in listed if code.status == status]}
        for status in dict.fromkeys(code.status for code in listed)
    }


def with_page(responses: Responses) -> Responses:
    """The responses of an operation that shows a browser a page instead of JSON."""
    return {200: {"content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}}}, **responses}


def created(what: str, *codes: ProblemCode) -> Responses:
    """The responses of an operation that makes a job, a callback or the like, with links to what comes next."""
    name, operations = _LINKS[what]
    values = {**_ABOVE.get(what, {}), name: f"$response.body#/{name}"}
    links = _links(dict.fromkeys(operations, values))
    return {201: {"links": links, "headers": _location(f"The new {what}.")}, **problems(*codes)}


def accepted(location: str, *codes: ProblemCode) -> Responses:
    """The responses of an operation that begins something, and says where its outcome will be."""
    return {202: {"headers": _location(location)}, **problems(*codes)}


def listed(what: str, *codes: ProblemCode) -> Responses:
    """The responses of an operation that makes a list, with links to what can be done with its first entry."""
    parameters = {
        "jobs": _IN_JOBS,
        "callbacks": _IN_CALLBACKS,
        "vocabularies": _IN_VOCABULARIES,
        "deliveries": _IN_DELIVERIES,
        "shares": _IN_SHARES,
    }[what]
    return {200: {"links": _links(parameters)}, **problems(*codes)}


def _links(parameters: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        operation: {"operationId": operation, "parameters": dict(values)} for operation, values in parameters.items()
    }


def followed(by: str, *codes: ProblemCode) -> Responses:
    """The responses of an operation on a job, with a link to the one that comes after it."""
    return {200: {"links": _links({by: {"job_id": "$request.path.job_id"}})}, **problems(*codes)}


def redirect(*codes: ProblemCode) -> Responses:
    """The responses of an operation that redirects to a link; `contract.transcripts` adds those with a file."""
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/TranscriptLink"}}}
    found = {"description": "Follow without the Authorization header.", "content": body}
    return {302: {**found, "headers": _location("The fresh link.")}, **problems(*codes)}


def file(schema: str, *codes: ProblemCode, always: Sequence[ProblemCode] = WITH_A_KEY) -> Responses:
    """The responses of an operation that answers with a JSON file of this schema, compressed for who takes that."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    headers = {"Content-Encoding": "`gzip`, if the request takes it.", "ETag": "Of this content in this encoding."}
    return {200: {"content": content, "headers": _texts(headers)}, **problems(*codes, always=always)}


def tagged(*codes: ProblemCode, always: Sequence[ProblemCode] = WITH_A_KEY) -> Responses:
    """The responses of an operation that answers with a correction, whose number is its `ETag`."""
    headers = _texts({"ETag": "The correction's number in quotation marks, for `If-Match`."})
    return {200: {"headers": headers}, **problems(*codes, always=always)}


def _texts(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": about, "schema": {"type": "string"}} for name, about in headers.items()}


def _location(description: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uri-reference"}
    return {"Location": {"description": description, "required": True, "schema": schema}}


def cursor(kind: str) -> QueryParameter:
    """The query parameter that takes the `next` of a page; `kind` is that of `cursors.decode`."""
    found: QueryParameter = Query(
        description="`next` of the page before, unchanged: it is opaque.",
        json_schema_extra={"pattern": cursors.PATTERNS[kind]},
    )
    return found


def install(app: FastAPI, service: Callable[[], Service]) -> None:
    """Serve the document with this deployment's address and the models that it holds."""

    @cache
    def openapi() -> dict[str, Any]:
        # Making the document takes modules for which a cold start must not pay.
        from services.api.contract.document import describe  # noqa: PLC0415

        settings = service().settings
        return describe(app, address=settings.public_url, models=settings.models)

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
