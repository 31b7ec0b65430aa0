"""What jobs have cost, added up by days of the machine's own clock."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from services.cli.operator.bill import Bill, interruptions
from services.cli.operator.days import Days, day, last_days
from services.common.domain.errors import InvalidOptionError
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import HOUR_MS, rfc3339


def job(status: JobStatus = JobStatus.COMPLETED, **more: Any) -> Job:
    usual: dict[str, Any] = {
        "job_id": "job_1",
        "client_id": "alice",
        "created_at": 0,
        "source_key": "",
        "file_name": "a.mp3",
    }
    return Job(**usual, status=status, **more)


def completed(seconds: float, *, attempt: int = 1, **cost: Any) -> Job:
    return job(result={"attempt": attempt, "duration_seconds": seconds}, cost=cost)


def part(number: int, attempt: int) -> Part:
    return Part(
        job_id="job_1",
        part_id=part_name(number),
        status=PartStatus.DONE,
        client_id="alice",
        created_at=0,
        attempt=attempt,
    )


def test_a_bill_adds_up_jobs_audio_machines_and_dollars() -> None:
    bill = Bill()
    bill.add(completed(7_200, machine_seconds=120, dollars=0.4), 1)
    bill.add(completed(3_600, machine_seconds=60, dollars=0.2), 0)
    bill.add(job(JobStatus.FAILED, cost={"machine_seconds": 1_800, "dollars": 0.3}), 2)
    bill.add(job(JobStatus.RUNNING), 0)
    bill.add(job(JobStatus.CANCELED), 0)
    assert (bill.jobs, bill.completed, bill.failed, bill.open, bill.interruptions) == (5, 2, 1, 1, 3)
    assert (bill.audio_hours, bill.machine_hours) == (3, 0.55)
    assert bill.dollars == pytest.approx(0.9)
    assert bill.dollars_per_audio_hour == pytest.approx(0.3), "what failed is paid for too"


def test_audio_of_a_machine_without_a_price_makes_no_hour_cheaper() -> None:
    bill = Bill()
    bill.add(completed(3_600, machine_seconds=60, dollars=0.2), 0)
    bill.add(completed(36_000, machine_seconds=600, market="own"), 0)
    assert bill.unpriced == 1
    assert bill.dollars_per_audio_hour == pytest.approx(0.2)
    assert Bill().dollars_per_audio_hour is None


def test_bills_of_clients_join_to_one_of_all() -> None:
    everything, other = Bill(), Bill()
    other.add(completed(3_600, machine_seconds=60, dollars=0.2), 1)
    everything.join(other)
    everything.join(other)
    assert everything.to_json() == {
        "jobs": 2,
        "completed": 2,
        "failed": 0,
        "open": 0,
        "audio_hours": 2.0,
        "machine_hours": 0.0333,
        "interruptions": 2,
        "dollars": 0.4,
        "dollars_per_audio_hour": 0.2,
        "unpriced_jobs": 0,
    }


def test_an_interruption_is_a_further_claim_that_no_retry_asked_for() -> None:
    assert interruptions(completed(60, attempt=3)) == 2
    assert interruptions(job(result={"attempt": 3}, generation=1)) == 1
    assert interruptions(job(result={"attempt": 1}, parts=2), [part(0, 1), part(1, 3), part(2, 2)]) == 3
    assert interruptions(job(JobStatus.FAILED), [part(0, 4)]) == 3
    assert interruptions(job(JobStatus.QUEUED)) == 0
    assert interruptions(job(JobStatus.FAILED, generation=1), [part(0, 1)]) == 0


def test_days_are_those_of_this_machines_zone_also_when_the_clocks_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Stockholm")
    time.tzset()
    try:
        short = Days(first=date(2026, 3, 29), last=date(2026, 3, 29))
        assert short.until - short.since == 23 * HOUR_MS
        assert rfc3339(short.since) == "2026-03-28T23:00:00.000Z"
        week = last_days(7, date(2026, 11, 27))
        assert f"{week}" == "2026-11-21 to 2026-11-27"
        assert week.until - week.since == 7 * 24 * HOUR_MS
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("text", "told"),
    [("yesterday", "no day"), ("2026-02-30", "no day"), ("0001-01-01", "out of reach"), ("9999-12-31", "out of reach")],
)
def test_a_day_that_cannot_be_counted_is_refused_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(InvalidOptionError, match=told):
        day("since", text)


def test_the_first_and_the_last_day_within_reach_have_a_beginning_and_an_end() -> None:
    reach = Days(first=day("since", "1971-01-01"), last=day("until", "9998-12-31"))
    assert 0 < reach.since < reach.until
