"""Transcripts, by redirect to a presigned link."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import lookup
from services.api.schemas.fields import OneOf
from services.api.schemas.jobs import TranscriptLink
from services.common.domain.options import FORMATS, READ_FORMAT
from services.common.domain.states import JobStatus

router = openapi.router("/jobs/{job_id}/transcript", "transcripts")
_REFUSALS = (ProblemCode.NOT_FOUND, ProblemCode.NO_SUCH_FORMAT, ProblemCode.NOT_COMPLETED)
HINT = (
    "Follow the link without the Authorization header: S3 takes one kind of authorisation at a time, and the link "
    "carries its own. With ?redirect=false the link comes as JSON instead of as a redirect."
)


@router.get("", response_model=TranscriptLink, responses=openapi.redirect(*_REFUSALS))
def read_transcript(
    job_id: str,
    caller: Authenticated,
    wired: Wired,
    form: Annotated[str, OneOf(FORMATS, "Format"), Query(alias="format")] = READ_FORMAT,
    redirect: Annotated[
        bool, Query(description="false: the link as JSON, for clients that keep their headers.")
    ] = True,
) -> JSONResponse:
    """The transcript in one of its formats, by redirect to a fresh link."""
    job = lookup.job(job_id, caller, wired)
    if job.status is not JobStatus.COMPLETED or job.result is None:
        raise Problem(ProblemCode.NOT_COMPLETED, f"The job is {job.status.value}: there is no transcript.")
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
