"""When a worker goes on and when it goes: on a deployment that runs step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus, PartStatus, SlotStatus
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.leases import Leases
from services.common.store.slots import Slots
from services.common.store.table import Table
from services.gpu_worker.machine import device_check
from services.gpu_worker.machine.self_test import TEXT, Heard, Passed, SelfTestFailedError
from services.gpu_worker.machine.shutdown import Shutdown
from services.gpu_worker.queue.worker import Worker
from services.gpu_worker.settings import WorkerSettings
from tests.support.step_engine import StepEngine
from tests.support.step_world import StepWorld, step_world


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        yield made


def queued(world: StepWorld, *names: str) -> None:
    for name in names:
        world.upload(f"uploads/{name}.wav")
    world.serve_queue()


def statuses(world: StepWorld) -> dict[str, JobStatus]:
    jobs = list(world.store.jobs.of_client("default", limit=100))
    return {job.source_key.removeprefix("uploads/").removesuffix(".wav"): job.status for job in jobs}


def the_job(world: StepWorld) -> Job:
    (job,) = world.store.jobs.of_client("default", limit=2)
    return job


def the_worker(world: StepWorld, start: Callable[[Callable[[], None]], None] = lambda task: task()) -> Worker:
    (machine,) = world.ec2.running
    return world.worker(machine, start)


def give_the_slot_to_another(world: StepWorld) -> None:
    (slot,) = world.store.slots.all()
    world.store.slots.free(slot)


def idle_worker(world: StepWorld) -> Worker:
    """Its machine came for a recording that another has done meanwhile."""
    queued(world, "earlier")
    worker = the_worker(world)
    job = the_job(world)
    world.store.tombstones.put(job, world.now)
    world.store.tombstones.delete_items(job.job_id)
    return worker


def when_it_marks_its_slot(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], None]) -> None:
    """A moment before the slot says for the first time that its machine leaves, this happens."""
    real, left = Slots.leave, [happen]

    def leave(slots: Slots, *arguments: Any, **named: Any) -> bool:
        if left:
            left.pop()()
        return real(slots, *arguments, **named)

    monkeypatch.setattr(Slots, "leave", leave)


def test_a_worker_whose_slot_is_lost_finishes_what_it_holds_and_takes_nothing_more(world: StepWorld) -> None:
    queued(world, "first", "second")

    def lose_it(worker: Worker) -> None:
        if not worker.presence.lost:
            give_the_slot_to_another(world)
            world.beat(worker)

    world.each_clip = lose_it
    the_worker(world).work()
    assert statuses(world) == {"first": JobStatus.COMPLETED, "second": JobStatus.QUEUED}


def test_a_worker_that_has_no_slot_from_the_beginning_takes_nothing(world: StepWorld) -> None:
    queued(world, "first")
    (machine,) = world.ec2.running
    give_the_slot_to_another(world)
    world.worker(machine).work()
    assert statuses(world) == {"first": JobStatus.QUEUED}


def test_a_worker_with_nothing_to_do_waits_its_idle_seconds_before_it_leaves(world: StepWorld) -> None:
    assert WorkerSettings.model_fields["idle_seconds"].default == 45
    worker = idle_worker(world)
    world.worker_settings.idle_seconds = 45

    assert not worker.leaving.leave_if_idle(44.9)
    assert [slot.status for slot in world.store.slots.all()] == [SlotStatus.RUNNING]
    assert worker.leaving.leave_if_idle(45.1)
    assert [slot.status for slot in world.store.slots.all()] == [SlotStatus.LEAVING]


def test_a_worker_that_is_expected_to_have_work_waits_for_it_however_long_it_was_idle(world: StepWorld) -> None:
    worker = idle_worker(world)
    (slot,) = world.store.slots.all()
    world.store.slots.stay(slot, world.now + MINUTE_MS)
    world.beat(worker)
    assert not worker.leaving.leave_if_idle(10_000)
    world.now += MINUTE_MS
    assert worker.leaving.leave_if_idle(10_000)


def test_a_worker_counts_its_idle_seconds_from_when_it_last_had_something_to_do(world: StepWorld) -> None:
    worker = idle_worker(world)
    world.worker_settings.idle_seconds = 0.3
    began = time.monotonic()
    worker.work()
    assert time.monotonic() - began > 0.3


def test_a_worker_looks_once_more_after_it_has_said_that_it_leaves(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The orchestrator counted it as capacity until then, and launched nobody for what came."""
    worker = idle_worker(world)
    when_it_marks_its_slot(monkeypatch, lambda: queued(world, "late"))
    worker.work()
    assert statuses(world)["late"] is JobStatus.COMPLETED
    assert len(world.ec2.machines) == 1


