"""S3 tells twice, late, in any order or never, and jobs change meanwhile: each upload is done once, none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain.lifecycle.change import Change
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store.jobs import Jobs
from services.orchestrator.handler import take_batch
from tests.support.step_world import StepWorld, step_world
from tests.support.uploads import OTHER, OWN, PLAIN, fail, registered, the_job
from tests.support.world import BUCKET


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


@pytest.mark.parametrize("key", [PLAIN, OWN])
@pytest.mark.parametrize("told", [True, False])
def test_what_was_put_before_a_cancel_and_told_after_it_starts_no_run(
    world: StepWorld, key: str, *, told: bool
) -> None:
    if key == OWN:
        registered(world)
    world.upload(key)
    world.serve_queue()
    world.now += SECOND_MS
    world.upload(key)
    world.cancel(the_job(world))
    if not told:
        world.queue.clear()
    world.settle()
    world.age(HOUR_MS)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.CANCELED, 0)


def test_an_upload_that_meets_its_own_cancel_is_noted_and_the_next_one_runs(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(world)
    world.upload(OWN)
    arrive = Jobs.arrive

    def canceled_before(jobs: Jobs, arrival: Change[Job], *rest: Any, **more: Any) -> bool:
        world.cancel(world.job(arrival.before.job_id))
        return arrive(jobs, arrival, *rest, **more)

    monkeypatch.setattr(Jobs, "arrive", canceled_before)
    world.serve_queue()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.CANCELED, 0)
    world.now += SECOND_MS
    world.upload(OWN)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.COMPLETED, 1)


def test_of_two_recordings_in_one_batch_the_one_that_lies_there_is_transcribed(world: StepWorld) -> None:
    registered(world)
    for content in (b"sound" * 1000, OTHER):
        world.upload(OWN, content)
        world.now += SECOND_MS
    messages, world.queue[:] = list(world.queue), []
    assert take_batch(world.orchestrator(), messages) == []
    world.settle()
    assert (the_job(world).status, the_job(world).source_bytes) == (JobStatus.COMPLETED, len(OTHER))


def test_a_late_event_of_the_recording_before_makes_no_job(world: StepWorld) -> None:
    registered(world)
    fail(world, OWN)
    late = world.told[OWN]
    world.now += SECOND_MS
    world.upload(OWN, OTHER)
    world.settle()
    world.queue.append({"messageId": "late", "body": late})
    world.settle()
    assert (the_job(world).job_id, the_job(world).generation) == ("job_own", 1)


def test_a_recording_put_while_its_job_changes_all_the_time_comes_again(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload()
    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "take_in", lambda *_, **__: False)
        world.serve_queue()
        assert len(world.queue) == 1
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED


def test_a_plain_upload_beside_a_job_that_fails_at_that_moment_is_that_jobs(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(world)
    world.upload(OWN)
    world.serve_queue()
    world.now += SECOND_MS
    world.upload(OWN, OTHER)
    take_in = Jobs.take_in

    def failed_before(jobs: Jobs, *rest: Any, **more: Any) -> bool:
        world.run_machines()
        return take_in(jobs, *rest, **more)

    monkeypatch.setattr(Jobs, "take_in", failed_before)
    world.settle()
    assert (the_job(world).job_id, the_job(world).status) == ("job_own", JobStatus.COMPLETED)


@pytest.mark.parametrize("key", [PLAIN, OWN])
def test_what_came_while_the_run_was_under_way_starts_no_other_when_it_is_canceled(world: StepWorld, key: str) -> None:
    if key == OWN:
        registered(world)
    world.upload(key)
    world.serve_queue()
    world.now += SECOND_MS
    world.upload(key)  # by somebody who heard no answer the first time
    world.serve_queue()
    world.cancel(the_job(world))
    world.settle()
    world.tell(key)
    world.settle()
    world.age(HOUR_MS)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.CANCELED, 0)
    world.upload(key)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.COMPLETED, 1)


def test_a_recording_that_is_brought_back_before_its_loss_is_told_is_found_by_the_search(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    world.s3.delete_object(Bucket=BUCKET, Key=PLAIN)
    calls: list[str] = []

    def bring_back(call: str) -> None:
        """While the worker, which has looked in vain, is about to say so."""
        calls.append(call)
        if calls[-1] == "dynamodb.TransactWriteItems" and "s3.GetObject" in calls and world.uploads[PLAIN] == 1:
            world.now += SECOND_MS
            world.upload()
            world.serve_queue(watched=False)

    world.trouble = bring_back
    world.run_machines()
    assert world.uploads[PLAIN] == 2
    lost = the_job(world)
    assert (lost.status, lost.error and lost.error["code"]) == (JobStatus.FAILED, "SOURCE_GONE")
    world.age(HOUR_MS)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.COMPLETED, 1)


def test_what_is_noted_of_a_job_that_ends_at_that_moment_is_judged_once_more(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload()
    world.serve_queue()
    world.now += SECOND_MS
    world.upload()
    note = Jobs.note_upload

    def lost_before(jobs: Jobs, job: Job, **more: Any) -> bool:
        for part in world.store.parts.of_job(job.job_id):
            world.store.leases.close(part)
        world.change((f"JOB#{job.job_id}", "JOB"), status="failed", error={"code": "SOURCE_GONE"})
        return note(jobs, job, **more)

    monkeypatch.setattr(Jobs, "note_upload", lost_before)
    world.serve_queue()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.QUEUED, 1)


def test_an_upload_that_its_job_waits_for_costs_one_look_at_s3_and_one_at_the_table(world: StepWorld) -> None:
    registered(world)
    world.upload(OWN)
    world.serve_queue()
    assert world.faults.calls[:3] == ["s3.HeadObject", "dynamodb.GetItem", "dynamodb.Query"]
    del world.faults.calls[:]
    world.tell(OWN)
    world.serve_queue()
    assert world.faults.calls == ["s3.HeadObject", "dynamodb.GetItem"]


def test_who_read_the_job_before_it_began_anew_cannot_claim_it(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    stale = the_job(world)
    (part,) = world.store.parts.of_job(stale.job_id)
    world.cancel(stale)
    world.now += SECOND_MS
    world.upload()
    world.serve_queue()
    leases, lease_ends = world.store.leases, world.now + MINUTE_MS
    assert leases.claim(part, stale, owner="late", lease_ends=lease_ends, started=None, times={}) is None
    assert leases.claim(part, the_job(world), owner="new", lease_ends=lease_ends, started=None, times={})


MANY, TIMES = 50, 20
"""Recordings, and how often each is told of: a thousand in all, five of one and five of another in a batch."""


def test_a_thousand_events_told_twice_a_thousand_told_late_and_a_thousand_looks_of_the_search_run_nothing_again(
    world: StepWorld,
) -> None:
    for number in range(MANY):
        world.upload(f"uploads/{number}.wav")
    twice = list(world.told.values())
    world.serve_queue(watched=False)
    ends = [JobStatus.FAILED, JobStatus.CANCELED, JobStatus.COMPLETED]
    for number, job in enumerate(world.jobs()):
        for part in world.store.parts.of_job(job.job_id):
            world.store.leases.close(part)
        error = {"code": ["INVALID_MEDIA", "SOURCE_GONE"][number % 2]} if number % 3 == 0 else None
        world.change((f"JOB#{job.job_id}", "JOB"), status=ends[number % 3].value, error=error)
    late = [event.replace("T08:", "T09:") for event in twice]
    assert late != twice
    before = world.all_items()

    orchestrator = world.orchestrator()
    for told in (twice, late):
        for start in list(range(0, MANY, 2)) * (TIMES // 5):
            batch = [{"messageId": str(number), "body": told[start + number % 2]} for number in range(10)]
            assert take_batch(orchestrator, batch) == []
    for hour in range(1, TIMES + 1):
        assert orchestrator.reconciliation.run((world.now // HOUR_MS + hour) * HOUR_MS, lambda: True) == 0

    assert [item for item in world.all_items() if item["sk"] != "SEARCH"] == before
