"""Authenticates requests by a share's token, and counts them against the share's limit in the same write."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.api import parameters
from services.api.auth import service
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.common.domain.records import Job
from services.common.domain.shares import MINUTE_LIMIT, Share, ShareRight, parse_token
from services.common.domain.times import MINUTE_MS, SECOND_MS

ENDED = "This link has ended, was taken back, or its transcript is erased: ask whoever sent it for a new one."
_bearer = HTTPBearer(
    auto_error=False, scheme_name="ShareToken", description="The token of a share: what stands behind `#share=`."
)


class Visitor(NamedTuple):
    """Who holds a share, and the completed job that it opens."""

    share: Share
    job: Job

    def check_may_correct(self) -> None:
        """Raise a 403 unless the share lets its holder correct."""
        if self.share.right is not ShareRight.CORRECT:
            raise Problem(ProblemCode.ONLY_TO_READ, "This link is to read only: ask for one that lets you correct.")


async def visitor(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Visitor:
    """Who holds the share whose token this is.

    Raises:
        Problem: 401 without the token of a share that is good, 429 beyond its limit.
        RequestValidationError: as of `auth.caller`.

    """
    found = await run_in_threadpool(_opened, request, credentials.credentials if credentials else "")
    await parameters.only_known(request)
    return found


def _opened(request: Request, text: str) -> Visitor:
    wired = service(request)
    now, token = wired.clock(), parse_token(text)
    opened = wired.store.shares.open(token, now) if token else None
    if opened is None:
        raise _ended()
    if opened.used > MINUTE_LIMIT:
        wait = (MINUTE_MS - now % MINUTE_MS) // SECOND_MS + 1
        raise Problem(
            ProblemCode.TOO_MANY_REQUESTS,
            f"A link may make {MINUTE_LIMIT} requests a minute: wait {wait} s.",
            Retry_After=str(wait),
        )
    job = wired.store.jobs.get(opened.share.job_id)
    if job is None:  # it is being erased at this moment
        raise _ended()
    request.state.client_id = job.client_id
    return Visitor(opened.share, job)


def _ended() -> Problem:
    return Problem(ProblemCode.SHARE_ENDED, ENDED, WWW_Authenticate="Bearer")


Visiting = Annotated[Visitor, Depends(visitor)]
