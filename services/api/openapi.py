"""What the OpenAPI document says beyond the routes: errors, links between operations, and the deployment's models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
_WITHOUT_A_KEY = (ProblemCode.INVALID_REQUEST, ProblemCode.INTERNAL, ProblemCode.TOO_LARGE)
_WITH_A_KEY = (*_WITHOUT_A_KEY, ProblemCode.UNAUTHORIZED, ProblemCode.TOO_MANY_REQUESTS, ProblemCode.UNAVAILABLE)
"""Codes of every operation."""
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
}
_IN_JOBS = {operation: {"job_id": "$response.body#/jobs/0/job_id"} for operation in _LINKS["job"][1]}
_IN_CALLBACKS = {
    operation: {"callback_id": "$response.body#/callbacks/0/callback_id"} for operation in _LINKS["callback"][1]
}
_IN_VOCABULARIES = {operation: {"name": "$response.body#/vocabularies/0/name"} for operation in _LINKS["vocabulary"][1]}
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


def problems(*codes: ProblemCode, needs_key: bool = True) -> Responses:
    """The error responses of an operation: the given codes, and those of every operation.

    What follows from an operation's body or from its `Idempotency-Key` need not be given: `contract.refusals` adds it.
    """
    return by_status((*(_WITH_A_KEY if needs_key else _WITHOUT_A_KEY), *codes))


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
    """The responses of an operation that makes a job, a callback or a vocabulary, with links to what comes next."""
    name, operations = _LINKS[what]
    links = _links({operation: {name: f"$response.body#/{name}"} for operation in operations})
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
