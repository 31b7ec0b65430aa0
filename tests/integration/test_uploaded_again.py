"""A recording that is put once more after its job has ended without a text is transcribed, and by that very job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.common.domain import object_keys
from services.common.domain.records import FIRST_PART, Callback, Job
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, SECOND_MS
from services.common.store.callbacks import registration
from services.gpu_worker.queue.worker import Worker
from tests.support.step_world import StepWorld, step_world
from tests.support.uploads import OTHER, OWN, PLAIN, fail, registered, the_job
from tests.support.world import BUCKET


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


def cancel_in_the_queue(world: StepWorld, key: str) -> None:
    world.upload(key)
    world.serve_queue()
    world.cancel(the_job(world))
    world.settle()


def cancel_at_work(world: StepWorld, key: str) -> None:
    world.upload(key)
    world.each_clip = lambda _: world.cancel(the_job(world))
    world.settle()
    world.each_clip = lambda _: None


def lose(world: StepWorld, key: str) -> None:
    world.upload(key)
    world.serve_queue()
    world.s3.delete_object(Bucket=BUCKET, Key=key)
    world.settle()


def replace_it(world: StepWorld, key: str) -> None:
    """By something of which S3 tells nobody, and which is gone again."""
    world.upload(key)
    world.serve_queue()
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=OTHER)
    world.settle()


def expire(world: StepWorld, key: str) -> None:
    """Nobody uploads in time; then somebody does, and it fails."""
    world.now += 2 * HOUR_MS
    world.settle()
    fail(world, key)


ENDS: list[Callable[[StepWorld, str], None]] = [fail, cancel_in_the_queue, cancel_at_work, lose, replace_it]


def kinds(world: StepWorld, job: Job) -> list[str]:
    return sorted(event["type"].removeprefix("transcription.") for event in world.events(job))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("key", [PLAIN, OWN])
def test_however_it_ended_the_same_file_again_is_transcribed_by_the_same_job(
    world: StepWorld, key: str, end: Callable[[StepWorld, str], None]
) -> None:
    if key == OWN:
        registered(world)
    end(world, key)
    ended = the_job(world)
    assert ended.status in {JobStatus.FAILED, JobStatus.CANCELED}

    world.now += SECOND_MS
    world.upload(key)
    world.settle()

    again = the_job(world)
    assert (again.job_id, again.status, again.generation, again.error) == (ended.job_id, JobStatus.COMPLETED, 1, None)
    assert kinds(world, again).count("queued") == 2
    assert "canceled" not in again.times
    assert again.times["uploaded"] > ended.times["uploaded"]
    assert again.expires_at
    assert again.expires_at > (ended.expires_at or 0)


def test_a_job_that_expired_takes_late_uploads_and_later_ones(world: StepWorld) -> None:
    registered(world)
    expire(world, OWN)
    world.now += SECOND_MS
    world.upload(OWN)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.COMPLETED, 1)
    assert kinds(world, the_job(world)).count("expired") == 1


@pytest.mark.parametrize("end", [fail, cancel_at_work])
def test_another_recording_under_a_jobs_own_key_is_transcribed_by_that_job(
    world: StepWorld, end: Callable[[StepWorld, str], None]
) -> None:
    registered(world)
    end(world, OWN)
    world.now += SECOND_MS
    world.upload(OWN, OTHER)
    world.settle()
    job = the_job(world)
    assert (job.job_id, job.status, job.source_bytes) == ("job_own", JobStatus.COMPLETED, len(OTHER))


def test_another_recording_under_a_plain_key_is_a_job_of_its_own(world: StepWorld) -> None:
    fail(world, PLAIN)
    world.now += SECOND_MS
    world.upload(PLAIN, OTHER)
    world.settle()
    assert sorted(job.status for job in world.jobs()) == [JobStatus.COMPLETED, JobStatus.FAILED]


def test_nothing_of_what_was_made_of_one_upload_is_used_for_another() -> None:
    with step_world(parts=3) as world:
        registered(world)
        seen: list[int] = []

        def cancel_late(_: Worker) -> None:
            seen.append(1)
            if len(seen) == 5:
                world.cancel(the_job(world))

        world.upload(OWN)
        world.each_clip = cancel_late
        world.settle()
        before = the_job(world)
        kept = {entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET, Prefix="work/")["Contents"]}
        assert (before.status, before.parts) == (JobStatus.CANCELED, 3)
        assert any("/0001/" in key or "/0000/" in key for key in kept)
        held = [part.attempt for part in world.store.parts.of_job("job_own") if part.part_id == FIRST_PART]

        world.now += SECOND_MS
        world.upload(OWN, OTHER)
        world.serve_queue()
        anew = the_job(world)
        assert (anew.parts, anew.parts_done, anew.place) == (1, 0, "job_own/upload-2")
        (first,) = world.store.parts.of_job("job_own")
        assert (first.part_id, first.status, [first.attempt]) == (FIRST_PART, "queued", held)

        decoded: list[int] = []
        world.each_clip = lambda _: decoded.append(1)
        world.settle()
        job = the_job(world)
        assert job.status is JobStatus.COMPLETED
        assert job.result
        assert job.result["prefix"].startswith(object_keys.results("job_own/upload-2"))
        assert len(decoded) == 6, "every clip of all three parts"


def test_a_job_that_was_canceled_before_its_upload_runs_for_none_but_a_second_one(world: StepWorld) -> None:
    world.cancel(registered(world))
    world.upload(OWN)
    world.settle()
    world.tell(OWN)
    world.age(HOUR_MS)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.CANCELED, 0)
    world.upload(OWN)
    world.settle()
    assert (the_job(world).status, the_job(world).generation) == (JobStatus.COMPLETED, 1)


def test_a_job_with_a_text_is_left_alone_and_other_bytes_under_its_key_are_a_job_of_their_own(world: StepWorld) -> None:
    done = registered(world)
    for number, content in enumerate((b"sound" * 1000, b"sound" * 1000, OTHER)):
        world.now += number * SECOND_MS
        world.upload(OWN, content)
        world.settle()
    jobs = {job.job_id: (job.status, job.generation) for job in world.jobs()}
    assert jobs.pop(done.job_id) == (JobStatus.COMPLETED, 0)
    assert list(jobs.values()) == [(JobStatus.COMPLETED, 0)]


def test_the_callback_of_a_job_that_begins_anew_lives_as_long_as_the_job(world: StepWorld) -> None:
    job = registered(world, own_callback="cb_own")
    own = Callback(
        callback_id="cb_own",
        client_id="default",
        url="https://receiver.example.com/own",
        events=["transcription.completed"],
        job_id=job.job_id,
        expires_at=job.expires_at,
    )
    world.store.commit(registration(own))
    fail(world, OWN)
    world.now += SECOND_MS
    world.upload(OWN)
    world.serve_queue()
    kept = world.store.callbacks.get("default", "cb_own", job.job_id)
    assert kept
    assert kept.expires_at == the_job(world).expires_at
    world.settle()
    assert "cb_own" in {delivery.callback_id for delivery in world.store.deliveries.of_job(job.job_id)}
