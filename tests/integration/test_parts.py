"""Whose turn it is, and what becomes of a job's parts once it is over: on a deployment that runs step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from services.common.domain.clock import MINUTE, SECOND
from services.common.domain.errors import InvalidMediaError
from services.common.domain.events import EventType, compose
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import commands
from services.common.store.events import Announcement
from services.common.store.parts import Parts
from services.gpu_worker.worker import CANDIDATES, Worker
from services.local import resources
from tests.crash.invariants import violations
from tests.crash.world import CrashWorld, crash_world

SECOND_PART = part_name(1)


@pytest.fixture
def world() -> Iterator[CrashWorld]:
    with crash_world() as made:
        made.listen()
        yield made


@pytest.fixture
def long() -> Iterator[CrashWorld]:
    """A deployment whose recordings have three parts."""
    with crash_world(parts=3) as made:
        made.listen()
        yield made


def jobs(world: CrashWorld) -> list[Job]:
    return [job for _, job in world.store.jobs.of_client("default", after=None, limit=100)]


def statuses(world: CrashWorld, job: Job) -> list[PartStatus]:
    return [part.status for part in world.store.parts.of_job(job.job_id)]


def claim(world: CrashWorld, part: Part, owner: str) -> Part:
    job = world.store.jobs.get(part.job_id)
    assert job
    mine = world.store.parts.claim(part, job, owner=owner, lease_ends=world.now + MINUTE, started=None, times={})
    assert mine
    return mine


def queued(world: CrashWorld, *names: str) -> None:
    """Recordings, each with a turn of its own."""
    for name in names:
        world.upload(f"uploads/{name}.wav")
    world.serve_queue()


def broken(world: CrashWorld, part: Part, *, rest_ms: int = 0) -> None:
    """An attempt at the part has come to nothing; it is due at once, and perhaps rests."""
    job = world.store.jobs.get(part.job_id)
    not_before = world.now + rest_ms if rest_ms else 0
    world.store.parts.give_back(
        claim(world, part, "earlier"), due_at=0, job=job, interrupted=None, not_before=not_before
    )


def patient(world: CrashWorld) -> tuple[Worker, list[Callable[[], None]]]:
    """A worker on the world's machine, and what it has claimed but not begun."""
    held: list[Callable[[], None]] = []
    worker = world.worker(world.ec2.running[0])
    worker._start = held.append
    return worker, held


def while_the_second_part_is_worked_on(world: CrashWorld, happen: Callable[[], None]) -> None:
    """Until somebody claims the second part, all goes well; then this happens, and it fails."""

    def fail(worker: Worker) -> None:
        if any(held.part.part_id == SECOND_PART for held in worker._held.values()):
            happen()
            raise InvalidMediaError("This part cannot be decoded.")

    world.each_clip = fail


def test_a_part_that_fails_takes_along_those_that_other_machines_work_on(long: CrashWorld) -> None:
    def another_machine_takes_the_third() -> None:
        (third,) = long.store.parts.queue()
        claim(long, third, "another")
        while_the_second_part_is_worked_on(long, lambda: None)

    while_the_second_part_is_worked_on(long, another_machine_takes_the_third)
    long.upload()
    long.serve_queue()
    long.run_machines()
    (job,) = jobs(long)
    assert job.status is JobStatus.FAILED
    assert statuses(long, job) == [PartStatus.DONE, PartStatus.FAILED, PartStatus.CANCELED]
    long.settle()
    assert violations(long, {"failed"}) == []


