"""Links from which a browser plays a job's recording, or the copy of it that browsers play."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from services.api.disposition import disposition
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.schemas.recordings import Peaks, Recording
from services.common import source_object
from services.common.domain import media_types
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.api.service import Service
    from services.common.domain.records import Job

_COPY_ENDING = "m4a"


def recording(job: Job, wired: Service) -> Recording:
    """What there is to listen to of a job.

    Raises:
        Problem: the job is not completed, or its recording was deleted or replaced.

    """
    if job.status is not JobStatus.COMPLETED or job.result is None:
        raise Problem(ProblemCode.NOT_COMPLETED, f"The job is {job.status.value}: its recording is not there to play.")
    seconds = wired.settings.recording_link_seconds
    copy, peaks = job.result.get("listening"), job.result.get("peaks")
    found = _copy(job, copy, wired) if copy else _source(job, wired)
    return Recording(
        **found,
        expires_at=rfc3339(wired.clock() + seconds * SECOND_MS),
        peaks=_peaks(peaks, wired) if peaks else None,
    )


def _copy(job: Job, copy: Mapping[str, Any], wired: Service) -> dict[str, Any]:
    kind = copy["media_type"]
    shown = disposition(job, ending=_COPY_ENDING, inline=True)
    url = _link(wired, copy["key"], ResponseContentType=kind, ResponseContentDisposition=shown)
    return {"url": url, "media_type": kind, "kind": "listening", "video": False}


def _source(job: Job, wired: Service) -> dict[str, Any]:
    """The recording itself, if it is still the one that was transcribed."""
    there = source_object.look(wired.s3, wired.settings.bucket_name, job.source_key)
    if there is None or there.etag != job.source_etag:
        raise Problem(ProblemCode.RECORDING_GONE, ProblemCode.RECORDING_GONE.meaning)
    media = (job.result or {}).get("media", {})
    kind = media.get("media_type") or _declared(job)
    shown = disposition(job, inline=True)
    url = _link(wired, job.source_key, ResponseContentType=kind, ResponseContentDisposition=shown)
    return {"url": url, "media_type": kind, "kind": "source", "video": media.get("video", kind.startswith("video/"))}


def _declared(job: Job) -> str:
    """The media type of a recording that an earlier release read: the client's word, if it is a known recording's."""
    kind = str(job.declared.get("content_type", "")).partition(";")[0].strip().lower()
    return kind if kind in chain(*media_types.CONTAINERS.values()) else media_types.UNKNOWN


def _peaks(peaks: Mapping[str, Any], wired: Service) -> Peaks:
    link = _link(wired, peaks["key"], ResponseContentType=media_types.UNKNOWN, ResponseContentEncoding="gzip")
    return Peaks(url=link, per_second=peaks["per_second"])


def _link(wired: Service, key: str, **shown: str) -> str:
    """A link to an object; `shown`: what S3 says of it, whatever its uploader said."""
    return wired.s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": wired.settings.bucket_name, "Key": key, **shown},
        ExpiresIn=wired.settings.recording_link_seconds,
    )
