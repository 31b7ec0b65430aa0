"""Whose turn it is, and what becomes of a job's parts once it is over: on a deployment that runs step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.errors import InvalidMediaError
from services.common.domain.events import EventType
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store.leases import JobChangedError
from services.common.store.parts import Parts
from services.gpu_worker.queue.claiming import CANDIDATES
from services.gpu_worker.queue.worker import Worker
from tests.crash.invariants import violations
from tests.support.step_world import StepWorld, step_world

SECOND_PART = part_name(1)


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


@pytest.fixture
def long() -> Iterator[StepWorld]:
    """A deployment whose recordings have three parts."""
    with step_world(parts=3) as made:
        made.listen()
        yield made


def statuses(world: StepWorld, job: Job) -> list[PartStatus]:
    return [part.status for part in world.store.parts.of_job(job.job_id)]


def claim(world: StepWorld, part: Part, owner: str) -> Part:
    job = world.store.jobs.get(part.job_id)
    assert job
    mine = world.store.leases.claim(part, job, owner=owner, lease_ends=world.now + MINUTE_MS, started=None, times={})
    assert mine
    return mine


def queued(world: StepWorld, *names: str) -> None:
    """Recordings, each with a turn of its own."""
    for name in names:
        world.upload(f"uploads/{name}.wav")
    world.serve_queue()


def broken(world: StepWorld, part: Part, *, rest_ms: int = 0, **more: Any) -> None:
    """An attempt at the part has come to nothing; it is due at once, and perhaps rests."""
    job = world.store.jobs.get(part.job_id)
    not_before = world.now + rest_ms if rest_ms else 0
    world.store.leases.give_back(
        claim(world, part, "earlier"), due_at=0, job=job, interrupted=None, not_before=not_before, **more
    )


def patient(world: StepWorld) -> tuple[Worker, list[Callable[[], None]]]:
    """A worker on the world's machine, and what it has claimed but not begun."""
    held: list[Callable[[], None]] = []
    return world.worker(world.ec2.running[0], start=held.append), held


def while_the_second_part_is_worked_on(world: StepWorld, happen: Callable[[], None]) -> None:
    """Until somebody claims the second part, all goes well; then this happens, and it fails."""

    def fail(worker: Worker) -> None:
        if any(held.part.part_id == SECOND_PART for held in worker.held):
            happen()
            raise InvalidMediaError("This part cannot be decoded.")

    world.each_clip = fail


def test_a_part_that_fails_takes_along_those_that_other_machines_work_on(long: StepWorld) -> None:
    def another_machine_takes_the_third() -> None:
        (third,) = long.store.parts.queue()
        claim(long, third, "another")
        while_the_second_part_is_worked_on(long, lambda: None)

    while_the_second_part_is_worked_on(long, another_machine_takes_the_third)
    long.upload()
    long.serve_queue()
    long.run_machines()
    (job,) = long.jobs()
    assert job.status is JobStatus.FAILED
    assert statuses(long, job) == [PartStatus.DONE, PartStatus.FAILED, PartStatus.CANCELED]
    long.settle()
    assert violations(long, {"failed"}) == []


