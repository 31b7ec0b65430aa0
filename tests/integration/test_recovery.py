"""The sweep looks twice before it takes a part away, and between its looks a living worker is heard of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.records import Job, Part
from services.common.domain.retry_policy import MAX_DEATHS, MAX_LOSSES
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.common.store.callbacks import Callbacks
from services.common.store.jobs import creation
from services.common.store.table import Table
from services.orchestrator.service import Orchestrator
from tests.support.step_world import StepWorld, step_world


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


def the_job(world: StepWorld) -> Job:
    (job,) = world.store.jobs.of_client("default", limit=2)
    return job


def the_part(world: StepWorld) -> Part:
    (part,) = world.store.parts.of_job(the_job(world).job_id)
    return part


def held(world: StepWorld, **how_often: int) -> Part:
    """A part that a worker has on its device, and whose lease is over: its clock is late, or it is dead."""
    world.upload()
    world.serve_queue()
    (part,) = world.store.parts.queue()
    mine = world.store.leases.claim(
        part, the_job(world), owner="worker", lease_ends=world.now + MINUTE_MS, started=None, times={}
    )
    assert mine
    if how_often:
        world.change(keys.part(part.job_id, part.part_id), **how_often)
    world.store.leases.heartbeat(mine, lease_ends=world.now, on_device=True, progress=0.5)
    return the_part(world)


def sweep(world: StepWorld, wait: Callable[[float], None]) -> dict[str, int]:
    orchestrator = Orchestrator(world.orchestrator_settings, world.aws, clock=world.clock, wait=wait)
    return orchestrator.sweep.run(lambda: 50.0)


def test_a_worker_that_beats_is_heard_of_between_the_sweeps_two_looks(world: StepWorld) -> None:
    part = held(world)

    def beats_go_on(seconds: float) -> None:
        if seconds >= world.orchestrator_settings.heartbeat_seconds:
            world.store.leases.heartbeat(part, lease_ends=world.now, on_device=True, progress=0.6)

    assert sweep(world, beats_go_on)["recovered"] == 0
    assert (the_part(world).status, the_part(world).deaths) == (PartStatus.RUNNING, 0)


def test_two_beats_may_be_missing_before_a_part_is_taken_away(world: StepWorld) -> None:
    held(world)
    waited: list[float] = []
    assert sweep(world, waited.append)["recovered"] == 1
    assert waited == [2.5 * world.orchestrator_settings.heartbeat_seconds]


def test_a_sweep_that_suspects_nobody_waits_for_nobody(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    waited: list[float] = []
    sweep(world, waited.append)
    assert waited == []


@pytest.mark.parametrize("change", ["given back", "beaten"])
def test_what_the_index_shows_late_makes_nobody_suspect(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    part, real = held(world), Table.due
    before = list(real(world.store.parts._table, "running"))
    if change == "beaten":
        world.store.leases.heartbeat(part, lease_ends=world.now + MINUTE_MS, on_device=True, progress=0.6)
    else:
        world.store.leases.give_back(part, due_at=0, job=the_job(world), interrupted=None)

    def stale(table: Table, kind: str, **how: Any) -> Iterator[dict[str, Any]]:
        return iter(before) if kind == "running" else real(table, kind, **how)

    monkeypatch.setattr(Table, "due", stale)
    waited: list[float] = []
    sweep(world, waited.append)
    assert waited == []


def test_a_part_is_not_suspected_before_its_lease_is_over(world: StepWorld) -> None:
    held(world)
    world.now -= 1
    assert list(world.orchestrator().sweep.recovery.suspects(world.now)) == []
    world.now += 1
    assert len(world.orchestrator().sweep.recovery.suspects(world.now)) == 1


def test_a_part_that_is_taken_away_is_due_at_once_and_its_job_says_that_it_was_interrupted(world: StepWorld) -> None:
    held(world)
    sweep(world, world.wait)
    part = the_part(world)
    assert (part.status, part.due_at, part.deaths) == (PartStatus.QUEUED, world.now, 1)
    assert the_job(world).status is JobStatus.QUEUED
    assert told(world, EventType.INTERRUPTED) == 1


def told(world: StepWorld, kind: EventType) -> int:
    return sum(item.get("type") == kind.value for item in world.all_items())


@pytest.mark.parametrize(
    ("counted", "code"),
    [({"deaths": MAX_DEATHS - 1}, "REPEATED_CRASH"), ({"losses": MAX_LOSSES}, "LOST_TOO_OFTEN")],
)
def test_a_part_that_has_had_its_last_try_ends_its_job(world: StepWorld, counted: dict[str, int], code: str) -> None:
    held(world, **counted)
    sweep(world, world.wait)
    job = the_job(world)
    assert (job.status, the_part(world).status) == (JobStatus.FAILED, PartStatus.FAILED)
    assert job.error
    assert job.error["code"] == code
    assert told(world, EventType.FAILED) == 1


@pytest.mark.parametrize("counted", [{"deaths": MAX_DEATHS - 2}, {"losses": MAX_LOSSES - 1}])
def test_a_part_has_all_its_tries(world: StepWorld, counted: dict[str, int]) -> None:
    held(world, **counted)
    sweep(world, world.wait)
    assert the_part(world).status is PartStatus.QUEUED


def test_a_living_workers_job_does_not_fail_though_it_was_its_last_try(world: StepWorld) -> None:
    part = held(world, deaths=MAX_DEATHS - 1)

    def beat(_: float) -> None:
        world.store.leases.heartbeat(part, lease_ends=world.now, on_device=True, progress=0.6)

    sweep(world, beat)
    assert (the_job(world).status, the_part(world).status) == (JobStatus.RUNNING, PartStatus.RUNNING)
    assert told(world, EventType.FAILED) == 0


def test_a_running_part_of_a_job_that_is_over_is_closed_and_counted_against_nobody(world: StepWorld) -> None:
    part = held(world)
    world.change(keys.job(part.job_id), status=JobStatus.CANCELED)
    sweep(world, world.wait)
    assert (the_part(world).status, the_part(world).deaths) == (PartStatus.CANCELED, 0)


def awaited(world: StepWorld) -> Job:
    job = Job(
        job_id="job_1",
        client_id="default",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.now,
        source_key="uploads/default/job_1/a.wav",
        file_name="a.wav",
        upload_expires_at=world.now,
    )
    world.store.commit([creation(job)])
    return job


def test_an_upload_that_arrives_while_the_sweep_expires_its_job_is_queued_and_nobody_is_told_otherwise(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, real = awaited(world), Callbacks.of_job

    def of_job(callbacks: Callbacks, wanted: Job) -> Any:
        """Between the sweep's look at the job and its write."""
        monkeypatch.setattr(Callbacks, "of_job", real)
        world.upload(job.source_key)
        world.serve_queue()
        return real(callbacks, wanted)

    monkeypatch.setattr(Callbacks, "of_job", of_job)
    assert sweep(world, world.wait)["expired"] == 0
    assert the_job(world).status is JobStatus.QUEUED
    assert told(world, EventType.EXPIRED) == 0


def test_a_job_that_the_index_shows_as_awaited_and_is_not_costs_one_look(world: StepWorld) -> None:
    awaited(world)
    world.upload("uploads/default/job_1/a.wav")
    world.serve_queue()
    with world.faults.watching():
        world.faults.calls.clear()
        assert not world.orchestrator().sweep.expiry.expire("job_1", world.now + HOUR_MS)
        assert not world.orchestrator().sweep.expiry.expire("job_gone", world.now + HOUR_MS)
    assert world.faults.calls == ["dynamodb.GetItem"] * 2


def test_the_second_look_is_by_the_clock_after_the_wait(world: StepWorld) -> None:
    held(world)
    began = world.now
    sweep(world, world.wait)
    assert the_part(world).due_at == began + 25 * SECOND_MS


def test_a_part_that_is_taken_away_brings_its_machine_with_the_same_sweep(world: StepWorld) -> None:
    held(world)
    (dead,) = world.ec2.running
    world.ec2.end(dead["InstanceId"])
    (slot,) = world.store.slots.all()
    world.store.slots.free(slot)
    sweep(world, world.wait)
    assert len(world.ec2.running) == 1
