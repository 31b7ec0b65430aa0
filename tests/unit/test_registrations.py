"""For which registered uploads a machine may wait, and for which clients."""

from __future__ import annotations

import json

import pytest

from services.common.domain.records import Job
from services.common.domain.registrations import (
    UPLOAD_BYTES_PER_SECOND,
    expected_until,
    message,
    registered_job,
)
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS
from services.orchestrator.registrations import LATEST, MOST_AWAITED, NEVER_CAME, is_expected, uploads_come

NOW = 1_800_000_000_000
TEN = 10 * MINUTE_MS


def registered(minutes_ago: int, status: JobStatus = JobStatus.AWAITING_UPLOAD, etag: str = "", **more: int) -> Job:
    """A job of the API, by default one for whose upload a machine may wait for ten minutes."""
    made = NOW - minutes_ago * MINUTE_MS
    job = {"expected_until": made + TEN, "upload_expires_at": made + 75 * MINUTE_MS} | more
    return Job(
        job_id="job",
        client_id="alice",
        status=status,
        created_at=made,
        source_key="uploads/a",
        file_name="a",
        source_etag=etag,
        expected_until=job["expected_until"],
        upload_expires_at=job["upload_expires_at"],
    )


AWAITED = registered(5)
LATE = registered(11)
EXPIRED = registered(80, JobStatus.EXPIRED)
CANCELED = registered(1, JobStatus.CANCELED)
CAME = registered(80, JobStatus.COMPLETED, "etag")
CANCELED_LATER = registered(80, JobStatus.CANCELED, "etag")
PLAIN = Job(
    job_id="job_plain",
    client_id="alice",
    status=JobStatus.COMPLETED,
    created_at=NOW,
    source_key="uploads/b",
    file_name="b",
    source_etag="etag",
)


def test_a_machine_may_wait_ten_minutes_for_an_upload_that_can_come_in_that_time() -> None:
    most = 600 * UPLOAD_BYTES_PER_SECOND
    assert expected_until(NOW, None, 600) == expected_until(NOW, most, 600) == NOW + TEN


def test_no_machine_waits_for_an_upload_whose_size_says_that_it_takes_longer() -> None:
    assert expected_until(NOW, 600 * UPLOAD_BYTES_PER_SECOND + 1, 600) == 0


def test_a_message_names_its_job() -> None:
    assert registered_job(json.loads(message("job_1"))) == "job_1"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "registered",
        {"kind": "registered", "job_id": "job_1"},
        {"kind": "registered", "version": 2, "job_id": "job_1"},
        {"kind": "erased", "version": 1, "job_id": "job_1"},
        {"kind": "registered", "version": 1},
        {"kind": "registered", "version": 1, "job_id": 7},
        {"kind": "registered", "version": 1, "job_id": ""},
        {"kind": ["registered"], "version": {}, "job_id": "job_1"},
    ],
)
def test_what_is_no_message_of_this_version_names_none(body: object) -> None:
    assert registered_job(body) is None


def test_an_upload_is_expected_until_its_time_is_over() -> None:
    assert is_expected(AWAITED, AWAITED.expected_until - 1)
    assert not is_expected(AWAITED, AWAITED.expected_until)


@pytest.mark.parametrize("job", [CAME, EXPIRED, CANCELED, LATE, PLAIN, registered(1, expected_until=0)])
def test_nothing_is_expected_of_a_job_that_waits_for_no_upload_or_for_too_long_a_one(job: Job) -> None:
    assert not is_expected(job, NOW)


@pytest.mark.parametrize("never", [LATE, EXPIRED, CANCELED])
def test_a_client_whose_last_three_uploads_never_came_is_not_trusted(never: Job) -> None:
    assert not uploads_come([AWAITED, *[never] * NEVER_CAME, CAME], NOW)


@pytest.mark.parametrize("never", [LATE, EXPIRED, CANCELED])
def test_two_that_never_came_are_forgiven(never: Job) -> None:
    assert uploads_come([AWAITED, *[never] * (NEVER_CAME - 1)], NOW)
    assert uploads_come([AWAITED, *[never] * (NEVER_CAME - 1), CAME], NOW)


@pytest.mark.parametrize("came", [CAME, CANCELED_LATER])
def test_one_that_came_among_the_last_three_is_enough(came: Job) -> None:
    assert uploads_come([AWAITED, EXPIRED, EXPIRED, came, EXPIRED], NOW)


def test_plain_uploads_say_nothing_of_registered_ones() -> None:
    assert not uploads_come([PLAIN, EXPIRED, PLAIN, EXPIRED, EXPIRED], NOW)
    assert uploads_come([PLAIN] * LATEST, NOW)


def test_a_large_upload_counts_only_once_it_has_come_or_expired() -> None:
    large = registered(60, expected_until=0)
    assert uploads_come([large] * NEVER_CAME, NOW)
    assert not uploads_come([registered(80, JobStatus.EXPIRED, expected_until=0)] * NEVER_CAME, NOW)


def test_a_client_that_only_registers_keeps_no_machine_by_registering_more() -> None:
    assert uploads_come([AWAITED] * (MOST_AWAITED - 1), NOW)
    assert not uploads_come([AWAITED] * MOST_AWAITED, NOW)
    assert uploads_come([*[AWAITED] * (LATEST - NEVER_CAME), *[CAME] * NEVER_CAME], NOW)
