"""The latest version of a transcript: the machine's words, with the client's names as they are now.

A cold start does not pay for what renders it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from fastapi import Response

from services.api.disposition import disposition
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.transcript import kept_words
from services.common.transcript.formats import media_type, render

if TYPE_CHECKING:
    from services.api.service import Service
    from services.common.domain.records import Job
    from services.common.transcript.transcript import Transcript

MOST_BYTES = 4_500_000
"""Longest body. Lambda's reply has at most 6 MB, in which a body that is no text is base64."""
_COMPRESSED = "docx"
"""The format that is compressed by itself."""
_NEVER = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
"""The weight with which an `Accept-Encoding` names what the client does not take."""


def rendered(job: Job, form: str, accepted: str, wired: Service) -> Response:
    """The latest version of a completed job's transcript, as a file.

    Args:
        job: which is completed.
        form: one of the formats, whether the job was made for it or not.
        accepted: `Accept-Encoding` of the request.
        wired: what the routes use.

    Raises:
        Problem: its words are not kept, or the file is too large for a reply.

    """
    content = render(_words(job, wired), form, annotations_of(job))
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    headers["Content-Disposition"] = disposition(job, ending=form)
    if form != _COMPRESSED and _takes_gzip(accepted):
        content = gzip.compress(content, mtime=0)
        headers["Content-Encoding"], tag = "gzip", f"{tag}-gzip"
    if len(content) > MOST_BYTES:
        raise Problem(ProblemCode.TRANSCRIPT_TOO_LARGE, _remedy(headers), field="format")
    return Response(content, headers=headers | {"ETag": f'"{tag}"'}, media_type=media_type(form))


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip: what it says of all others, `*`, holds only if it does not name it."""
    parts = [part.partition(";") for part in accepted.lower().split(",")]
    takes = {name.strip(): not _NEVER.fullmatch(weight) for name, _, weight in parts}
    return takes.get("gzip", takes.get("x-gzip", takes.get("*", False)))


def _words(job: Job, wired: Service) -> Transcript:
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
