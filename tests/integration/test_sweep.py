"""What is broken, unknown or late keeps nothing else waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain import object_keys
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store.jobs import creation
from services.common.store.tombstones import TAKEN_OVER_MS
from services.orchestrator import reconciliation
from services.orchestrator.bulkheads import SweepFailedError
from services.orchestrator.handler import take_batch
from services.orchestrator.sweep import DELIVERIES_SECONDS
from tests.support.faults import Crash, aws_error
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


def awaited(world: StepWorld, job_id: str) -> Job:
    """A job whose upload must come within a minute."""
    job = Job(
        job_id=job_id,
        client_id="default",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.now,
        source_key=object_keys.upload("default", job_id, "a.wav"),
        file_name="a.wav",
        upload_expires_at=world.now + MINUTE_MS,
    )
    world.store.commit([creation(job)])
    return job


def status(world: StepWorld, job: Job) -> JobStatus:
    found = world.store.jobs.get(job.job_id)
    assert found
    return found.status


def deny_once(world: StepWorld, operation: str) -> None:
    left = [1]

    def refused(name: str) -> None:
        if name == operation and left:
            left.pop()
            raise aws_error("AccessDenied", name, status=403)

    world.faults.refuse = refused


def heard(world: StepWorld) -> list[str]:
    """What the receiver was told, sorted."""
    return sorted(json.loads(body)["type"] for body in world.received.values())


def test_a_step_that_fails_keeps_no_other_from_being_done_and_the_sweep_fails_at_its_end(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled() -> Any:
        raise aws_error("RequestLimitExceeded", "DescribeInstances", status=503)

    monkeypatch.setattr(world.ec2, "describe_instances", throttled)
    late = awaited(world, "job_late")
    world.now += MINUTE_MS
    with pytest.raises(SweepFailedError, match=r"^reaper$"):
        world.sweep()
    assert status(world, late) is JobStatus.EXPIRED
    assert heard(world) == ["transcription.expired"]


def test_one_recording_that_cannot_be_deleted_keeps_no_other_from_being_erased(world: StepWorld) -> None:
    for name in ("uploads/a.wav", "uploads/b.wav"):
        world.upload(name)
    world.serve_queue()
    for job in world.jobs():
        assert world.store.tombstones.put(job, world.now - TAKEN_OVER_MS)
    deny_once(world, "s3.DeleteObject")

    def left() -> int:
        world.sweep()
        return int(world.s3.list_objects_v2(Bucket=BUCKET, Prefix="uploads/")["KeyCount"])

    assert left() == 1
    world.now += 5 * MINUTE_MS
    assert left() == 0, "and the one that could not is tried again"


def test_a_job_of_an_unknown_version_is_left_alone_by_the_sweep_and_the_others_are_seen_to(world: StepWorld) -> None:
    newer, late = awaited(world, "job_a_newer"), awaited(world, "job_b_late")
    world.of_another_version(f"JOB#{newer.job_id}", "JOB")
    before = [item for item in world.all_items() if item["pk"] == f"JOB#{newer.job_id}"]
    world.now += MINUTE_MS
    world.sweep()
    assert [item for item in world.all_items() if item["pk"] == f"JOB#{newer.job_id}"] == before
    assert status(world, late) is JobStatus.EXPIRED


def test_a_grave_of_an_unknown_version_is_left_alone(world: StepWorld) -> None:
    for name in ("uploads/a.wav", "uploads/b.wav"):
        world.upload(name)
    world.serve_queue()
    first, second = world.jobs()
    for job in (first, second):
        assert world.store.tombstones.put(job, world.now - TAKEN_OVER_MS)
    world.of_another_version(f"JOB#{first.job_id}", "JOB")
    world.sweep()
    listed = world.s3.list_objects_v2(Bucket=BUCKET, Prefix="uploads/")
    assert [entry["Key"] for entry in listed["Contents"]] == [first.source_key]


def test_a_slot_of_an_unknown_version_costs_no_machine_and_starts_none_while_the_rest_goes_on(
    world: StepWorld,
) -> None:
    world.upload()
    world.serve_queue()
    world.of_another_version("SLOT", "00")
    late = awaited(world, "job_late")
    world.now += HOUR_MS
    for _ in range(2):
        with pytest.raises(SweepFailedError, match=r"^reaper, fleet, measuring$"):
            world.sweep()
        world.now += 2 * MINUTE_MS
    assert len(world.ec2.running) == len(world.ec2.machines) == 1
    assert status(world, late) is JobStatus.EXPIRED


def test_an_upload_for_a_job_of_an_unknown_version_alone_comes_again(world: StepWorld) -> None:
    newer = awaited(world, "job_newer")
    world.of_another_version(f"JOB#{newer.job_id}", "JOB")
    world.upload(newer.source_key)
    world.upload("uploads/plain.wav")
    failed = take_batch(world.orchestrator(), world.queue)
    assert failed == [{"itemIdentifier": "m0"}]
    assert [job.source_key for job in world.jobs()] == ["uploads/plain.wav"]


def test_an_upload_that_never_came_expires_with_a_webhook_and_is_done_if_it_comes_after_all(world: StepWorld) -> None:
    job = awaited(world, "job_late")
    world.now += MINUTE_MS - SECOND_MS
    world.sweep()
    assert status(world, job) is JobStatus.AWAITING_UPLOAD
    world.now += SECOND_MS
    world.sweep()
    assert status(world, job) is JobStatus.EXPIRED
    assert heard(world) == ["transcription.expired"]
    world.upload(job.source_key)
    world.settle()
    assert status(world, job) is JobStatus.COMPLETED
    assert heard(world) == [f"transcription.{kind}" for kind in ("completed", "expired", "queued", "started")]


def test_expiries_and_erasures_leave_deliveries_their_share_of_the_time(world: StepWorld) -> None:
    for name in ("uploads/erased.wav", "uploads/told.wav"):
        world.upload(name)
    world.serve_queue()
    job, _ = world.jobs()
    assert world.store.tombstones.put(job, world.now)
    late = awaited(world, "job_late")
    world.now += MINUTE_MS
    world.orchestrator().sweep.run(lambda: float(DELIVERIES_SECONDS))
    grave = world.store.tombstones.get(job.job_id)
    assert grave is not None
    assert grave.source_key, "nobody has looked"
    assert status(world, late) is JobStatus.AWAITING_UPLOAD
    assert heard(world) == ["transcription.queued"] * 2


def test_one_sweep_compares_as_many_pages_as_there_is_time_for(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    for number in range(7):
        world.upload(f"uploads/{number}.wav")
    world.queue.clear()
    world.now = hours_after(world, "uploads/0.wav")
    time_for = iter([True, True, False])
    assert world.orchestrator().reconciliation.run(world.now, lambda: next(time_for)) == 4
    assert world.orchestrator().reconciliation.run(world.now + 10 * MINUTE_MS, lambda: True) == 3
    assert world.orchestrator().reconciliation.run(world.now + 11 * MINUTE_MS, lambda: True) == 0


def hours_after(world: StepWorld, key: str) -> int:
    """The beginning of an hour in which the emulator's upload, made by its own clock, is no longer young."""
    uploaded = world.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    return int(uploaded.timestamp() * SECOND_MS // HOUR_MS + 2) * HOUR_MS


def test_the_search_queues_nothing_that_has_its_job_or_was_erased(world: StepWorld) -> None:
    taken_in, erased, lost = (awaited(world, f"job_{name}") for name in ("taken", "erased", "lost"))
    for job in (taken_in, erased):
        world.upload(job.source_key)
    world.serve_queue()
    found = world.store.jobs.get(erased.job_id)
    assert found
    assert world.store.tombstones.put(found, world.now)
    world.upload(lost.source_key)
    world.queue.clear()
    assert world.orchestrator().reconciliation.run(hours_after(world, lost.source_key), lambda: True) == 1
    assert {job.job_id: job.status for job in world.jobs()} == {
        taken_in.job_id: JobStatus.QUEUED,
        lost.job_id: JobStatus.QUEUED,
    }


def test_a_search_that_dies_over_a_page_looks_at_that_page_again(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    for number in range(5):
        world.upload(f"uploads/{number}.wav")
    world.queue.clear()
    orchestrator, now = world.orchestrator(), hours_after(world, "uploads/0.wav")
    real = orchestrator.intake.take

    def die_over_the_second(uploads: Any, moment: int) -> Any:
        if any(upload.key == "uploads/2.wav" for upload in uploads):
            raise Crash
        return real(uploads, moment)

    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(orchestrator.intake, "take", die_over_the_second)
        with pytest.raises(Crash):
            orchestrator.reconciliation.run(now, lambda: True)
    assert orchestrator.reconciliation.run(now, lambda: True) == 3
