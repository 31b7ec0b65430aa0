"""For editors of transcripts: the machine's words, and corrections of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Request, Response

from services.api import corrections, openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.routes import lookup
from services.api.routes.transcripts import check_completed
from services.api.schemas.corrections import IF_MATCH, TAG, CorrectionUpdate, CorrectionView, SavedCorrection
from services.common.domain.corrections import BY_CLIENT

router = openapi.router("/jobs/{job_id}", "transcripts")
Number = Annotated[int | None, Query(ge=0, le=999_999_999, description="Of an earlier one.")]
IfMatch = Annotated[
    Annotated[str, TAG] | None,
    Header(alias=IF_MATCH, description="The `ETag` of the correction that was read. It is required."),
]
_COMPLETED = (ProblemCode.NOT_FOUND, ProblemCode.NOT_COMPLETED)
SAVING = (
    ProblemCode.NO_LATEST_VERSION,
    ProblemCode.CONFLICT,
    ProblemCode.CORRECTED_MEANWHILE,
    ProblemCode.INVALID_CORRECTION,
    ProblemCode.PRECONDITION_REQUIRED,
)


@router.get(
    "/words",
    response_model=None,
    responses=openapi.file(
        "MachineWords", *_COMPLETED, ProblemCode.NO_LATEST_VERSION, ProblemCode.TRANSCRIPT_TOO_LARGE
    ),
)
def read_words(request: Request, job_id: str, caller: Authenticated, wired: Wired) -> Response:
    """The machine's words with their times and probabilities, whatever was corrected since.

    The index of a word, by which corrections name it, is its place among the words of all segments, from 0.
    """
    job = check_completed(lookup.job(job_id, caller, wired))
    return corrections.words_of(job, request.headers.get("accept-encoding", ""), wired)


@router.get("/correction", responses=openapi.tagged(*_COMPLETED, ProblemCode.NO_SUCH_VERSION))
def read_correction(
    job_id: str,
    caller: Authenticated,
    wired: Wired,
    response: Response,
    number: Number = None,
) -> CorrectionView:
    """The newest correction, or an earlier one; number 0, without changes, if nothing was corrected."""
    job = check_completed(lookup.job(job_id, caller, wired))
    found = corrections.correction_of(job, number, wired)
    response.headers["ETag"] = corrections.etag(found.number)
    return found


@router.put("/correction", responses=openapi.tagged(*_COMPLETED, *SAVING))
def save_correction(
    job_id: str,
    wanted: CorrectionUpdate,
    caller: Authenticated,
    wired: Wired,
    response: Response,
    *,
    if_match: IfMatch = None,
) -> SavedCorrection:
    """Save all changes as the newest correction, upon the one that was read.

    The machine's version stays as it is, and so do earlier corrections. The job, its results and its recording are kept
    for longer. Two minutes after the last correction, one message tells of it.
    """
    job = check_completed(lookup.job(job_id, caller, wired))
    saved = corrections.correct(job, wanted.changes, if_match, BY_CLIENT, wired)
    response.headers["ETag"] = corrections.etag(saved.number)
    return saved