def test_a_part_that_ends_while_another_fails_the_job_is_left_as_it_ended(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch
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
            assert long.store.endings.finish_slice(claim(long, third, "another"), job, merge_due_at=long.now, cost={})
        calls.append(job_id)
        return found

    monkeypatch.setattr(Parts, "open_of", late)
    while_the_second_part_is_worked_on(long, lambda: None)
    long.upload()
    long.settle()
    (job,) = long.jobs()
    assert len(calls) == 2, "who loses the condition reads again"
    assert statuses(long, job) == [PartStatus.DONE, PartStatus.FAILED, PartStatus.DONE]
    assert violations(long, {"failed"}) == []


def test_a_failed_job_of_several_parts_is_done_when_it_is_tried_again(long: StepWorld) -> None:
    while_the_second_part_is_worked_on(long, lambda: None)
    long.upload()
    long.settle()
    (failed,) = long.jobs()
    long.retry(failed)
    long.each_clip = lambda _: None
    long.settle()
    (job,) = long.jobs()
    assert job.status is JobStatus.COMPLETED
    attempts = {part.part_id: part.attempt for part in long.store.parts.of_job(job.job_id)}
    assert attempts == {"PART#0000": 1, "PART#0001": 2, "PART#0002": 1, "PART#MERGE": 1}


def test_each_run_of_a_job_tells_once_that_it_started(world: StepWorld) -> None:
    seen: list[int] = []

    def interrupt_then_fail(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == 1:
            worker.leaving.leave("spot notice")
        elif len(seen) == 2:
            raise InvalidMediaError("It cannot be decoded.")

    world.each_clip = interrupt_then_fail
    world.upload()
    world.settle()
    (failed,) = world.jobs()
    assert failed.status is JobStatus.FAILED
    assert _started(world, failed) == 1, "however often it was interrupted"
    world.retry(failed)
    world.settle()
    (job,) = world.jobs()
    assert job.status is JobStatus.COMPLETED
    assert _started(world, job) == 2
    assert "failed" not in job.times, "the times of a run are its own"


def _started(world: StepWorld, job: Job) -> int:
    return sum(item["type"] == EventType.STARTED for item in world.events(job))


def _forget(world: StepWorld, job_id: str) -> None:
    """The job's item alone is gone."""
    world.delete((f"JOB#{job_id}", "JOB"))


def test_parts_of_no_job_hide_nobody_and_keep_no_machine(world: StepWorld) -> None:
    queued(world, *(f"gone-{number}" for number in range(CANDIDATES + 2)))
    for job in world.jobs():
        _forget(world, job.job_id)
    world.now += SECOND_MS
    queued(world, "last")
    world.settle()
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]
    assert world.quiet()


def test_a_part_that_runs_for_no_job_is_closed_by_the_sweep(world: StepWorld) -> None:
    queued(world, "a")
    (part,) = world.store.parts.queue()
    claim(world, part, "silent")
    _forget(world, part.job_id)
    world.now += 10 * MINUTE_MS
    world.sweep()
    assert list(world.store.parts.running()) == []


def test_a_part_that_was_read_before_a_retry_queued_it_again_is_not_closed(world: StepWorld) -> None:
    queued(world, "a")
    (before,) = world.store.parts.queue()
    (job,) = world.jobs()
    broken(world, before)
    (left,) = world.store.parts.queue()
    _fail_alone(world, job)
    (failed,) = world.jobs()
    world.retry(failed)
    assert not world.store.leases.close(before)
    assert not world.store.leases.close(left)
    world.settle()
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]


def _fail_alone(world: StepWorld, job: Job) -> None:
    """As earlier versions did it to the other parts: the job fails and its part stays in the queue."""
    world.change((f"JOB#{job.job_id}", "JOB"), status=JobStatus.FAILED)


def test_parts_that_rest_hide_nobody_behind_them(world: StepWorld) -> None:
    queued(world, *(f"tired-{number}" for number in range(2 * CANDIDATES + 1)))
    for part in list(world.store.parts.queue()):
        broken(world, part, rest_ms=10 * MINUTE_MS)
    world.now += SECOND_MS
    queued(world, "fresh")
    worker, held = patient(world)
    assert worker.take_one()
    (claimed,) = worker.held
    assert claimed.job.source_key == "uploads/fresh.wav"
    assert len(held) == 1


def test_a_part_that_rests_has_its_turn_when_its_rest_is_over(world: StepWorld) -> None:
    def trouble(_: Worker) -> None:
        raise OSError("disk full")

    world.each_clip = trouble
    queued(world, "a")
    worker = world.worker(world.ec2.running[0])
    assert worker.take_one()
    (part,) = world.store.parts.queue()
    assert part.due_at == part.not_before > world.now


def test_a_part_that_must_be_alone_is_next_even_under_a_steady_stream(world: StepWorld) -> None:
    queued(world, "first", "again", "third", "fourth")
    first, again, *_ = world.store.parts.queue()
    worker, held = patient(world)
    assert worker.take_one()
    broken(world, again, counted="deaths")
    assert not worker.take_one(), "nothing is taken past it"
    assert {claim.name for claim in worker.held} == {f"{first.job_id}/{first.part_id}"}
    held.pop()()
    assert worker.take_one()
    assert {claim.name for claim in worker.held} == {f"{again.job_id}/{again.part_id}"}


def ready(world: StepWorld) -> list[str]:
    """The recordings that may be claimed now, in their order."""
    found = [world.job(part.job_id) for part in world.store.parts.ready(world.now, CANDIDATES)]
    return [job.source_key.removeprefix("uploads/").removesuffix(".wav") for job in found]


