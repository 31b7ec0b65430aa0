"""What an upload is to the job that its key or its bytes belong to. Pure.

S3 tells of uploads twice, late, in any order and sometimes never, so nothing is concluded from being told. Whether a
recording was uploaded once more is seen from the date that S3 itself gives it, against that of the run that ended.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from services.common.domain.errors import SourceGoneError, SourceReplacedError
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS
from services.common.store.tombstones import Tombstone

if TYPE_CHECKING:
    from services.common.domain.records import Job

_SOURCE_LOST = {SourceGoneError.code, SourceReplacedError.code}


class Meaning(Enum):
    """What is to be done about an upload."""

    NEW = auto()
    """A recording for which there is no job yet."""
    AWAITED = auto()
    """Its job has waited for it."""
    AGAIN = auto()
    """Its job ended without a text, and begins anew."""
    NOTED = auto()
    """Nothing now; nor later, when its job has ended and S3 tells once more."""
    KNOWN = auto()
    """Nothing."""
    ERASED = auto()
    """Its job was erased, and so is this."""


def judge(etag: str, modified: int, found: Job | Tombstone) -> Meaning:
    """What the object that lies there means to `found`, whose it is by its key or its bytes.

    Args:
        etag: of the object, without quotes.
        modified: its LastModified, epoch milliseconds in whole seconds.
        found: the job, or what is left of it.

    """
    if isinstance(found, Tombstone):
        return _meaning_after_erasure(modified, found)
    if found.awaits_upload:
        return Meaning.AWAITED
    same = etag == found.source_etag
    match found.status:
        case JobStatus.CANCELED if not found.source_etag:
            return Meaning.NOTED
        case JobStatus.FAILED | JobStatus.CANCELED if modified > _accounted_for_until(found):
            return Meaning.AGAIN
        case JobStatus.QUEUED | JobStatus.RUNNING if same and modified > _latest_upload_at(found):
            return Meaning.NOTED
    return Meaning.KNOWN if same else Meaning.NEW


def _meaning_after_erasure(modified: int, tombstone: Tombstone) -> Meaning:
    return Meaning.ERASED if tombstone.covers(modified) else Meaning.NEW


def _accounted_for_until(job: Job) -> int:
    """The date of what the run that ended was made of, or what came while it was under way and would end alike.

    A run that has lost its recording was not made of what came meanwhile: that may be how it was brought back.
    """
    lost = job.error is not None and job.error["code"] in _SOURCE_LOST
    return _source_modified_at(job) if lost else _latest_upload_at(job)


def _latest_upload_at(job: Job) -> int:
    return max(_source_modified_at(job), job.source_seen)


def _source_modified_at(job: Job) -> int:
    """When the job's own object was put, in whole seconds; nearly, where S3 was not asked."""
    return job.source_modified or job.times.get("uploaded", 0) // SECOND_MS * SECOND_MS
