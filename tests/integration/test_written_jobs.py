"""How a job comes to be, arrives, waits, ends before its time, is tried again and is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.change import Change
from services.common.domain.lifecycle.part_changes import first_part
from services.common.domain.records import FIRST_PART, Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import commands, keys
from services.common.store.items import item_of
from services.common.store.jobs import creation
from services.common.store.operations import ConditionFailedError, Put
from tests.support.world import World
from tests.support.written import NEVER, changed, key_of, lying, of_job, put_job, put_part, table

KEY = keys.job("job_1")
UNDUE = {"due_kind": NEVER, "due_at": NEVER}


def put_awaited(world: World, status: JobStatus = JobStatus.AWAITING_UPLOAD) -> Job:
    """A job whose recording is to come."""
    job = put_job(world, status=status, source_etag="", times={"created": 1}, upload_expires_at=world.clock() + 5)
    table(world).write(Put(item=item_of(job)))
    return job


def arrived(world: World, job: Job) -> Change[Job]:
    recording = job_changes.Arrival(
        etag="new", size=5, modified=0, uploaded=3, queued=world.clock(), expires_at=2_000_000_000
    )
    return job_changes.arrive(job, recording)


def arrive(world: World, job: Job) -> bool:
    change = arrived(world, job)
    return world.store.jobs.arrive(change, world.announced(change.after, EventType.QUEUED), seconds=60.0, due_at=9)


def kinds(world: World) -> list[str]:
    return [item["type"] for sk, item in of_job(world).items() if sk.startswith("EVENT#")]


def test_an_awaited_upload_is_due_when_it_expires_and_any_other_job_is_not(world: World) -> None:
    job = put_awaited(world)
    assert {name: lying(world, KEY)[name] for name in ("due_kind", "due_at")} == {
        "due_kind": "upload",
        "due_at": job.upload_expires_at,
    }
    assert world.store.jobs.overdue_uploads(world.clock() + 5, 10) == ["job_1"]
    assert world.store.jobs.overdue_uploads(world.clock() + 4, 10) == []
    assert "due_kind" not in item_of(arrived(world, job).after)


def test_a_job_is_made_once(world: World) -> None:
    job = put_job(world)
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        world.store.commit([creation(replace(job, file_name="b.mp3"))])
    told = world.announced(job, EventType.QUEUED)
    assert not world.store.jobs.take_in(replace(job, file_name="b.mp3"), told, seconds=1, due_at=9)
    assert of_job(world) == before


def test_a_part_that_an_aged_out_job_left_is_written_over(world: World) -> None:
    """DynamoDB deletes what has aged out item by item, and takes its time."""
    put_part(world)
    job = replace(put_job(world, "job_2"), job_id="job_1")
    assert world.store.jobs.take_in(job, world.announced(job, EventType.QUEUED), seconds=1, due_at=9)
    assert world.store.parts.of_job("job_1") == [first_part(job, 1, 9)]


def test_an_upload_that_is_taken_in_is_a_job_a_part_and_an_event(world: World) -> None:
    job = replace(put_job(world, "job_2", expires_at=2_000_000_000), job_id="job_1")
    assert world.store.jobs.take_in(job, world.announced(job, EventType.QUEUED), seconds=60.0, due_at=9)
    assert world.store.jobs.get("job_1") == job
    assert world.store.parts.of_job("job_1") == [first_part(job, 60.0, 9)]
    assert lying(world, ("JOB#job_1", FIRST_PART))["due_kind"] == "queued"
    assert kinds(world) == [EventType.QUEUED]


@pytest.mark.parametrize("status", [JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED])
def test_a_recording_that_arrives_queues_its_job_even_late(world: World, status: JobStatus) -> None:
    job = put_awaited(world, status)
    due = UNDUE if status is JobStatus.AWAITING_UPLOAD else {}
    assert changed(world, KEY, lambda: arrive(world, job)) == {
        "status": "queued",
        "source_etag": "new",
        "source_bytes": 5,
        "times": {"created": 1, "uploaded": 3, "queued": world.clock()},
        "sequence": world.clock(),
        "expires_at": 2_000_000_000,
        **due,
    }
    assert world.store.parts.of_job("job_1") == [
        Part(
            job_id="job_1",
            part_id=FIRST_PART,
            status=PartStatus.QUEUED,
            client_id="alice",
            created_at=world.clock(),
            seconds=60.0,
            due_at=9,
            expires_at=2_000_000_000,
        )
    ]
    assert kinds(world) == [EventType.QUEUED]


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.CANCELED, JobStatus.COMPLETED])
def test_a_recording_arrives_once(world: World, status: JobStatus) -> None:
    job = put_awaited(world)
    put_job(world, status=status)
    before = of_job(world)
    assert not arrive(world, job)
    assert of_job(world) == before


def test_no_recording_arrives_for_a_job_that_is_gone(world: World) -> None:
    job = replace(put_awaited(world), job_id="job_2")
    assert not arrive(world, job)
    assert of_job(world, "job_2") == {}


def test_a_job_that_expires_is_due_no_more_and_says_so_once(world: World) -> None:
    job = replace(put_awaited(world), status=JobStatus.EXPIRED)
    told = world.announced(job, EventType.EXPIRED)
    assert changed(world, KEY, lambda: world.store.jobs.expire(job_changes.expire(job, world.clock()), told)) == {
        "status": "expired",
        "sequence": world.clock(),
        **UNDUE,
    }
    assert kinds(world) == [EventType.EXPIRED]
    assert not world.store.jobs.expire(job_changes.expire(job, world.clock()), told)


def test_why_a_job_waits_is_said_once_and_taken_back_once(world: World) -> None:
    put_job(world)
    jobs = world.store.jobs
    assert changed(world, KEY, lambda: jobs.waits("job_1", "capacity", "none")) == {
        "waiting": "capacity",
        "waiting_reason": "none",
    }
    assert changed(world, KEY, lambda: jobs.waits("job_1", "quota", "none")) == {}
    assert changed(world, KEY, lambda: jobs.waits("job_1", "quota", "too many")) == {
        "waiting": "quota",
        "waiting_reason": "too many",
    }
    assert jobs.waits_no_longer("job_1") is True
    assert {"waiting", "waiting_reason"} & lying(world, KEY).keys() == set()
    assert jobs.waits_no_longer("job_1") is False


def test_a_job_that_is_begun_is_told_nothing_of_waiting(world: World) -> None:
    put_job(world, status=JobStatus.RUNNING, waiting="capacity", waiting_reason="none")
    before = of_job(world)
    world.store.jobs.waits("job_1", "quota", "too many")
    assert world.store.jobs.waits_no_longer("job_1") is False
    assert of_job(world) == before


def cancel(world: World, job: Job) -> None:
    parts = world.store.parts.of_job(job.job_id)
    change = job_changes.cancel(job, world.clock(), seen=0)
    world.store.commit(commands.canceled(change, parts, world.announced(change.after, EventType.CANCELED)))


def retry(world: World, failed: Job) -> None:
    change = job_changes.retry(failed, world.clock())
    parts = world.store.parts.of_job(failed.job_id)
    world.store.commit(commands.retried(change, parts, world.announced(change.after, EventType.QUEUED), 9))


def test_a_canceled_job_takes_along_what_is_open_and_nothing_else(world: World) -> None:
    job = put_job(world, status=JobStatus.RUNNING, waiting="capacity", waiting_reason="none")
    table(world).write(Put(item=lying(world, KEY) | {"due_kind": "upload", "due_at": 1}))
    for number, status in enumerate((PartStatus.QUEUED, PartStatus.RUNNING, PartStatus.DONE)):
        put_part(world, part_id=part_name(number), status=status, owner="worker")
    assert changed(world, KEY, lambda: cancel(world, job)) == {
        "status": "canceled",
        "times": {**job.times, "canceled": world.clock()},
        "sequence": world.clock(),
        "waiting": NEVER,
        "waiting_reason": NEVER,
        **UNDUE,
    }
    assert [part.status for part in world.store.parts.of_job("job_1")] == ["canceled", "canceled", "done"]
    assert kinds(world) == [EventType.CANCELED]


@pytest.mark.parametrize(
    "since",
    [{"status": JobStatus.COMPLETED}, {"status": JobStatus.CANCELED}, {"generation": 1}],
    ids=["done", "canceled", "tried again"],
)
def test_a_job_that_is_another_by_now_is_not_canceled(world: World, since: dict[str, Any]) -> None:
    job = put_job(world)
    put_job(world, **since)
    put_part(world)
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        cancel(world, job)
    assert of_job(world) == before


def put_failed(world: World, **more: Any) -> Job:
    error = {"code": "NO_SOUND", "message": "None."}
    times = {"created": 1, "uploaded": 2, "queued": 3, "claimed": 4, "failed": 5}
    return put_job(world, **{"status": JobStatus.FAILED, "error": error, "times": times, "generation": 1, **more})


def test_a_retry_is_a_run_of_its_own_and_keeps_what_is_done(world: World) -> None:
    job = put_failed(world)
    times = {"created": 1, "uploaded": 2, "queued": 9}
    assert job_changes.retry(job, 9).after == replace(
        job, status=JobStatus.QUEUED, generation=2, error=None, times=times, sequence=9
    )
    part = put_part(world, status=PartStatus.FAILED, owner="worker", faults=1, suspected=True, behind=4)
    done = put_part(world, part_id=part_name(1), status=PartStatus.DONE)
    of_part: list[Any] = []
    assert changed(world, KEY, lambda: of_part.append(changed(world, key_of(part), lambda: retry(world, job)))) == {
        "status": "queued",
        "generation": 2,
        "error": NEVER,
        "times": {"created": 1, "uploaded": 2, "queued": world.clock()},
        "sequence": world.clock(),
    }
    assert of_part == [
        {
            "status": "queued",
            "due_kind": "queued",
            "due_at": 9,
            "created_at": world.clock(),
            "deaths": 0,
            "losses": 0,
            "faults": 0,
            "suspected": False,
            "behind": 0,
            "beat": 0,
            "on_device": False,
            "not_before": 0,
            "owner": NEVER,
        }
    ]
    assert world.store.parts.get("job_1", part_name(1)) == replace(done, due_at=0), "nor is it due"
    assert kinds(world) == [EventType.QUEUED]


@pytest.mark.parametrize(
    ("of_the_job", "of_the_part"),
    [
        ({"status": JobStatus.QUEUED}, {}),
        ({"generation": 2}, {}),
        ({}, {"attempt": 3}),
        ({}, {"status": PartStatus.QUEUED}),
    ],
    ids=["queued since", "tried again since", "claimed since", "part queued since"],
)
def test_a_job_is_tried_again_once(world: World, of_the_job: dict[str, Any], of_the_part: dict[str, Any]) -> None:
    change = job_changes.retry(put_failed(world), world.clock())
    operations = commands.retried(
        change, [put_part(world, status=PartStatus.FAILED)], world.announced(change.after, EventType.QUEUED), 9
    )
    put_failed(world, **of_the_job)
    put_part(world, **{"status": PartStatus.FAILED, **of_the_part})
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        world.store.commit(operations)
    assert of_job(world) == before
