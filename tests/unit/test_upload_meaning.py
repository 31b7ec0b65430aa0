"""What an upload means to the job that it belongs to is decided by S3's dates, not by who tells of it and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.tombstone import Tombstone
from services.orchestrator.upload_meaning import Meaning, judge

PUT = 1_800_000_000_000
"""When the recording was put, of which the job was made."""
SECOND = 1_000

JOB = Job(
    job_id="job_1",
    client_id="alice",
    status=JobStatus.FAILED,
    created_at=PUT,
    source_key="uploads/alice/a.mp3",
    source_etag="bytes",
    source_modified=PUT,
    file_name="a.mp3",
    error={"code": "INVALID_MEDIA"},
)
LOST = [{"code": "SOURCE_GONE"}, {"code": "SOURCE_REPLACED"}]


def job(status: JobStatus, **more: object) -> Job:
    return replace(JOB, status=status, error=None, **more)  # type: ignore[arg-type] # fields of a job


@pytest.mark.parametrize("ended", [JOB, job(JobStatus.CANCELED), *(replace(JOB, error=error) for error in LOST)])
def test_only_what_s3_dates_later_than_the_run_that_ended_begins_it_anew(ended: Job) -> None:
    assert judge("bytes", PUT + SECOND, ended) is Meaning.AGAIN
    for told_again in (PUT - SECOND, PUT):
        assert judge("bytes", told_again, ended) is Meaning.KNOWN


@pytest.mark.parametrize("ended", [JOB, job(JobStatus.CANCELED)])
def test_other_bytes_under_a_jobs_own_key_begin_it_anew_if_they_are_later(ended: Job) -> None:
    assert judge("other", PUT + SECOND, ended) is Meaning.AGAIN
    assert judge("other", PUT, ended) is Meaning.NEW


@pytest.mark.parametrize("status", [JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED])
def test_what_a_job_waits_for_is_its_own_however_late(status: JobStatus) -> None:
    assert judge("any", PUT, job(status, source_etag="", source_modified=0)) is Meaning.AWAITED


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_what_comes_again_during_a_run_is_noted_and_what_is_other_is_new(status: JobStatus) -> None:
    assert judge("bytes", PUT, job(status)) is Meaning.KNOWN
    assert judge("bytes", PUT + SECOND, job(status)) is Meaning.NOTED
    assert judge("bytes", PUT + SECOND, job(status, source_seen=PUT + SECOND)) is Meaning.KNOWN
    assert judge("other", PUT + SECOND, job(status)) is Meaning.NEW


def test_what_has_its_text_is_not_transcribed_again() -> None:
    assert judge("bytes", PUT + SECOND, job(JobStatus.COMPLETED)) is Meaning.KNOWN
    assert judge("other", PUT + SECOND, job(JobStatus.COMPLETED)) is Meaning.NEW


@pytest.mark.parametrize("error", [None, JOB.error])
def test_what_came_during_the_run_is_no_reason_for_another_one(error: dict[str, str] | None) -> None:
    ended = replace(
        JOB, error=error, status=JobStatus.FAILED if error else JobStatus.CANCELED, source_seen=PUT + SECOND
    )
    assert judge("bytes", PUT + SECOND, ended) is Meaning.KNOWN
    assert judge("bytes", PUT + 2 * SECOND, ended) is Meaning.AGAIN


@pytest.mark.parametrize("error", LOST)
def test_a_recording_that_was_brought_back_while_it_was_missed_is_transcribed(error: dict[str, str]) -> None:
    missed = replace(JOB, error=error, source_seen=PUT + SECOND)
    assert judge("bytes", PUT + SECOND, missed) is Meaning.AGAIN
    assert judge("bytes", PUT, missed) is Meaning.KNOWN


def test_a_job_that_was_canceled_before_its_upload_waits_for_no_first_one_but_runs_for_a_second() -> None:
    canceled = job(JobStatus.CANCELED, source_etag="", source_modified=0)
    assert judge("bytes", PUT, canceled) is Meaning.NOTED
    noted = replace(canceled, source_etag="bytes", source_seen=PUT)
    assert judge("bytes", PUT, noted) is Meaning.KNOWN
    assert judge("bytes", PUT + SECOND, noted) is Meaning.AGAIN


def test_of_a_job_of_an_earlier_release_the_event_tells_the_date() -> None:
    earlier = replace(JOB, source_modified=0, times={"uploaded": PUT + 700})
    assert judge("bytes", PUT, earlier) is Meaning.KNOWN
    assert judge("bytes", PUT + SECOND, earlier) is Meaning.AGAIN


def test_an_erased_jobs_uploads_are_erased_until_its_tombstone_ends_and_new_after_that() -> None:
    grave = Tombstone(job_id="job_1", client_id="alice", erased_at=PUT, until=PUT + 5 * SECOND)
    for moment in (PUT - SECOND, PUT, PUT + 5 * SECOND):
        assert judge("any", moment, grave) is Meaning.ERASED
    assert judge("any", PUT + 6 * SECOND, grave) is Meaning.NEW
