"""What a share opens: one transcript, its sound and its corrections, and nothing else of its client."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from services.api import corrections, latest, openapi
from services.api.auth import Wired
from services.api.openapi import WITH_A_SHARE
from services.api.problem_codes import ProblemCode
from services.api.recordings import recording
from services.api.routes.corrections import SAVING, IfMatch, Number
from services.api.routes.transcripts import LATEST, Form
from services.api.schemas.corrections import CorrectionUpdate, CorrectionView, SavedCorrection
from services.api.schemas.fields import Rule
from services.api.schemas.recordings import Recording
from services.api.schemas.shares import NamesUpdate, SharedTranscript
from services.api.share_auth import Visiting
from services.common.domain.options import READ_FORMAT

router = openapi.router("/shared", "shares")
_VERSION = Rule(f"^({LATEST}|[1-9][0-9]{{0,8}})$", f"Give `{LATEST}` or the number of a correction.")
_Version = Annotated[
    str, _VERSION, Query(description="`latest`: with the newest correction; a number: that correction's file.")
]
_WORDS = (ProblemCode.NO_LATEST_VERSION, ProblemCode.TRANSCRIPT_TOO_LARGE)
_CORRECTING = (ProblemCode.ONLY_TO_READ, ProblemCode.CONFLICT)


def _shared(*codes: ProblemCode) -> openapi.Responses:
    return openapi.problems(*codes, always=WITH_A_SHARE)


@router.get("", responses=_shared())
def read_shared(visiting: Visiting) -> SharedTranscript:
    """What the share opens, and what its holder may do."""
    return SharedTranscript.of(visiting.job, visiting.share)


@router.patch("", responses=_shared(*_CORRECTING, ProblemCode.INVALID_ANNOTATION))
def update_shared(wanted: NamesUpdate, visiting: Visiting, wired: Wired) -> SharedTranscript:
    """Replace the names of the speakers, where the share lets its holder correct."""
    visiting.check_may_correct()
    updated = wired.commands.annotate(visiting.job, {"names": wanted.names}, wired.clock())
    return SharedTranscript.of(updated, visiting.share)


@router.get("/words", response_model=None, responses=openapi.file("MachineWords", *_WORDS, always=WITH_A_SHARE))
def read_shared_words(request: Request, visiting: Visiting, wired: Wired) -> Response:
    """The machine's words, as `GET /api/jobs/{job_id}/words` gives them."""
    return corrections.words_of(visiting.job, request.headers.get("accept-encoding", ""), wired)


@router.get("/transcript", response_model=None, responses=_shared(*_WORDS, ProblemCode.NO_SUCH_VERSION))
def read_shared_transcript(
    request: Request, visiting: Visiting, wired: Wired, form: Form = READ_FORMAT, version: _Version = LATEST
) -> Response:
    """The corrected transcript as a file in any format."""
    accepted = request.headers.get("accept-encoding", "")
    return latest.rendered(visiting.job, form, version, accepted, wired, names_only=True)


@router.get("/recording", responses=_shared(ProblemCode.RECORDING_GONE))
def read_shared_recording(visiting: Visiting, wired: Wired, response: Response) -> Recording:
    """What a browser plays beside the transcript, as `GET /api/jobs/{job_id}/recording` gives it.

    A link that was given works on to its own end, also if the share is taken back meanwhile.
    """
    response.headers["Cache-Control"] = "no-store"
    return recording(visiting.job, wired)


@router.get("/correction", responses=openapi.tagged(ProblemCode.NO_SUCH_VERSION, always=WITH_A_SHARE))
def read_shared_correction(
    visiting: Visiting, wired: Wired, response: Response, number: Number = None
) -> CorrectionView:
    """The newest correction, or an earlier one, as `GET /api/jobs/{job_id}/correction` gives it."""
    found = corrections.correction_of(visiting.job, number, wired)
    response.headers["ETag"] = corrections.etag(found.number)
    return found


@router.put("/correction", responses=openapi.tagged(*_CORRECTING, *SAVING, always=WITH_A_SHARE))
def save_shared_correction(
    wanted: CorrectionUpdate, visiting: Visiting, wired: Wired, response: Response, if_match: IfMatch = None
) -> SavedCorrection:
    """Save all changes as the newest correction, as `PUT /api/jobs/{job_id}/correction` does."""
    visiting.check_may_correct()
    saved = corrections.correct(visiting.job, wanted.changes, if_match, visiting.share.share_id, wired)
    response.headers["ETag"] = corrections.etag(saved.number)
    return saved
