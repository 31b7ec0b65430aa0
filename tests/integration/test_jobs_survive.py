"""The promises of the queue, each on a deployment that runs step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.records import Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store.leases import FencedError
from services.gpu_worker.queue.worker import Worker
from services.orchestrator.handler import take_batch
from services.orchestrator.scaling import SILENT_BOOTS
from tests.crash.invariants import violations
from tests.support.faults import Crash, aws_error
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET, TABLE


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


def claimed(world: StepWorld, owner: str = "worker-a") -> tuple[Job, Part]:
    """A queued job whose part this owner has just taken."""
    world.upload()
    world.serve_queue()
    (job,) = world.jobs()
    (part,) = world.store.parts.queue()
    mine = world.store.leases.claim(part, job, owner=owner, lease_ends=world.now + MINUTE_MS, started=None, times={})
    assert mine
    (job,) = world.jobs()
    return job, mine


INTAKE = [
    "s3.HeadObject",  # when it was put
    "dynamodb.GetItem",  # whether it has a job
    "dynamodb.Query",  # whose upload it is, and their callbacks
    "dynamodb.UpdateItem",  # its turn
    "dynamodb.TransactWriteItems",  # job, part, event and delivery, if they are new
    "dynamodb.Query",  # how much is queued
    "dynamodb.Query",  # the slots
]
LAUNCH = [
    "dynamodb.GetItem",  # the breaker
    "ssm.GetParameter",  # the image
    "dynamodb.PutItem",  # the slot is taken
    "ec2.CreateFleet",
    "dynamodb.UpdateItem",  # which machine came
]
BOOT = ["dynamodb.UpdateItem"]  # its first report
CLAIM = [
    "dynamodb.Query",  # the queue
    "dynamodb.GetItem",  # the job
    "dynamodb.Query",  # callbacks that want to hear that it started
    "dynamodb.TransactWriteItems",  # claim, job, event and delivery
    "s3.GetObject",  # the recording
]
PEAKS = ["s3.PutObject"]  # for a picture of the sound, once the recording has been read
CLIP = [
    *("dynamodb.UpdateItem", "dynamodb.UpdateItem"),  # heartbeats of part and slot, with every clip in this world
    "s3.PutObject",  # and a checkpoint; a short job in earnest ends before the first
]
END = [
    *["s3.PutObject"] * 6,  # five formats, and the words that they were written from
    "dynamodb.Query",  # callbacks that want to hear that it ended
    "dynamodb.TransactWriteItems",  # part, job, event and delivery
]


def test_a_short_job_costs_twenty_one_calls_and_the_launch_of_its_machine_five(world: StepWorld) -> None:
    world.upload()
    world.settle()
    steps = [*INTAKE, *LAUNCH, *BOOT, *CLAIM, *PEAKS, *CLIP, *CLIP, *END]
    assert world.faults.calls[: len(steps)] == steps
    assert len([*INTAKE, *CLAIM, *PEAKS, *END]) == 21
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]


def test_repeated_and_reordered_events_make_one_job(world: StepWorld) -> None:
    world.upload()
    world.queue += [{**world.queue[0], "messageId": f"again-{number}"} for number in range(3)]
    world.serve_queue()
    world.serve_queue()
    assert len(world.jobs()) == 1
    assert len(list(world.store.parts.queue())) == 1


def test_a_new_upload_under_the_same_key_is_a_job_of_its_own(world: StepWorld) -> None:
    for content in (b"one", b"other"):
        world.upload(content=content)
        world.serve_queue()
    assert len(world.jobs()) == 2


def test_what_is_not_there_any_more_when_s3_tells_of_it_makes_no_job(world: StepWorld) -> None:
    for content in (b"one", b"other"):
        world.upload(content=content)
    world.upload("uploads/deleted.wav")
    world.s3.delete_object(Bucket=BUCKET, Key="uploads/deleted.wav")
    world.serve_queue()
    (job,) = world.jobs()
    assert job.source_bytes == len(b"other")


def test_one_bad_message_in_ten_is_dropped_with_a_code_and_nine_jobs_are_made(world: StepWorld) -> None:
    for number in range(9):
        world.upload(f"uploads/{number}.wav")
    failed = take_batch(world.orchestrator(), [{"messageId": "bad", "body": "no json"}, *world.queue])
    assert failed == []
    assert len(world.jobs()) == 9


def test_a_message_that_fails_for_a_passing_reason_alone_comes_again(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload("uploads/a.wav")
    world.upload("uploads/b.wav")
    orchestrator = world.orchestrator()
    real = orchestrator.intake._queue_one

    def sometimes(judged: object, *rest: object) -> object:
        if judged.upload.key.endswith("b.wav"):  # type: ignore[attr-defined] # a _JudgedUpload
            raise aws_error("ProvisionedThroughputExceededException", "TransactWriteItems")
        return real(judged, *rest)  # type: ignore[arg-type] # as the real one

    monkeypatch.setattr(orchestrator.intake, "_queue_one", sometimes)
    failed = take_batch(orchestrator, world.queue)
    assert [failure["itemIdentifier"] for failure in failed] == ["m1"]
    assert [job.source_key for job in world.jobs()] == ["uploads/a.wav"]


def test_a_lost_event_is_found_within_the_hour(world: StepWorld) -> None:
    world.upload()
    world.queue.clear()
    seen = world.s3.head_object(Bucket=BUCKET, Key="uploads/a.wav")["LastModified"]
    uploaded = round(seen.timestamp() * SECOND_MS)
    world.now = (uploaded // HOUR_MS + 2) * HOUR_MS + MINUTE_MS
    assert world.orchestrator().reconciliation.run(world.now, lambda: True) == 1
    assert [job.status for job in world.jobs()] == [JobStatus.QUEUED]
    assert world.orchestrator().reconciliation.run(world.now, lambda: True) == 0


def test_a_zombies_every_write_is_refused(world: StepWorld) -> None:
    job, zombie = claimed(world)
    assert world.store.leases.take_away(zombie, now=world.now, job=job, interrupted=None)
    leases = world.store.leases
    with pytest.raises(FencedError):
        leases.heartbeat(zombie, lease_ends=world.now + HOUR_MS, on_device=True, progress=0.5)
    with pytest.raises(FencedError):
        leases.split(zombie, job, [1.0, 2.0], due_at=world.now)
    with pytest.raises(FencedError):
        leases.give_back(
            Part(**{**zombie.__dict__, "attempt": zombie.attempt + 1}), due_at=world.now, job=None, interrupted=None
        )
    outcome = Outcome(error={"code": "INTERNAL", "message": "x", "retryable": False})
    ending = end(job, outcome, {}, world.now)
    with pytest.raises(FencedError):
        world.store.endings.finish(zombie, ending, world.announcer.tell(ending.after, EventType.FAILED, world.now))
    (queued,) = world.store.parts.queue()
    assert (queued.status, queued.losses) == (PartStatus.QUEUED, 1)


def test_a_part_is_not_taken_from_a_worker_whose_counter_moves(world: StepWorld) -> None:
    job, part = claimed(world)
    suspect = part
    world.store.leases.heartbeat(part, lease_ends=world.now - HOUR_MS, on_device=True, progress=0.1)
    assert not world.store.leases.take_away(suspect, now=world.now, job=job, interrupted=None)


def test_a_recording_that_kills_every_worker_fails_after_three_deaths(world: StepWorld) -> None:
    def die(_: Worker) -> None:
        raise Crash

    world.each_clip = die
    world.upload()
    world.settle()
    (job,) = world.jobs()
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["code"] == "REPEATED_CRASH"
    assert violations(world, {"failed"}) == []


def test_a_machine_that_never_reports_opens_the_breaker_and_the_job_says_so(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    for _ in range(SILENT_BOOTS):
        for machine in world.ec2.running:
            world.ec2.end(machine["InstanceId"])
        world.now += 10 * MINUTE_MS
        world.sweep()
    machines = len(world.ec2.machines)
    world.sweep()
    (job,) = world.jobs()
    assert len(world.ec2.machines) == machines == SILENT_BOOTS
    assert (job.status, job.waiting) == (JobStatus.QUEUED, "breaker")
    world.now += HOUR_MS
    world.settle()
    (job,) = world.jobs()
    assert (job.status, job.waiting) == (JobStatus.COMPLETED, None)


def test_a_job_without_capacity_says_so_and_is_done_once_there_is_some(world: StepWorld) -> None:
    world.ec2.missing = 2
    world.upload()
    world.serve_queue()
    (job,) = world.jobs()
    assert job.waiting == "capacity"
    assert job.waiting_reason
    assert "InsufficientInstanceCapacity" in job.waiting_reason
    world.settle()
    (job,) = world.jobs()
    assert (job.status, job.waiting) == (JobStatus.COMPLETED, None)


def test_a_machine_without_a_slot_is_ended_on_the_second_look(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    (slot,) = world.store.slots.all()
    world.store.slots.free(slot)
    for part in list(world.store.parts.queue()):
        world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{part.job_id}"}, "sk": {"S": part.part_id}})
    world.sweep()
    assert len(world.ec2.running) == 1
    world.now += 2 * MINUTE_MS
    world.sweep()
    assert world.ec2.running == []


def test_an_idle_deployment_writes_two_items_an_hour_which_are_what_its_search_and_its_audit_remember(
    world: StepWorld,
) -> None:
    world.upload()
    world.settle()
    before = without_cursors(world)
    start = len(world.faults.calls)
    for _ in range(2 * 60):
        world.now += MINUTE_MS
        world.sweep()
    writes = ("Put", "Update", "Delete", "Transact", "Create", "Terminate")
    written = [call for call in world.faults.calls[start:] if call.split(".")[1].startswith(writes)]
    assert written == ["dynamodb.PutItem"] * 4
    assert without_cursors(world) == before


def without_cursors(world: StepWorld) -> list[dict[str, Any]]:
    """All items but those that every hour's search and audit write."""
    return [item for item in world.all_items() if item["sk"] not in {"SEARCH", "AUDIT"}]


def test_who_uploads_one_file_is_not_kept_waiting_by_who_uploads_many(world: StepWorld) -> None:
    for client in ("crowd", "single"):
        world.store.clients.register(client)
    for number in range(40):
        world.upload(f"uploads/crowd/{number}.wav")
    world.serve_queue()
    world.now += SECOND_MS
    world.upload("uploads/single/one.wav")
    world.serve_queue()
    order = [part.client_id for part in world.store.parts.queue()]
    assert order.index("single") <= 2, order


def test_a_replaced_recording_fails_with_its_code(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    world.s3.put_object(Bucket=BUCKET, Key="uploads/a.wav", Body=b"other")
    world.settle()
    (job,) = world.jobs()
    assert job.error is not None
    assert job.error["code"] == "SOURCE_REPLACED"


def test_a_deleted_recording_fails_with_its_code(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    world.s3.delete_object(Bucket=BUCKET, Key="uploads/a.wav")
    world.settle()
    (job,) = world.jobs()
    assert job.error is not None
    assert job.error["code"] == "SOURCE_GONE"
