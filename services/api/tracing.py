"""Gives every request an id, which is in the reply and in all log lines, a limit for its body, and one log line."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problem_codes import ProblemCode
from services.api.problems import MAX_BODY_BYTES, MAX_LARGE_BODY_BYTES, OUR_FAULT, BodyTooLargeError, document

log = structlog.get_logger()
_LARGE = "PUT"
"""The method whose bodies may be large: it saves corrections, and nothing else."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._=-]{1,100}")


class Tracing:
    """The outermost layer of the application: behind it, no request ends without a reply and a log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = _request_id(scope)
        exchange = _Exchange(scope, receive, send)
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # the client has gone, so there is nothing to answer
        except Exception as error:  # noqa: BLE001 - any error is answered and logged
            scope["failure"] = error
            await exchange.fail()
        finally:
            _log(scope, exchange)
            structlog.contextvars.unbind_contextvars("request_id")


class _Exchange:
    """The messages of one request: limits the body, adds the id, and remembers the status."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received = 0
        self._most = MAX_LARGE_BODY_BYTES if scope["method"] == _LARGE else MAX_BODY_BYTES
        self.started = time.monotonic()
        self.status: int | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._most:
            raise BodyTooLargeError(self._most)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self._scope["request_id"].encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    async def fail(self) -> None:
        if self.status is None:  # a reply that has begun cannot be replaced
            reply = document(Request(self._scope), ProblemCode.INTERNAL, OUR_FAULT)
            await reply(self._scope, self._receive, self.send)


def _request_id(scope: Scope) -> str:
    """The request's id: Lambda's, else the caller's `X-Request-Id`, else a new one."""
    context = scope.get("aws.context")
    if context is not None:
        return str(context.aws_request_id)
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log(scope: Scope, exchange: _Exchange) -> None:
    """Log the request with its route's pattern, without path and query, which may hold a name or a secret."""
    failure = scope.get("failure")
    entry: dict[str, Any] = {
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        "status": exchange.status,
        "milliseconds": round((time.monotonic() - exchange.started) * 1_000),
        "client_id": scope.get("state", {}).get("client_id"),
    }
    if failure is not None:
        log.error("request.failed", **entry, exc_info=failure)
    else:
        log.info("request.done", **entry)
