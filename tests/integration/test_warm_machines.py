"""Machines that a schedule keeps warm: there while a window is open, at spot prices, and gone minutes after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from services.common.domain.machines import Slot
from services.common.domain.states import JobStatus, SlotStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.gpu_worker.queue.worker import Worker
from services.orchestrator.bulkheads import SweepFailedError
from services.orchestrator.expected import STAY_MS
from services.orchestrator.scaling import BREAK_MS, SILENT_BOOTS
from tests.support.step_world import StepWorld, step_world
from tests.support.world import lively

MAX_WORKERS = 3
HOUR_IDLE = 3_600.0


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return round(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * SECOND_MS)


OPENS, CLOSES = at(2027, 1, 15, 8), at(2027, 1, 15, 18)


@pytest.fixture
def world() -> Iterator[StepWorld]:
    """A Friday on which one machine is warm from eight to six, two minutes before it is."""
    with step_world(max_workers=MAX_WORKERS) as made:
        keep_warm(made)
        made.now = OPENS - 2 * MINUTE_MS
        yield made


def keep_warm(world: StepWorld, machines: int = 1, zone: str = "UTC") -> None:
    window = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "machines": machines}
    world.orchestrator_settings.warm_hours = json.dumps([window])
    world.orchestrator_settings.warm_zone = zone


def sweeps_until(world: StepWorld, until: int) -> None:
    """A sweep a minute, whose machines send their heartbeats."""
    while world.now < until:
        world.now += MINUTE_MS
        for worker in world.lives:
            world.beat(worker)
        world.sweep()


def opened(world: StepWorld, machines: int = 1) -> list[Worker]:
    """The workers of machines that a first sweep has launched, ready for work."""
    keep_warm(world, machines)
    world.now = OPENS
    world.sweep()
    return [world.worker(machine) for machine in world.ec2.running]


def slots(world: StepWorld) -> list[Slot]:
    return world.store.slots.all()


def markets(world: StepWorld) -> list[str]:
    tags = [{tag["Key"]: tag["Value"] for tag in machine["Tags"]} for machine in world.ec2.running]
    return [one["transcribe-market"] for one in tags]


def end(world: StepWorld, worker: Worker) -> None:
    """EC2 takes its machine back."""
    slot = world.lives.pop(worker).identity.slot
    (instance_id,) = (one.instance_id for one in slots(world) if one.slot == slot)
    world.ec2.end(str(instance_id))


def test_the_first_sweep_of_a_window_launches_its_machines_and_none_before_does(world: StepWorld) -> None:
    keep_warm(world, machines=2)
    sweeps_until(world, OPENS - MINUTE_MS)
    assert world.ec2.running == []
    sweeps_until(world, OPENS)
    assert len(world.ec2.running) == 2
    sweeps_until(world, OPENS + 3 * MINUTE_MS)
    assert len(world.ec2.machines) == 2


@pytest.mark.parametrize("day", [at(2027, 3, 26), at(2027, 3, 29)], ids=["winter", "summer"])
def test_a_window_opens_by_the_clock_on_the_wall_before_and_after_that_changes(world: StepWorld, day: int) -> None:
    keep_warm(world, zone="Europe/Stockholm")
    opens = day + (7 if day == at(2027, 3, 26) else 6) * HOUR_MS
    world.now = opens - 2 * MINUTE_MS
    sweeps_until(world, opens - MINUTE_MS)
    assert world.ec2.running == []
    sweeps_until(world, opens)
    assert len(world.ec2.running) == 1


def test_a_warm_machine_stays_however_long_it_is_idle_and_leaves_minutes_after_the_window_closes(
    world: StepWorld,
) -> None:
    (worker,) = opened(world)
    sweeps_until(world, OPENS + 10 * MINUTE_MS)
    assert not worker.leaving.leave_if_idle(HOUR_IDLE)
    world.now = CLOSES - 2 * MINUTE_MS
    sweeps_until(world, CLOSES)
    assert not worker.leaving.leave_if_idle(HOUR_IDLE), "it was told so a minute ago"
    sweeps_until(world, CLOSES + STAY_MS)
    assert worker.leaving.leave_if_idle(HOUR_IDLE)
    end(world, worker)
    sweeps_until(world, CLOSES + STAY_MS + 2 * MINUTE_MS)
    assert len(world.ec2.machines) == 1
    assert slots(world) == []


def test_a_machine_that_is_interrupted_comes_again_with_the_next_sweep(world: StepWorld) -> None:
    (worker,) = opened(world)
    end(world, worker)
    sweeps_until(world, OPENS + MINUTE_MS)
    assert len(world.ec2.running) == 1
    assert [slot.status for slot in slots(world)] == [SlotStatus.LAUNCHING]


def test_a_machine_whose_lifetime_is_over_leaves_and_another_takes_its_place(world: StepWorld) -> None:
    (worker,) = opened(world)
    worker.leaving.leave("maximum lifetime")
    sweeps_until(world, OPENS + MINUTE_MS)
    assert [slot.status for slot in slots(world)] == [SlotStatus.LEAVING, SlotStatus.LAUNCHING]


def test_a_recording_finds_the_warm_machine_and_launches_no_other(world: StepWorld) -> None:
    (worker,) = opened(world)
    world.upload()
    world.serve_queue()
    assert worker.take_one()
    sweeps_until(world, OPENS + MINUTE_MS)
    assert len(world.ec2.machines) == 1
    (job,) = world.jobs()
    assert job.status is JobStatus.COMPLETED


def test_a_recording_that_finds_a_warm_machine_pays_neither_for_its_boot_nor_for_its_waiting(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    (worker,) = opened(world)

    def an_upload_comes_after_an_hour() -> bool:
        world.now += HOUR_MS
        world.upload()
        world.serve_queue()
        return False

    looks: Iterator[Callable[[], bool]] = iter([lambda: False, an_upload_comes_after_an_hour, lambda: True])
    monkeypatch.setattr(worker.leaving, "leave_if_idle", lambda _: next(looks)())
    worker.work()
    (job,) = world.jobs()
    assert job.status is JobStatus.COMPLETED
    assert job.cost
    assert job.cost["machine_seconds"] == 0, "on a clock that stands still while it is worked on"


def test_a_queue_that_needs_more_machines_than_are_warm_gets_them(world: StepWorld) -> None:
    opened(world)
    for number in range(6):
        world.upload(f"uploads/{number}.wav", size=1_000_000_000)
    world.serve_queue()
    sweeps_until(world, OPENS + 2 * MINUTE_MS)
    assert len(world.ec2.running) == MAX_WORKERS


def test_no_more_machines_are_warm_than_may_run(world: StepWorld) -> None:
    opened(world, machines=MAX_WORKERS + 2)
    sweeps_until(world, OPENS + 3 * MINUTE_MS)
    assert len(world.ec2.machines) == MAX_WORKERS


def test_while_the_breaker_is_open_no_machine_is_kept_warm_and_after_its_pause_one_is_tried(world: StepWorld) -> None:
    keep_warm(world, machines=2)
    for _ in range(SILENT_BOOTS):
        breaker = world.store.fleet.silent_boot(OPENS + BREAK_MS)
    assert breaker.silent_boots == SILENT_BOOTS
    sweeps_until(world, OPENS + BREAK_MS - MINUTE_MS)
    assert world.ec2.machines == {}
    sweeps_until(world, OPENS + BREAK_MS + 2 * MINUTE_MS)
    assert len(world.ec2.machines) == 1
    world.worker(world.ec2.running[0])
    sweeps_until(world, world.now + MINUTE_MS)
    assert len(world.ec2.running) == 2


def test_no_machine_is_kept_warm_at_the_on_demand_price(world: StepWorld) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 1
    world.ec2.missing = 5
    keep_warm(world)
    sweeps_until(world, OPENS + 4 * MINUTE_MS)
    assert world.ec2.machines == {}
    sweeps_until(world, OPENS + 5 * MINUTE_MS)
    assert markets(world) == ["spot"]


def test_a_queue_that_pays_on_demand_pays_for_its_own_machine_only_and_that_one_does_not_stay(
    world: StepWorld,
) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 2
    world.ec2.missing = 1_000
    world.upload()
    world.serve_queue()
    keep_warm(world, machines=2)
    sweeps_until(world, OPENS + 2 * MINUTE_MS)
    assert markets(world) == ["on-demand"]
    assert [slot.stay_until for slot in slots(world)] == [0]


@pytest.mark.parametrize("trouble", ["capacity", "breaker"])
def test_no_job_is_said_to_wait_for_a_machine_that_only_the_schedule_wants(world: StepWorld, trouble: str) -> None:
    opened(world)
    world.upload()
    world.serve_queue()
    if trouble == "capacity":
        world.ec2.missing = 1_000
    else:
        for _ in range(SILENT_BOOTS):
            world.store.fleet.silent_boot(OPENS + BREAK_MS)
    keep_warm(world, machines=2)
    sweeps_until(world, OPENS + 3 * MINUTE_MS)
    assert len(world.ec2.running) == 1
    assert [job.waiting for job in world.jobs()] == [None]


@pytest.mark.parametrize("setting", ["warm_hours", "warm_zone"])
def test_a_schedule_that_cannot_be_read_keeps_nothing_else_from_being_done_and_is_an_error(
    world: StepWorld, setting: str
) -> None:
    setattr(world.orchestrator_settings, setting, "nonsense")
    world.upload()
    world.serve_queue()
    assert [job.status for job in world.jobs()] == [JobStatus.QUEUED]
    with pytest.raises(SweepFailedError, match=r"^expectation$"):
        world.sweep()
    assert len(world.ec2.running) == 1


def test_an_image_that_is_newer_or_older_than_the_settings_waits_as_it_knows() -> None:
    assert lively().idle_seconds == 45, "an older deployment tells nothing"
    assert lively(idle_seconds="600", of_a_later_release="1").idle_seconds == 600
