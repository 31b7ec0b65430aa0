"""Each message about a job has a larger number than the ones before, whatever the writers' clocks say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.events import EventType, Places, compose, compose_about
from services.common.domain.ids import event_id, time_text
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.change import Change
from services.common.domain.records import Callback, Job
from services.common.domain.states import JobStatus, JobTransition
from services.common.domain.times import rfc3339

PLACES = Places(bucket="bucket", public_url="https://api.example.com", retention_days=30)
JOB = Job(
    job_id="job_1", client_id="alice", status=JobStatus.RUNNING, created_at=1, source_key="uploads/a", file_name="a"
)
TIMES = st.integers(0, 2**45 - 1)
UNANNOUNCED = {
    *(JobTransition.WAIT, JobTransition.NOTE_UPLOAD, JobTransition.RENEW_UPLOAD),
    *(JobTransition.SPLIT, JobTransition.COUNT),
}


def numbered(job: Job, now: int) -> dict[JobTransition, Change[Job]]:
    """Every change that is announced, the update and the correction."""
    arrival = job_changes.Arrival(etag="e", size=1, modified=1, uploaded=1, queued=now, expires_at=9)
    made = (
        job_changes.arrive(job, arrival),
        job_changes.expire(job, now),
        job_changes.start(job, {}, now),
        job_changes.interrupt(job, now),
        job_changes.end(job, job_changes.Outcome(result={}), {}, now),
        job_changes.end(job, job_changes.Outcome(error={"code": "X"}), {}, now),
        job_changes.cancel(job, now, seen=0),
        job_changes.retry(job, now),
        job_changes.begin_anew(job, arrival),
        job_changes.annotate(job, {"reference": "a"}, now),
        job_changes.correct(job, {"number": 1}, tell_at=now, expires_at=9, now=now),
        job_changes.tell_correction(job, now),
    )
    return {change.transition: change for change in made if isinstance(change.transition, JobTransition)}


def test_every_change_is_either_numbered_or_known_to_tell_nobody() -> None:
    assert {*numbered(JOB, 1), *UNANNOUNCED} == {*JobTransition}


@given(before=TIMES, now=TIMES)
def test_a_number_is_the_time_or_one_more_than_the_one_before(before: int, now: int) -> None:
    job = replace(JOB, sequence=before)
    assert {change.after.sequence for change in numbered(job, now).values()} == {max(now, before + 1)}


def test_a_claim_that_nobody_is_told_of_leaves_the_number_as_it_is() -> None:
    job = replace(JOB, sequence=7)
    assert "sequence" not in job_changes.start(job, {"claimed": 9}).set


@given(one=TIMES, other=TIMES)
def test_ids_of_events_are_in_the_order_of_their_numbers(one: int, other: int) -> None:
    ids = [event_id("job_1", "transcription.queued", "0", number) for number in (one, other)]
    assert {len(made) for made in ids} == {30}
    if one != other:
        assert (ids[0] < ids[1]) == (one < other)
    assert (time_text(one) < time_text(other)) == (one < other)


def test_a_message_says_its_number_and_has_it_as_its_time() -> None:
    job = replace(JOB, sequence=1_800_000_000_123, reference="case 7", metadata={"a": "b"})
    event = compose(job, EventType.STARTED, serial="0", places=PLACES)
    body = json.loads(event.body)
    assert (event.created_at, body["timestamp"]) == (job.sequence, rfc3339(job.sequence))
    assert [body["data"][name] for name in ("sequence", "reference", "metadata")] == [
        job.sequence,
        "case 7",
        {"a": "b"},
    ]


@pytest.mark.parametrize("kind", [EventType.CALLBACK_TEST, EventType.CALLBACK_CHALLENGE, EventType.CALLBACK_DISABLED])
def test_a_message_about_a_callback_has_its_time_as_its_number(kind: EventType) -> None:
    callback = Callback(callback_id="cb_1", client_id="alice", url="https://a.example.com/", events=[])
    said = {"message": "x", "challenge": "x", "url": callback.url, "reason": "gone"}
    wanted = {EventType.CALLBACK_TEST: ["message"], EventType.CALLBACK_CHALLENGE: ["challenge"]}
    data = {name: said[name] for name in wanted.get(kind, ["url", "reason"])}
    event = compose_about(callback, kind, subject="cb_1", serial="1", now=7_000, expires_at=None, **data)
    assert json.loads(event.body)["data"]["sequence"] == event.created_at == 7_000
