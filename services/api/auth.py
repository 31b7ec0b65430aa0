"""Authenticates requests by a bearer API key, and counts them against the key's limit in the same write."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.api import parameters
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.service import Service
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store.clients import Caller

_API_KEY = re.compile(r"[A-Za-z0-9_-]{16,200}")
_bearer = HTTPBearer(auto_error=False, description="An API key, as made on the command line.")


# FastAPI analyses dependencies again for every route, which a cold start pays for, so they are not nested.


def service(request: Request) -> Service:
    """The service of this process."""
    found: Service = request.app.state.service()
    return found


Wired = Annotated[Service, Depends(service)]


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The client whose key this is.

    Raises:
        Problem: 401 without a valid key, 429 beyond its limit.
        RequestValidationError: a query parameter is unknown, or there is a body that the operation does not take.
            Strangers are not told that.

    """
    found = await run_in_threadpool(_authenticated, request, credentials.credentials if credentials else "")
    await parameters.only_known(request)
    return found


def _authenticated(request: Request, api_key: str) -> Caller:
    """The client whose key this is, by a write to the table; raises `Problem` as `caller` does."""
    wired = service(request)
    now = wired.clock()
    found = wired.store.clients.authenticate(api_key, now) if _API_KEY.fullmatch(api_key) else None
    if found is None:
        raise Problem(
            ProblemCode.UNAUTHORIZED,
            "Send a valid API key as `Authorization: Bearer …`.",
            WWW_Authenticate="Bearer",
        )
    request.state.client_id, request.state.api_key = found.client_id, api_key
    if found.used > found.limit:
        wait = (MINUTE_MS - now % MINUTE_MS) // SECOND_MS + 1
        raise Problem(
            ProblemCode.TOO_MANY_REQUESTS,
            f"This key may make {found.limit} requests a minute: wait {wait} s.",
            Retry_After=str(wait),
        )
    return found


Authenticated = Annotated[Caller, Depends(caller)]
