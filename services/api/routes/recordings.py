"""Recordings: links from which they are played."""

from __future__ import annotations

from fastapi import Response

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.recordings import recording
from services.api.routes import lookup
from services.api.schemas.recordings import Recording

router = openapi.router("/jobs/{job_id}/recording", "transcripts")


@router.get(
    "", responses=openapi.problems(ProblemCode.NOT_FOUND, ProblemCode.NOT_COMPLETED, ProblemCode.RECORDING_GONE)
)
def read_recording(job_id: str, caller: Authenticated, wired: Wired, response: Response) -> Recording:
    """What a browser plays beside the transcript, by fresh links: the recording, or a copy of its sound."""
    response.headers["Cache-Control"] = "no-store"
    return recording(lookup.job(job_id, caller, wired), wired)