def test_a_part_over_which_a_process_died_comes_after_those_that_were_queued_by_then_and_before_later_ones(
    world: StepWorld,
) -> None:
    queued(world, "killer", "first")
    killer = next(part for part in world.store.parts.queue() if "killer" in world.job(part.job_id).source_key)
    world.now += SECOND_MS
    broken(world, killer, counted="deaths", behind=world.now)
    world.now += SECOND_MS
    later = [f"later-{number}" for number in range(CANDIDATES + 2)]
    queued(world, *later)
    assert ready(world)[0] == "first"
    assert "killer" not in ready(world)
    (first,) = [part for part in world.store.parts.queue() if "first" in world.job(part.job_id).source_key]
    claim(world, first, "w")
    assert ready(world)[:2] == ["killer", "later-0"]


def test_a_part_over_which_a_process_died_waits_ten_minutes_at_most(world: StepWorld) -> None:
    queued(world, "killer", *(f"others-{number}" for number in range(2 * CANDIDATES)))
    killer = next(part for part in world.store.parts.queue() if "killer" in world.job(part.job_id).source_key)
    broken(world, killer, counted="deaths", behind=world.now)
    world.now += 10 * MINUTE_MS - 1
    assert "killer" not in ready(world)
    world.now += 1
    assert ready(world)[0] == "killer"


def test_a_part_over_which_a_process_died_is_next_where_nothing_else_waits(world: StepWorld) -> None:
    queued(world, "killer")
    (killer,) = world.store.parts.queue()
    broken(world, killer, counted="deaths", behind=world.now)
    assert ready(world) == ["killer"]


def test_of_several_workers_one_takes_the_part_that_must_be_alone_and_the_others_go_on(world: StepWorld) -> None:
    queued(world, "first", "again", "third", "fourth")
    again = list(world.store.parts.queue())[1]
    one, held_by_one = patient(world)
    other, held_by_other = patient(world)
    assert one.take_one()
    broken(world, again, counted="deaths")
    held_by_one.pop()()
    assert one.take_one()
    assert [claim.part.job_id for claim in one.held] == [again.job_id]
    assert other.take_one()
    assert other.take_one()
    assert len(held_by_other) == 2


def test_a_recording_for_another_model_has_its_turn_under_a_steady_stream(world: StepWorld) -> None:
    world.worker_settings.models = ("whisper-base", "KBLab/kb-whisper-small")
    queued(world, "first", "other", "third")
    first, other, _ = world.store.parts.queue()
    _ask_for(world, other, "KBLab/kb-whisper-small")
    worker, held = patient(world)
    assert worker.take_one()
    assert not worker.take_one()
    assert [claim.part.job_id for claim in worker.held] == [first.job_id]
    held.pop()()
    assert worker.take_one()
    assert [claim.part.job_id for claim in worker.held] == [other.job_id]


def _ask_for(world: StepWorld, part: Part, model: str) -> None:
    world.change((f"JOB#{part.job_id}", "JOB"), options={"model": model})


def test_a_job_that_was_split_by_a_lost_reply_is_not_queued_as_if_it_were_whole(world: StepWorld) -> None:
    queued(world, "a")
    (part,) = world.store.parts.queue()
    mine = claim(world, part, "worker")
    job = world.store.jobs.get(part.job_id)
    assert job
    world.store.leases.split(mine, job, [10.0, 10.0], due_at=world.now)
    with pytest.raises(JobChangedError):
        world.store.leases.take_away(mine, now=world.now, job=replace(job, parts=1), interrupted=None)
    assert world.store.leases.take_away(mine, now=world.now, job=None, interrupted=None)


def test_a_job_of_an_unknown_version_is_left_alone_by_workers_who_do_the_others(world: StepWorld) -> None:
    queued(world, "newer", "known")
    newer, known = sorted(world.jobs(), key=lambda job: job.source_key, reverse=True)
    world.of_another_version(f"JOB#{newer.job_id}", "JOB")
    world.run_machines()
    (done,) = [job for job in world.jobs() if job.job_id == known.job_id]
    assert done.status is JobStatus.COMPLETED
    assert statuses(world, newer) == [PartStatus.QUEUED]
