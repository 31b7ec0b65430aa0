"""Decides what an upload means to the job of its key or of its bytes. Pure.

S3 delivers an event at least once, late and in any order, and sometimes loses it. So an event alone proves nothing:
whether a recording was uploaded once more is decided by comparing its LastModified with that of the recording of the
last run.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from services.common.domain.errors import SourceGoneError, SourceReplacedError
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS
from services.common.domain.tombstone import Tombstone

if TYPE_CHECKING:
    from services.common.domain.records import Job

_SOURCE_LOST = {SourceGoneError.code, SourceReplacedError.code}


class Meaning(Enum):
    """What is to be done about an upload."""

    NEW = auto()
    """A recording for which there is no job yet."""
    AWAITED = auto()
    """The recording for which its job has waited."""
    AGAIN = auto()
    """The recording of a job that ended without a text, uploaded once more: the job begins anew."""
    NOTED = auto()
    """Nothing is to be done, and its date is noted, so that a repeated event does nothing after the job's end
    either."""
    KNOWN = auto()
    """Nothing is to be done: the job was made of this upload."""
    ERASED = auto()
    """The upload belongs to an erased job, and is erased too."""


def judge(etag: str, modified: int, found: Job | Tombstone) -> Meaning:
    """What the object means to `found`, the job to which it belongs by its key or its bytes.

    Args:
        etag: of the object, without quotes.
        modified: the object's LastModified, epoch milliseconds in whole seconds.
        found: the job, or its tombstone.

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
    """The LastModified up to which uploads change nothing about the ended run, epoch milliseconds.

    An upload that came during the run is included, since it would end in the same way. If the run failed because its
    recording was lost, it is not: it may be the recording that was brought back.
    """
    lost = job.error is not None and job.error["code"] in _SOURCE_LOST
    return _source_modified_at(job) if lost else _latest_upload_at(job)


def _latest_upload_at(job: Job) -> int:
    return max(_source_modified_at(job), job.source_seen)


def _source_modified_at(job: Job) -> int:
    """The LastModified of the run's recording, epoch milliseconds in whole seconds.

    Where it is not stored, the time of S3's event stands for it, which is nearly the same.
    """
    return job.source_modified or job.times.get("uploaded", 0) // SECOND_MS * SECOND_MS
