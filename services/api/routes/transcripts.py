"""Transcripts: the machine's version by redirect to a presigned link, the latest one as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import lookup
from services.api.schemas.fields import OneOf, Rule
from services.api.service import Service
from services.common.domain.options import FORMATS, READ_FORMAT
from services.common.domain.records import Job
from services.common.domain.states import JobStatus

router = openapi.router("/jobs/{job_id}/transcript", "transcripts")
_REFUSALS = (
    ProblemCode.NOT_FOUND,
    ProblemCode.NO_SUCH_FORMAT,
    ProblemCode.NO_LATEST_VERSION,
    ProblemCode.NO_SUCH_VERSION,
    ProblemCode.NOT_COMPLETED,
    ProblemCode.TRANSCRIPT_TOO_LARGE,
)
MACHINE, LATEST = "machine", "latest"
_VERSION = Rule(
    f"^({MACHINE}|{LATEST}|[1-9][0-9]{{0,8}})$", f"Give `{MACHINE}`, `{LATEST}` or the number of a correction."
)
Form = Annotated[str, OneOf(FORMATS, "Format"), Query(alias="format")]
HINT = (
    "Follow the link without the Authorization header: S3 takes one kind of authorisation at a time, and the link "
    "carries its own. With ?redirect=false the link comes as JSON instead of as a redirect."
)


@router.get("", response_model=None, responses=openapi.redirect(*_REFUSALS))
def read_transcript(
    request: Request,
    job_id: str,
    caller: Authenticated,
    wired: Wired,
    *,
    form: Form = READ_FORMAT,
    version: Annotated[
        str,
        _VERSION,
        Query(
            description="`machine`: the file that was announced. `latest`: a file with the newest correction and the "
            "names as they are now. A number: the file of that correction, which never changes."
        ),
    ] = MACHINE,
    redirect: Annotated[
        bool, Query(description="false: the link as JSON, for clients that keep their headers.")
    ] = True,
) -> Response:
    """The transcript in one of its formats, by redirect to a fresh link.

    The latest version, and each corrected one, comes as the file itself, in any format. What was announced never
    changes.
    """
    job = check_completed(lookup.job(job_id, caller, wired))
    if version != MACHINE:
        from services.api import latest  # noqa: PLC0415 - a cold start does not need it

        return latest.rendered(job, form, version, request.headers.get("accept-encoding", ""), wired)
    return _linked(job, form, redirect=redirect, wired=wired)


def check_completed(job: Job) -> Job:
    """The same job.

    Raises:
        Problem: 409, it has no transcript.

    """
    if job.status is not JobStatus.COMPLETED or job.result is None:
        raise Problem(ProblemCode.NOT_COMPLETED, f"The job is {job.status.value}: there is no transcript.")
    return job


def _linked(job: Job, form: str, *, redirect: bool, wired: Service) -> Response:
    """The link to a file that was announced, or the redirect to it."""
    assert job.result
    entry = job.result["files"].get(form)
    if entry is None:
        there = ", ".join(job.result["files"])
        raise Problem(ProblemCode.NO_SUCH_FORMAT, f"The job was made for these formats: {there}.", field="format")
    link = wired.s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": wired.settings.bucket_name, "Key": entry["key"]},
        ExpiresIn=wired.settings.link_seconds,
    )
    # The body is for clients that do not follow redirects, and for people.
    reply = JSONResponse({"url": link, "hint": HINT}, 302 if redirect else 200, {"Cache-Control": "no-store"})
    if redirect:
        reply.headers["Location"] = link
    return reply