def test_a_part_that_ends_while_another_fails_the_job_is_left_as_it_ended(
    long: CrashWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Parts.open_of
    calls: list[str] = []

    def late(parts: Parts, job_id: str) -> list[Part]:
        """The third part is finished between the look at it and the write."""
        found = real(parts, job_id)
        if not calls:
            (third,) = long.store.parts.queue()
            job = long.store.jobs.get(job_id)
            assert job
            assert long.store.endings.finish_slice(claim(long, third, "another"), job, merge_due_at=long.now)
        calls.append(job_id)
        return found

    monkeypatch.setattr(Parts, "open_of", late)
    while_the_second_part_is_worked_on(long, lambda: None)
    long.upload()
    long.settle()
    (job,) = jobs(long)
    assert len(calls) == 2, "who loses the condition reads again"
    assert statuses(long, job) == [PartStatus.DONE, PartStatus.FAILED, PartStatus.DONE]
    assert violations(long, {"failed"}) == []


def test_a_failed_job_of_several_parts_is_done_when_it_is_tried_again(long: CrashWorld) -> None:
    while_the_second_part_is_worked_on(long, lambda: None)
    long.upload()
    long.settle()
    (failed,) = jobs(long)
    _retry(long, failed)
    long.each_clip = lambda _: None
    long.settle()
    (job,) = jobs(long)
    assert job.status is JobStatus.COMPLETED
    attempts = {part.part_id: part.attempt for part in long.store.parts.of_job(job.job_id)}
    assert attempts == {"PART#0000": 1, "PART#0001": 2, "PART#0002": 1, "PART#MERGE": 1}


def _retry(world: CrashWorld, failed: Job) -> None:
    after = commands.again(failed, world.now)
    event = compose(after, EventType.QUEUED, serial=str(after.generation), now=world.now, places=world.places)
    announcement = Announcement(event, after.source_key, world.store.callbacks.of_job(after))
    parts = world.store.parts.of_job(after.job_id)
    world.store.commit(commands.retry(after, parts, announcement, world.now), None)


def test_each_run_of_a_job_tells_once_that_it_started(world: CrashWorld) -> None:
    seen: list[int] = []

    def interrupt_then_fail(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == 1:
            worker.leave("spot notice")
        elif len(seen) == 2:
            raise InvalidMediaError("It cannot be decoded.")

    world.each_clip = interrupt_then_fail
    world.upload()
    world.settle()
    (failed,) = jobs(world)
    assert failed.status is JobStatus.FAILED
    assert _started(world, failed) == 1, "however often it was interrupted"
    _retry(world, failed)
    world.settle()
    (job,) = jobs(world)
    assert job.status is JobStatus.COMPLETED
    assert _started(world, job) == 2
    assert "failed" not in job.times, "the times of a run are its own"


def _started(world: CrashWorld, job: Job) -> int:
    items = world.store.jobs._table.items(f"JOB#{job.job_id}", "EVENT#")
    return sum(item["type"] == EventType.STARTED for item in items)


def _forget(world: CrashWorld, job_id: str) -> None:
    """The job's item alone is gone."""
    world.aws.dynamodb().delete_item(TableName=resources.TABLE, Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}})


def test_parts_of_no_job_hide_nobody_and_keep_no_machine(world: CrashWorld) -> None:
    queued(world, *(f"gone-{number}" for number in range(CANDIDATES + 2)))
    for job in jobs(world):
        _forget(world, job.job_id)
    world.now += SECOND
    queued(world, "last")
    world.settle()
    assert [job.status for job in jobs(world)] == [JobStatus.COMPLETED]
    assert world.quiet()


def test_a_part_that_runs_for_no_job_is_closed_by_the_sweep(world: CrashWorld) -> None:
    queued(world, "a")
    (part,) = world.store.parts.queue()
    claim(world, part, "silent")
    _forget(world, part.job_id)
    world.now += 10 * MINUTE
    world.sweep()
    assert list(world.store.parts.running()) == []


def test_a_part_that_was_read_before_a_retry_queued_it_again_is_not_closed(world: CrashWorld) -> None:
    queued(world, "a")
    (before,) = world.store.parts.queue()
    (job,) = jobs(world)
    broken(world, before)
    (left,) = world.store.parts.queue()
    _fail_alone(world, job)
    (failed,) = jobs(world)
    _retry(world, failed)
    assert not world.store.parts.close(before)
    assert not world.store.parts.close(left)
    world.settle()
    assert [job.status for job in jobs(world)] == [JobStatus.COMPLETED]


