"""What the OpenAPI document says beyond the routes: errors, links between operations, and the deployment's models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Query
from fastapi.params import Query as QueryParameter

from services.api import cursors
from services.api.problems import MEDIA_TYPE
from services.api.schemas.problems import ProblemDocument
from services.common.domain import model_keys

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}}
_MEANINGS = {
    401: "No valid API key.",
    404: "There is no such thing, or it is another client's.",
    409: "Not in its present state.",
    413: "Too large.",
    422: "Something in the request is wrong; the document names the field.",
    429: "Beyond the key's limit; Retry-After says how long to wait.",
    503: "A service behind the API did not answer; Retry-After says how long to wait.",
}
_LINKS = {
    "job": ("job_id", ("read_job", "update_job", "cancel", "erase", "list_deliveries", "read_transcript", "retry")),
    "callback": ("callback_id", ("read_callback", "rotate_secret", "send_test", "enable_callback", "delete_callback")),
}
_IN_JOBS = {operation: {"job_id": "$response.body#/jobs/0/job_id"} for operation in _LINKS["job"][1]}
_IN_CALLBACKS = {
    operation: {"callback_id": "$response.body#/callbacks/0/callback_id"} for operation in _LINKS["callback"][1]
}
_IN_DELIVERIES = {
    "redeliver": {"job_id": "$request.path.job_id", "delivery_id": "$response.body#/deliveries/0/delivery_id"}
}
Responses = dict[int | str, dict[str, Any]]


def router(prefix: str, tag: str) -> APIRouter:
    """A router for one path, whose operations are named like their functions."""
    return APIRouter(
        prefix=f"/api{prefix}",
        tags=[tag],
        generate_unique_id_function=lambda route: route.name,
    )


def problems(*statuses: int) -> Responses:
    """The error responses of an operation: the given ones, and those of every operation."""
    return {
        status: {"description": _MEANINGS[status], **_PROBLEM} for status in sorted({401, 422, 429, 503, *statuses})
    }


def created(what: str, *statuses: int) -> Responses:
    """The responses of an operation that makes a job or a callback, with links to what can be done with it."""
    name, operations = _LINKS[what]
    links = _links({operation: {name: f"$response.body#/{name}"} for operation in operations})
    location = {"Location": {"description": f"The new {what}.", "schema": {"type": "string"}}}
    return {201: {"links": links, "headers": location}, **problems(*statuses)}


def listed(what: str, *statuses: int) -> Responses:
    """The responses of an operation that makes a list, with links to what can be done with its first entry."""
    parameters = {"jobs": _IN_JOBS, "callbacks": _IN_CALLBACKS, "deliveries": _IN_DELIVERIES}[what]
    return {200: {"links": _links(parameters)}, **problems(*statuses)}


def _links(parameters: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        operation: {"operationId": operation, "parameters": dict(values)} for operation, values in parameters.items()
    }


def redirect(*statuses: int) -> Responses:
    """The responses of an operation that redirects to a link."""
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Link"}}}
    location = {"Location": {"description": "The fresh link.", "schema": {"type": "string"}}}
    found = {"description": "Follow without the Authorization header.", "content": body, "headers": location}
    return {302: found, **problems(*statuses)}


def cursor(pattern: str = cursors.PATTERN) -> QueryParameter:
    """The query parameter that takes the `next` of a page."""
    found: QueryParameter = Query(description="`next` of the page before.", json_schema_extra={"pattern": pattern})
    return found


def describe(app: FastAPI) -> dict[str, Any]:
    """The document without a deployment: it allows any model and any style."""
    document = FastAPI.openapi(app)
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= schema.pop("$defs") | {"ProblemDocument": schema}
    return document


def install(app: FastAPI, models: Callable[[], tuple[str, ...]]) -> None:
    """Serve the document with the models that this deployment holds; `models` gives their keys."""

    @cache
    def openapi() -> dict[str, Any]:
        document = describe(app)
        _options(document, models())
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def _options(document: dict[str, Any], held: tuple[str, ...]) -> None:
    options = document["components"]["schemas"]["JobOptions"]["properties"]
    keys = [model_keys.split(key) for key in held]
    options["model"]["anyOf"][0] = {"type": "string", "enum": list(dict.fromkeys(name for name, _ in keys))}
    options["style"]["enum"] = list(dict.fromkeys(style for _, style in keys))
