"""Answers every error with an RFC 9457 problem document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.api.problem_codes import ProblemCode
from services.api.schemas.problems import FieldError, ProblemDocument
from services.common.domain.errors import InvalidFieldError, TranscriberError
from services.common.settings import SettingsError
from services.common.store.idempotency import KeyReusedError
from services.common.store.operations import ConditionFailedError

HTTP_BAD_REQUEST, HTTP_NOT_FOUND, HTTP_METHOD_NOT_ALLOWED = 400, 404, 405
MAX_BODY_BYTES = 100_000
MAX_LARGE_BODY_BYTES = 1_000_000
"""Of a request that saves a correction."""
MOST_FIELDS, MAX_DETAIL_CHARACTERS = 50, 2_000
"""How much is told of a request in which a great deal is wrong."""
MEDIA_TYPE = "application/problem+json"
OUR_FAULT = "Something went wrong here. The request's id helps to find it."


class BodyTooLargeError(Exception):
    """The body has more than `most` bytes. Where FastAPI reads it, a 400 of FastAPI has this as its cause."""

    def __init__(self, most: int) -> None:
        super().__init__(f"A request's body has at most {most} bytes.")


class Problem(Exception):  # noqa: N818 - the RFC's name
    """A request is refused, with this code and its HTTP status."""

    def __init__(self, code: ProblemCode, detail: str, field: str | None = None, **headers: str) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def within(place: str) -> Iterator[None]:
    """Name the fields of what is refused in here from the body's root, at this place of it."""
    try:
        yield
    except InvalidFieldError as error:
        error.field = f"{place}.{error.field}"
        raise


def not_found(what: str) -> Problem:
    """The 404 for what does not exist or belongs to another client; the answer does not tell which."""
    return Problem(ProblemCode.NOT_FOUND, f"There is no such {what}, or it is not yours.")


def document(request: Request, code: ProblemCode, detail: str, **more: Any) -> JSONResponse:  # noqa: ANN401 - JSON
    """A response with a problem document."""
    content = ProblemDocument(
        type=address(request, code),
        title=code.heading,
        status=code.status,
        detail=_encodable(detail),
        instance=_encodable(request.url.path),
        code=code,
        request_id=request.scope.get("request_id", ""),
        **more,
    )
    return JSONResponse(content.model_dump(exclude_none=True), code.status, media_type=MEDIA_TYPE)


def address(request: Request, code: ProblemCode) -> str:
    """Where the API tells about a code: its URL, or the path alone while the deployment's settings cannot be read."""
    try:
        public_url: str = request.app.state.service().settings.public_url
    except (SettingsError, BotoCoreError):
        public_url = ""
    return public_url.rstrip("/") + code.path


def _encodable(value: str) -> str:
    """Text that can be encoded in UTF-8: Python's strings may hold half a surrogate pair, which cannot."""
    return value.encode("utf-8", "replace").decode()


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(TranscriberError, _refused)
    app.add_exception_handler(SettingsError, _misconfigured)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(BodyTooLargeError, _too_large)
    app.add_exception_handler(KeyReusedError, _key_reused)
    app.add_exception_handler(ConditionFailedError, _conflict)
    app.add_exception_handler(ClientError, _aws)
    app.add_exception_handler(BotoCoreError, _aws)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    reply = document(request, error.code, str(error), field=error.field)
    reply.headers.update(error.headers)
    return reply


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TranscriberError)
    more = {name: getattr(error, name, None) for name in ("field", "latest")}
    return document(request, ProblemCode[error.code], str(error), **more)


async def _misconfigured(request: Request, error: Exception) -> JSONResponse:
    """The deployment is at fault and not the caller, so the reason is logged and not answered."""
    request.scope["failure"] = error
    return document(request, ProblemCode.INTERNAL, OUR_FAULT)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if isinstance(broken := error.__cause__, JSONDecodeError):
        detail = f"The body is not JSON: it breaks at line {broken.lineno}, column {broken.colno}."
        return document(request, ProblemCode.INVALID_REQUEST, detail)
    if isinstance(error.body, bytes):  # FastAPI reads as JSON only what is called so
        detail = "Send a body of JSON with the header `Content-Type: application/json`."
        reply = document(request, ProblemCode.UNSUPPORTED_MEDIA_TYPE, detail)
        reply.headers["Accept"] = "application/json"
        return reply
    from services.api import field_errors  # noqa: PLC0415 - a cold start does not need it

    route = request.scope["route"]
    errors = [
        FieldError(
            field=_encodable(field_errors.place(one["loc"])), message=_encodable(field_errors.sentence(one, route))
        )
        for one in error.errors()[:MOST_FIELDS]
    ]
    sentences = [f"{entry.field}: {entry.message}" for entry in errors]
    while len(detail := " ".join(sentences)) > MAX_DETAIL_CHARACTERS:
        sentences.pop()
    return document(request, ProblemCode.INVALID_REQUEST, detail, errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, BodyTooLargeError):
        return await _too_large(request, error.__cause__)
    if error.status_code == HTTP_BAD_REQUEST:  # FastAPI's answer to a body that is not text, or nested too deeply
        return document(request, ProblemCode.INVALID_REQUEST, "The body cannot be read as JSON in UTF-8.")
    if error.status_code == HTTP_METHOD_NOT_ALLOWED:
        reply = document(request, ProblemCode.METHOD_NOT_ALLOWED, "This address does not take that method.")
        # The router names the methods of the first route at this path only.
        reply.headers["Allow"] = ", ".join(_methods(request))
        return reply
    assert error.status_code == HTTP_NOT_FOUND, "the router and FastAPI raise no other status"
    return document(request, ProblemCode.NOT_FOUND, "There is nothing at this address.")


def _methods(request: Request) -> list[str]:
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), request.url.path):
            return sorted(method.upper() for method in operations)
    return ["GET"]


async def _too_large(request: Request, error: Exception) -> JSONResponse:
    return document(request, ProblemCode.TOO_LARGE, str(error))


async def _key_reused(request: Request, _error: Exception) -> JSONResponse:
    detail = "This Idempotency-Key was used for another request: take a new one."
    return document(request, ProblemCode.IDEMPOTENCY_KEY_REUSED, detail)


async def _conflict(request: Request, _error: Exception) -> JSONResponse:
    detail = "Somebody else changed this at the same moment: read it and try again."
    return document(request, ProblemCode.CONFLICT, detail)


async def _aws(request: Request, error: Exception) -> JSONResponse:
    request.scope["failure"] = error  # for the log
    detail = "A service behind the API did not answer: try again in a moment."
    reply = document(request, ProblemCode.UNAVAILABLE, detail)
    reply.headers["Retry-After"] = "2"
    return reply