def _fail_alone(world: CrashWorld, job: Job) -> None:
    """As earlier versions did it to the other parts: the job fails and its part stays in the queue."""
    world.aws.dynamodb().update_item(
        TableName=resources.TABLE,
        Key={"pk": {"S": f"JOB#{job.job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "failed"}},
    )


def test_parts_that_rest_hide_nobody_behind_them(world: CrashWorld) -> None:
    queued(world, *(f"tired-{number}" for number in range(2 * CANDIDATES + 1)))
    for part in list(world.store.parts.queue()):
        broken(world, part, rest_ms=10 * MINUTE)
    world.now += SECOND
    queued(world, "fresh")
    worker, held = patient(world)
    assert worker._take_one()
    (claimed,) = worker._held.values()
    assert claimed.job.source_key == "uploads/fresh.wav"
    assert len(held) == 1


def test_a_part_that_rests_has_its_turn_when_its_rest_is_over(world: CrashWorld) -> None:
    def trouble(_: Worker) -> None:
        raise OSError("disk full")

    world.each_clip = trouble
    queued(world, "a")
    worker = world.worker(world.ec2.running[0])
    assert worker._take_one()
    (part,) = world.store.parts.queue()
    assert part.due_at == part.not_before > world.now


def test_a_part_that_must_be_alone_is_next_even_under_a_steady_stream(world: CrashWorld) -> None:
    queued(world, "first", "again", "third", "fourth")
    first, again, *_ = world.store.parts.queue()
    worker, held = patient(world)
    assert worker._take_one()
    broken(world, again)
    assert not worker._take_one(), "nothing is taken past it"
    assert set(worker._held) == {f"{first.job_id}/{first.part_id}"}
    held.pop()()
    assert worker._take_one()
    assert set(worker._held) == {f"{again.job_id}/{again.part_id}"}


def test_of_several_workers_one_takes_the_part_that_must_be_alone_and_the_others_go_on(world: CrashWorld) -> None:
    queued(world, "first", "again", "third", "fourth")
    again = list(world.store.parts.queue())[1]
    one, held_by_one = patient(world)
    other, held_by_other = patient(world)
    assert one._take_one()
    broken(world, again)
    held_by_one.pop()()
    assert one._take_one()
    assert [claim.part.job_id for claim in one._held.values()] == [again.job_id]
    assert other._take_one()
    assert other._take_one()
    assert len(held_by_other) == 2


def test_a_recording_for_another_model_has_its_turn_under_a_steady_stream(world: CrashWorld) -> None:
    world.worker_settings.models = ("whisper-base", "KBLab/kb-whisper-small")
    queued(world, "first", "other", "third")
    first, other, _ = world.store.parts.queue()
    _ask_for(world, other, "KBLab/kb-whisper-small")
    worker, held = patient(world)
    assert worker._take_one()
    assert not worker._take_one()
    assert [claim.part.job_id for claim in worker._held.values()] == [first.job_id]
    held.pop()()
    assert worker._take_one()
    assert [claim.part.job_id for claim in worker._held.values()] == [other.job_id]


def _ask_for(world: CrashWorld, part: Part, model: str) -> None:
    world.aws.dynamodb().update_item(
        TableName=resources.TABLE,
        Key={"pk": {"S": f"JOB#{part.job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET #o = :o",
        ExpressionAttributeNames={"#o": "options"},
        ExpressionAttributeValues={":o": {"M": {"model": {"S": model}}}},
    )


def test_a_job_that_was_split_by_a_lost_reply_is_not_queued_as_if_it_were_whole(world: CrashWorld) -> None:
    queued(world, "a")
    (part,) = world.store.parts.queue()
    mine = claim(world, part, "worker")
    job = world.store.jobs.get(part.job_id)
    assert job
    world.store.parts.split(mine, job, [10.0, 10.0], due_at=world.now)
    assert not world.store.parts.take_away(mine, due_at=world.now, job=replace(job, parts=1), interrupted=None)
    assert world.store.parts.take_away(mine, due_at=world.now, job=None, interrupted=None)


def test_a_job_of_an_unknown_version_is_left_alone_by_workers_who_do_the_others(world: CrashWorld) -> None:
    queued(world, "newer", "known")
    newer, known = sorted(jobs(world), key=lambda job: job.source_key, reverse=True)
    world.of_another_version(f"JOB#{newer.job_id}", "JOB")
    world.run_machines()
    (done,) = [job for job in jobs(world) if job.job_id == known.job_id]
    assert done.status is JobStatus.COMPLETED
    assert statuses(world, newer) == [PartStatus.QUEUED]
