"""Jobs come to be once, arrive once, and expire only while nobody has uploaded; every client's turn grows alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.jobs import creation
from services.common.store.operations import ConditionFailedError
from services.common.store.tombstones import TAKEN_OVER_MS
from tests.support.items import awaited, job_of, part_of, queued, told
from tests.support.world import World

JOB = keys.job("job_1")


def expire(world: World, job: Job) -> bool:
    return world.store.jobs.expire(
        job_changes.expire(job, world.clock()),
        world.announced(replace(job, status=JobStatus.EXPIRED), EventType.EXPIRED),
    )


def arrive(world: World, job: Job) -> bool:
    recording = job_changes.Arrival(etag="etag", size=5, modified=0, uploaded=4, queued=5, expires_at=7)
    change = job_changes.arrive(job, recording)
    return world.store.jobs.arrive(change, world.announced(change.after, EventType.QUEUED), seconds=1.0, due_at=3)


def take_in(world: World, job: Job) -> bool:
    return world.store.jobs.take_in(job, world.announced(job, EventType.QUEUED), seconds=1.0, due_at=3)


def plain(world: World) -> Job:
    """A job that an upload makes by itself."""
    return replace(awaited(world, "job_other"), job_id="job_1", status=JobStatus.QUEUED, upload_expires_at=None)


def test_an_upload_that_arrives_while_the_sweep_looks_does_not_expire(world: World) -> None:
    seen_by_the_sweep = awaited(world)
    world.arrived("job_1")
    assert not expire(world, seen_by_the_sweep)
    assert job_of(world).status is JobStatus.QUEUED
    assert told(world, EventType.EXPIRED) == 0


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.AWAITING_UPLOAD])
def test_only_a_job_that_awaits_its_upload_expires(world: World, status: JobStatus) -> None:
    job = awaited(world)
    world.change(JOB, status=status)
    before = world.all_items()
    assert not expire(world, job)
    assert world.all_items() == before


def test_a_job_that_has_expired_is_due_no_more(world: World) -> None:
    job = awaited(world)
    assert world.store.jobs.overdue_uploads(world.clock() + MINUTE_MS, 10) == ["job_1"]
    assert expire(world, job)
    assert world.store.jobs.overdue_uploads(world.clock() + MINUTE_MS, 10) == []
    assert (job_of(world).status, told(world, EventType.EXPIRED)) == (JobStatus.EXPIRED, 1)


def test_no_more_overdue_uploads_are_named_than_one_sweep_expires(world: World) -> None:
    awaited(world)
    awaited(world, "job_2")
    assert len(world.store.jobs.overdue_uploads(world.clock() + MINUTE_MS, 1)) == 1


def test_awaited_uploads_are_named_from_the_one_that_expires_last_and_no_others_are(world: World) -> None:
    for name in ("job_1", "job_2", "job_3"):
        world.clock.pass_(MINUTE_MS)
        awaited(world, name)
    assert expire(world, job_of(world))
    assert [job.job_id for job in world.store.jobs.awaited_uploads(10)] == ["job_3", "job_2"]
    assert [job.job_id for job in world.store.jobs.awaited_uploads(1)] == ["job_3"]


ARRIVES = (JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED)


@pytest.mark.parametrize("status", [status for status in JobStatus if status not in ARRIVES])
def test_a_recording_does_not_arrive_twice_nor_for_a_job_that_is_over(world: World, status: JobStatus) -> None:
    job = awaited(world)
    world.change(JOB, status=status)
    before = world.all_items()
    assert not arrive(world, job)
    assert world.all_items() == before


@pytest.mark.parametrize("status", ARRIVES)
def test_a_recording_that_arrives_is_queued_even_if_it_is_late(world: World, status: JobStatus) -> None:
    job = awaited(world)
    world.change(JOB, status=status)
    assert arrive(world, job)
    after = job_of(world)
    assert (after.status, after.source_etag, after.source_bytes, after.expires_at) == ("queued", "etag", 5, 7)
    (part,) = world.store.parts.queue()
    assert (part.due_at, part.seconds, part.expires_at) == (3, 1.0, 7)
    assert world.store.jobs.overdue_uploads(world.clock() + MINUTE_MS, 10) == []


def test_no_recording_arrives_for_a_job_that_was_erased(world: World) -> None:
    job = awaited(world)
    assert world.store.tombstones.put(job, world.clock())
    before = world.all_items()
    assert not arrive(world, job)
    assert world.all_items() == before


def test_a_plain_upload_becomes_one_job(world: World) -> None:
    job = plain(world)
    assert take_in(world, job)
    before = world.all_items()
    assert not take_in(world, job)
    assert world.all_items() == before


def test_a_job_that_was_erased_is_not_taken_in_again(world: World) -> None:
    job = plain(world)
    take_in(world, job)
    world.store.tombstones.put(job, world.clock())
    world.store.tombstones.delete_items("job_1")
    assert not take_in(world, job)
    assert world.store.jobs.get("job_1") is None


def test_a_job_whose_id_is_taken_is_not_created(world: World) -> None:
    job = queued(world)
    with pytest.raises(ConditionFailedError):
        world.store.commit([creation(replace(job, status=JobStatus.AWAITING_UPLOAD))])
    assert job_of(world).status is JobStatus.QUEUED


def test_only_a_queued_job_is_told_why_it_waits(world: World) -> None:
    world.claimed(queued(world))
    world.store.jobs.waits("job_1", "capacity", "EC2 has none.")
    assert job_of(world).waiting is None


def test_a_job_is_told_once_why_it_waits_and_again_when_that_changes(world: World) -> None:
    queued(world)
    world.store.jobs.waits("job_1", "capacity", "EC2 has none.")
    before = world.all_items()
    world.store.jobs.waits("job_1", "capacity", "EC2 has none.")
    assert world.all_items() == before
    world.store.jobs.waits("job_1", "quota", "There is a limit.")
    assert (job_of(world).waiting, job_of(world).waiting_reason) == ("quota", "There is a limit.")


def test_a_job_that_waits_no_longer_says_nothing_and_says_so_once(world: World) -> None:
    queued(world)
    world.store.jobs.waits("job_1", "capacity", "EC2 has none.")
    assert world.store.jobs.waits_no_longer("job_1")
    assert (job_of(world).waiting, job_of(world).waiting_reason) == (None, None)
    assert not world.store.jobs.waits_no_longer("job_1")


def test_a_running_job_is_not_touched_by_the_fleet_taking_back_its_words(world: World) -> None:
    world.claimed(queued(world))
    world.change(JOB, waiting="capacity")
    assert not world.store.jobs.waits_no_longer("job_1")


def test_an_idle_clients_turn_begins_now_and_a_busy_ones_behind_what_it_asked_before(world: World) -> None:
    turns = world.store.turns
    assert turns.take("alice", 100, 1_000) == 1_000
    assert turns.take("alice", 50, 1_010) == 1_100
    assert turns.take("bob", 10, 1_010) == 1_010
    assert turns.take("alice", 10, 1_149) == 1_150
    assert turns.take("alice", 10, 1_160) == 1_160, "exactly when its turn has come it is idle"
    assert turns.take("alice", 10, 5_000) == 5_000, "and what it did not use is not saved up"


def test_looks_and_late_uploads_add_to_one_receipt_whoever_comes_first(world: World) -> None:
    tombstones = world.store.tombstones
    tombstones.put(queued(world), world.clock())
    searched = tombstones.get("job_1")
    assert searched
    tombstones.count_late(searched, world.clock())
    for _ in range(2):
        tombstones.settle(searched, {"recording": 1, "results": 5}, look_again_at=None, forget=True)
    after = tombstones.get("job_1")
    assert after
    assert after.receipt == {"recording": 3, "results": 10, "work": 0, "records": 0}


def test_a_job_that_was_not_erased_is_no_grave_to_count_in(world: World) -> None:
    tombstones = world.store.tombstones
    tombstones.put(queued(world), world.clock())
    grave = tombstones.get("job_1")
    world.change(JOB, erased_at=None)
    before = world.all_items()
    assert grave
    tombstones.count_late(grave, world.clock())
    tombstones.settle(grave, {"recording": 1}, look_again_at=None, forget=True)
    assert world.all_items() == before


def test_an_erasures_last_look_forgets_the_recordings_name_and_is_due_no_more(world: World) -> None:
    tombstones = world.store.tombstones
    tombstones.put(queued(world), world.clock())
    (grave,) = tombstones.overdue(world.clock() + TAKEN_OVER_MS, 10)
    tombstones.settle(grave, {"recording": 1}, look_again_at=None, forget=True)
    after = tombstones.get("job_1")
    assert after
    assert (after.source_key, after.source_etag, after.final) == (None, None, True)
    assert after.receipt == {"recording": 1, "results": 0, "work": 0, "records": 0}
    assert list(tombstones.overdue(world.clock() + 10**10, 10)) == []


def test_erasing_a_jobs_items_leaves_its_tombstone_and_other_jobs(world: World) -> None:
    job, other = queued(world), queued(world, "job_2")
    world.store.tombstones.put(job, world.clock())
    assert world.store.tombstones.delete_items("job_1") == 2, "its part and its event"
    assert [item["sk"] for item in world.all_items() if item["pk"] == "JOB#job_1"] == ["JOB"]
    assert part_of(world, 0, other.job_id)


def test_a_job_is_read_with_its_parts_and_without_all_else_that_lies_with_it(world: World) -> None:
    assert world.store.jobs.with_parts("job_1") is None
    world.callback("https://hooks.example.com/", events=["transcription.queued"])
    job, first = world.claimed(queued(world))
    world.store.leases.split(first, job, [10.0, 20.0], due_at=7)
    assert told(world, EventType.QUEUED)

    assert world.store.jobs.with_parts("job_1") == (job_of(world), [part_of(world), part_of(world, 1)])


def test_of_a_jobs_parts_the_first_in_the_queue_has_the_jobs_place(world: World) -> None:
    for name, due_at in (("job_1", 1), ("job_2", 2), ("job_3", 3)):
        world.arrived(awaited(world, name).job_id, due_at=due_at)
    places = [part_of(world, job_id=name) for name in ("job_1", "job_2", "job_3")]

    assert [world.store.parts.ahead_of([part]) for part in places] == [0, 1, 2]
    assert world.store.parts.ahead_of([places[2], places[1]]) == 1
    _, claimed = world.claimed(job_of(world))
    assert world.store.parts.ahead_of([claimed]) is None, "it stands in no queue"
    assert world.store.parts.ahead_of([claimed, places[2]]) == 1
