"""Files that are made of the machine's words when somebody asks: a transcript's latest version, and its corrections.

The latest version has the newest correction, and the names as they are now. A cold start does not pay for what renders
it.
"""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from fastapi import Response

from services.api.compression import takes_gzip
from services.api.disposition import disposition
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes.transcripts import LATEST
from services.common.corrections import newest
from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.transcript import kept_words
from services.common.transcript.corrected import corrected
from services.common.transcript.formats import media_type, render

if TYPE_CHECKING:
    from services.api.service import Service
    from services.common.domain.records import Job
    from services.common.domain.versions import Version
    from services.common.transcript.transcript import Transcript

MOST_BYTES = 4_500_000
"""Longest body. Lambda's reply has at most 6 MB, in which a body that is no text is base64."""
_COMPRESSED = "docx"
"""The format that is compressed by itself."""


def rendered(job: Job, form: str, version: str, accepted: str, wired: Service, *, names_only: bool = False) -> Response:
    """A version of a completed job's transcript, as a file.

    Args:
        job: which is completed.
        form: one of the formats, whether the job was made for it or not.
        version: `latest`, or the number of a correction. That one's file never changes: it has the annotations as they
            were when it was saved.
        accepted: `Accept-Encoding` of the request.
        wired: what the routes use.
        names_only: whether the file has no other annotations than the names.

    Raises:
        Problem: its words are not kept, there is no such version, or the file is too large for a reply.

    """
    is_latest = version == LATEST
    number = newest(job) if is_latest else int(version)
    found = version_of(job, number, wired)
    if found is None and number:
        raise no_such_version(number)
    annotations = annotations_of(job) if is_latest or found is None else found.annotations
    if names_only:
        annotations = {"names": annotations["names"]}
    words = machine_words(job, wired)
    told = corrected(words, found.changes) if found else words
    content = render(told, form, {**annotations, **({"correction": found.shown} if found else {})})
    headers = {"Content-Disposition": disposition(job, ending=form)}
    return sent(content, media_type(form), accepted, headers, compresses=form != _COMPRESSED)


def version_of(job: Job, number: int, wired: Service) -> Version | None:
    """A correction of a completed job; None: the job has no such one.

    Raises:
        Problem: another release wrote it.

    """
    try:
        return wired.corrections.read(job, number)
    except ValueError:
        detail = "Another release wrote this version: leave `version` out, and the announced file comes."
        raise Problem(ProblemCode.NO_SUCH_VERSION, detail, field="version") from None


def no_such_version(number: int, field: str = "version") -> Problem:
    """The 404 for a number that no correction of the job has."""
    return Problem(ProblemCode.NO_SUCH_VERSION, f"The job has no correction of the number {number}.", field=field)


def sent(
    content: bytes, kind: str, accepted: str, headers: dict[str, str] | None = None, *, compresses: bool = True
) -> Response:
    """A file that was made for this request.

    Args:
        content: of the file.
        kind: its media type.
        accepted: `Accept-Encoding` of the request.
        headers: further ones.
        compresses: whether it becomes smaller by gzip.

    Raises:
        Problem: it is too large for a reply.

    """
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {**(headers or {}), "Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if compresses and takes_gzip(accepted):
        content = gzip.compress(content, mtime=0)
        headers["Content-Encoding"], tag = "gzip", f"{tag}-gzip"
    if len(content) > MOST_BYTES:
        raise Problem(ProblemCode.TRANSCRIPT_TOO_LARGE, _remedy(headers), field="format")
    return Response(content, headers=headers | {"ETag": f'"{tag}"'}, media_type=kind)


def machine_words(job: Job, wired: Service) -> Transcript:
    """The machine's transcript of a completed job.

    Raises:
        Problem: its words are not kept, or another release kept them.

    """
    assert job.result
    # Attempts count from 1: where a result does not tell its own, nothing lies.
    key = object_keys.words(job.place, job.result.get("attempt", 0))
    try:
        kept = wired.s3.get_object(Bucket=wired.settings.bucket_name, Key=key)["Body"].read()
        return kept_words.unpack(kept)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        detail = "The words of this transcript are not kept: leave `version` out, and the announced file comes."
    except ValueError:
        detail = "Another release kept the words of this transcript: leave `version` out, and the announced file comes."
    raise Problem(ProblemCode.NO_LATEST_VERSION, detail, field="version")


def _remedy(headers: dict[str, str]) -> str:
    if "Content-Encoding" in headers:
        return "Even compressed, the file is too large for a reply: ask for another format, or leave `version` out."
    return "The file is too large for a reply that is not compressed: send the header `Accept-Encoding: gzip`."
