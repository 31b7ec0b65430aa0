"""Answers every error with an RFC 9457 problem document."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.api.schemas.problems import FieldError, ProblemDocument
from services.common.domain.errors import TranscriberError
from services.common.settings import SettingsError
from services.common.store.idempotency import KeyReusedError
from services.common.store.table import ConditionFailedError

HTTP_BAD_REQUEST, HTTP_METHOD_NOT_ALLOWED = 400, 405
MAX_BODY_BYTES = 100_000
MEDIA_TYPE = "application/problem+json"
OUR_FAULT = "Something went wrong here. The request's id helps to find it."
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


class Problem(Exception):  # noqa: N818 - the RFC's name
    """A request is refused, with this HTTP status."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.field = field
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def not_found(what: str) -> Problem:
    """The 404 for what does not exist or belongs to another client; the answer does not tell which."""
    return Problem(404, "NOT_FOUND", f"There is no such {what}, or it is not yours.")


def document(request: Request, status: int, code: str, detail: str, **more: Any) -> JSONResponse:  # noqa: ANN401 - JSON
    """A response with a problem document."""
    content = ProblemDocument(
        type=f"urn:gpu-transcriber:problem:{code.lower().replace('_', '-')}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=_encodable(detail),
        instance=_encodable(request.url.path),
        code=code,
        request_id=request.scope.get("request_id", ""),
        **more,
    )
    return JSONResponse(content.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


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
    app.add_exception_handler(KeyReusedError, _key_reused)
    app.add_exception_handler(ConditionFailedError, _conflict)
    app.add_exception_handler(ClientError, _aws)
    app.add_exception_handler(BotoCoreError, _aws)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    reply = document(request, error.status, error.code, str(error), field=error.field)
    reply.headers.update(error.headers)
    return reply


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TranscriberError)
    return document(request, 422, error.code, str(error), field=getattr(error, "field", None))


async def _misconfigured(request: Request, error: Exception) -> JSONResponse:
    """The deployment is at fault and not the caller, so the reason is logged and not answered."""
    request.scope["failure"] = error
    return document(request, 500, "INTERNAL", OUR_FAULT)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(
            field=_encodable(".".join(map(str, problem["loc"][1:]))) or "body", message=_encodable(problem["msg"])
        )
        for problem in error.errors()
    ]
    detail = "; ".join(f"{entry.field}: {entry.message}" for entry in errors)
    return document(request, 422, "INVALID_REQUEST", detail[:2_000], errors=errors[:50])


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if request.scope.get("body_too_large"):
        return document(request, 413, "TOO_LARGE", f"A request's body has at most {MAX_BODY_BYTES} bytes.")
    if error.status_code == HTTP_BAD_REQUEST:  # FastAPI's answer to a body that is not text
        wrong = FieldError(field="body", message="This is not JSON in UTF-8.")
        return document(request, 422, "INVALID_REQUEST", f"body: {wrong.message}", errors=[wrong])
    code, detail = _CODES.get(error.status_code, "HTTP"), _DETAILS.get(error.status_code, str(error.detail))
    reply = document(request, error.status_code, code, detail)
    reply.headers.update(error.headers or {})
    if error.status_code == HTTP_METHOD_NOT_ALLOWED:
        # The router names the methods of the first route at this path only.
        reply.headers["Allow"] = ", ".join(_methods(request))
    return reply


def _methods(request: Request) -> list[str]:
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), request.url.path):
            return sorted(method.upper() for method in operations)
    return ["GET"]


async def _key_reused(request: Request, _error: Exception) -> JSONResponse:
    detail = "This Idempotency-Key was used for another request: take a new one."
    return document(request, 422, "IDEMPOTENCY_KEY_REUSED", detail)


async def _conflict(request: Request, _error: Exception) -> JSONResponse:
    return document(request, 409, "CONFLICT", "Somebody else changed this at the same moment: read it and try again.")


async def _aws(request: Request, error: Exception) -> JSONResponse:
    request.scope["failure"] = error  # for the log
    reply = document(request, 503, "UNAVAILABLE", "A service behind the API did not answer: try again in a moment.")
    reply.headers["Retry-After"] = "2"
    return reply