def test_a_worker_that_stays_for_a_late_job_is_capacity_while_it_does_it(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = idle_worker(world)
    seen: list[SlotStatus] = []
    world.each_clip = lambda _: seen.extend(slot.status for slot in world.store.slots.all())
    when_it_marks_its_slot(monkeypatch, lambda: queued(world, "late"))
    worker.work()
    assert set(seen) == {SlotStatus.RUNNING}
    (slot,) = world.store.slots.all()
    assert slot.status is SlotStatus.LEAVING, "and in the end it leaves all the same"


def test_the_last_look_waits_until_the_index_must_have_shown_what_came_before(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = idle_worker(world)
    world.worker_settings.index_lag_seconds = 3
    real, waited = Table.due, list[float]()
    monkeypatch.setattr(Shutdown, "wait", lambda _, seconds: waited.append(seconds))

    def late(table: Table, kind: str, **how: Any) -> Iterator[dict[str, Any]]:
        """What was queued when the slot was marked is shown three seconds later."""
        return real(table, kind, **how) if kind != "queued" or sum(waited) >= 3 else iter(())

    def upload() -> None:
        queued(world, "late")
        monkeypatch.setattr(Table, "due", late)

    when_it_marks_its_slot(monkeypatch, upload)
    worker.work()
    assert statuses(world)["late"] is JobStatus.COMPLETED


def test_a_worker_that_is_told_to_leave_while_it_claims_gives_the_part_back(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(world, "first")
    worker, real = the_worker(world), Leases.claim

    def claim(leases: Leases, *arguments: Any, **named: Any) -> Any:
        mine = real(leases, *arguments, **named)
        worker.leaving.leave("spot notice")
        return mine

    monkeypatch.setattr(Leases, "claim", claim)
    worker.work()
    (part,) = world.store.parts.queue()
    assert (part.attempt, part.deaths, part.losses) == (1, 0, 0)


def test_a_worker_that_is_told_to_leave_takes_nothing_more(world: StepWorld) -> None:
    queued(world, "first", "second")
    world.each_clip = lambda worker: worker.leaving.leave("spot notice")
    the_worker(world).work()
    assert statuses(world) == {"first": JobStatus.QUEUED, "second": JobStatus.QUEUED}
    (slot,) = world.store.slots.all()
    assert (slot.status, slot.note) == (SlotStatus.LEAVING, "spot notice")


def test_a_worker_that_is_told_to_leave_before_the_last_look_leaves(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = idle_worker(world)

    def notice() -> None:
        queued(world, "late")
        worker.shutdown.begin()

    when_it_marks_its_slot(monkeypatch, notice)
    worker.shutdown.mark()
    worker.work()
    assert statuses(world)["late"] is JobStatus.QUEUED
    (slot,) = world.store.slots.all()
    assert slot.status is SlotStatus.LEAVING


def test_a_claims_lease_counts_from_when_it_was_asked_for(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(world, "first")
    confirmed, asked = list[float](), list[float]()
    worker = the_worker(world, lambda _: confirmed.extend(one.confirmed for one in worker.held))
    real = Leases.claim

    def claim(leases: Leases, *arguments: Any, **named: Any) -> Any:
        asked.append(time.monotonic())
        return real(leases, *arguments, **named)

    monkeypatch.setattr(Leases, "claim", claim)
    assert worker.take_one()
    assert confirmed[0] <= asked[0]


def test_an_engine_that_others_are_at_is_not_ended_because_it_failed_one(world: StepWorld) -> None:
    queued(world, "first", "second")
    begun: list[Any] = []
    worker = the_worker(world, begun.append)
    assert worker.take_one()
    engine, _ = worker.engines.ready("whisper-base")
    engine.untrusted = True
    assert worker.take_one()
    assert worker.engines.ready("whisper-base", alone=False)[0] is engine
    begun[0]()
    assert worker.engines.ready("whisper-base", alone=True)[0] is not engine


@pytest.mark.parametrize("trouble", ["alive", "model"])
def test_an_engine_that_died_or_has_another_model_is_replaced_and_ended(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    queued(world, "first")
    worker = the_worker(world)
    engine, _ = worker.engines.ready("whisper-base")
    closed: list[int] = []
    monkeypatch.setattr(engine, "close", lambda: closed.append(1))
    monkeypatch.setattr(engine, trouble, False if trouble == "alive" else "another")
    assert worker.engines.ready("whisper-base")[0] is not engine
    assert closed == [1]


def test_what_is_held_is_held_until_it_has_ended_and_no_longer(world: StepWorld) -> None:
    queued(world, "first")
    worker = the_worker(world)
    held: list[int] = []
    world.each_clip = lambda one: held.append(len(one.held))
    worker.work()
    assert (held, len(worker.held)) == ([1, 1], 0)


def test_a_part_that_is_canceled_by_its_job_is_closed_by_whoever_comes_across_it(world: StepWorld) -> None:
    queued(world, "first")
    world.change(keys.job(the_job(world).job_id), status=JobStatus.CANCELED)
    assert not the_worker(world).take_one()
    (part,) = world.store.parts.of_job(the_job(world).job_id)
    assert part.status is PartStatus.CANCELED


def test_a_worker_that_was_told_to_leave_ends_once_its_slot_says_so(world: StepWorld) -> None:
    queued(world, "first")
    worker = the_worker(world)
    assert worker.shutdown.begin()
    working = threading.Thread(target=worker.work)
    working.start()
    working.join(0.2)
    assert working.is_alive(), "until then it is counted as capacity"
    worker.shutdown.mark()
    working.join(10)
    assert not working.is_alive()


def test_a_job_is_told_of_the_boot_that_it_has_waited_for_and_of_no_other(world: StepWorld) -> None:
    queued(world, "first")
    worker = the_worker(world)
    worker.presence.reached("ready")
    worker.presence.beat()
    world.now += 1
    queued(world, "later")
    worker.work()
    jobs = {job.source_key: job.times for job in world.store.jobs.of_client("default", limit=3)}
    assert {"capacity_asked", "launched", "ready", "claimed"} <= set(jobs["uploads/first.wav"])
    assert not {"capacity_asked", "launched", "ready"} & set(jobs["uploads/later.wav"])


def test_options_that_cannot_be_honoured_end_their_job_with_its_code_and_no_other(world: StepWorld) -> None:
    queued(world, "wrong")
    world.change(keys.job(the_job(world).job_id), options={"model": "unknown/model"})
    queued(world, "right")
    the_worker(world).work()
    assert statuses(world) == {"wrong": JobStatus.FAILED, "right": JobStatus.COMPLETED}


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Engines that were ended, by their model."""
    found: list[str] = []
    monkeypatch.setattr(StepEngine, "close", lambda engine, *_: found.append(engine.model))
    return found


def test_nothing_is_claimed_before_the_device_has_passed_the_self_test(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, closed: list[str]
) -> None:
    queued(world, "first")

    def fails(*_: object, **__: object) -> None:
        raise SelfTestFailedError("It heard nothing.")

    monkeypatch.setattr(device_check, "judge", fails)
    worker = the_worker(world)
    with pytest.raises(SelfTestFailedError):
        world.lives[worker].run()
    assert statuses(world) == {"first": JobStatus.QUEUED}
    assert closed == ["whisper-base"], "an engine that nobody ends keeps the machine"


@pytest.mark.parametrize(("again", "passes"), [(60.0, True), (0.01, False)])
def test_a_device_that_was_slow_in_the_haste_of_a_boot_is_tried_once_more(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, again: float, *, passes: bool
) -> None:
    queued(world, "first")
    speeds = iter([0.01, again])
    worker = the_worker(world)

    def hears(_: object) -> Heard:
        return Heard(text=TEXT, warm_up_seconds=0.0, speed=next(speeds))

    monkeypatch.setattr(worker.engines._self_test, "_first_listen", hears)
    monkeypatch.setattr(device_check, "listen", hears)
    with nullcontext() if passes else pytest.raises(SelfTestFailedError, match="under the floor"):
        world.lives[worker].run()
    assert list(speeds) == []


def test_a_worker_that_has_passed_the_self_test_says_so_works_and_ends_its_engine(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, closed: list[str]
) -> None:
    queued(world, "first")
    monkeypatch.setattr(device_check, "judge", lambda *_, **__: Passed(likeness=1.0, speed=60.0, warm_up_seconds=0.0))
    world.lives[the_worker(world)].run()
    assert statuses(world) == {"first": JobStatus.COMPLETED}
    (slot,) = world.store.slots.all()
    assert {"loaded", "ready", "leaving"} <= set(slot.times)
    assert closed == ["whisper-base"]
