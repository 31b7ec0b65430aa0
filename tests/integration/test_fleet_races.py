"""Two who decide at once, and whoever dies in between: never more machines than slots, never a machine without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from services.common.domain.states import SlotStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store.slots import Slots
from services.common.store.table import Table
from services.orchestrator.handler import take_batch
from services.orchestrator.reaper import LEAVING_MS, STRAY_MS
from services.orchestrator.scaling import SILENT_BOOTS
from tests.support.faults import Crash, aws_error
from tests.support.one_machine import report, the_slot, with_a_machine
from tests.support.step_world import StepWorld, step_world


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world(max_workers=1) as made:
        yield made


def leave(world: StepWorld) -> None:
    slot = the_slot(world)
    world.store.slots.leave(slot.slot, slot.launch_id, now=world.now)


def is_now(world: StepWorld, state: str, **more: Any) -> None:
    """What EC2 says of the only machine."""
    (machine,) = world.ec2.machines.values()
    machine |= {"State": {"Name": state}, **more}


def die(**_: object) -> None:
    raise Crash


def first(monkeypatch: pytest.MonkeyPatch, kind: Any, name: str, happen: Callable[[], object], *, after: bool) -> None:
    """At the first such call, and only then, this happens too: before it, or after."""
    real, left = getattr(kind, name), [happen]

    def call(*arguments: Any, **named: Any) -> Any:
        now = [left.pop()] if left else []
        for one in [] if after else now:
            one()
        reply = real(*arguments, **named)
        for one in now if after else []:
            one()
        return reply

    monkeypatch.setattr(kind, name, call)


# A slot before a machine.


def test_whoever_finds_the_slot_taken_launches_nothing(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two saw it free; the other one was faster."""
    world.upload()
    rival = world.orchestrator()
    first(monkeypatch, Slots, "take", lambda: rival.fleet.ensure(world.now, [60.0]), after=False)
    world.serve_queue()
    (machine,) = world.ec2.machines.values()
    assert the_slot(world).instance_id == machine["InstanceId"]


def test_a_machine_has_its_slot_before_it_is_launched(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    launches: list[tuple[list[str], str]] = []
    real = world.ec2.create_fleet

    def create_fleet(**request: Any) -> Any:
        launches.append(([slot.launch_id for slot in world.store.slots.all()], request["ClientToken"]))
        return real(**request)

    monkeypatch.setattr(world.ec2, "create_fleet", create_fleet)
    with_a_machine(world)
    ((held, asked),) = launches
    assert held == [asked]


def test_a_launch_whose_process_dies_is_asked_for_again_in_the_same_words(world: StepWorld) -> None:
    world.upload()
    with pytest.MonkeyPatch.context() as dying, suppress(Crash):
        first(dying, world.ec2, "create_fleet", die, after=True)
        world.serve_queue()
    assert the_slot(world).instance_id is None
    world.now = the_slot(world).due_at
    world.sweep()
    (machine,) = world.ec2.machines.values()
    assert the_slot(world).instance_id == machine["InstanceId"]


@pytest.mark.parametrize(("image", "name"), [("ami-1", "boot_seconds"), ("none", "provision_seconds")])
def test_a_machine_has_as_long_to_report_as_its_image_takes(world: StepWorld, image: str, name: str) -> None:
    for parameter, value in (("/image", image), ("/fallback", "ami-2")):
        world.aws.ssm().put_parameter(Name=parameter, Value=value, Type="String", Overwrite=True)
    slot = with_a_machine(world)
    assert slot.due_at == world.now + getattr(world.orchestrator_settings, name) * SECOND_MS


def test_a_machine_that_leaves_is_no_capacity_and_keeps_its_slot(world: StepWorld) -> None:
    slot = with_a_machine(world)
    report(world)
    leave(world)
    world.sweep()
    assert len(world.ec2.machines) == 1, "there is no second slot"
    assert the_slot(world).launch_id == slot.launch_id


def test_what_was_queued_a_moment_ago_brings_a_machine_though_the_index_does_not_show_it_yet(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Table, "due", lambda *_, **__: iter(()))
    with_a_machine(world)
    assert len(world.ec2.running) == 1


def test_a_fleet_that_fails_keeps_no_upload_from_being_queued(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise aws_error("AccessDenied", "GetParameter", status=403)

    world.upload()
    orchestrator = world.orchestrator()
    monkeypatch.setattr(orchestrator.fleet, "ensure", denied)
    assert take_batch(orchestrator, world.queue) == []
    assert len(list(world.store.parts.queue())) == 1


# A machine's end.


@pytest.mark.parametrize("state", ["shutting-down", "stopping", "stopped", "running", "pending"])
def test_a_slot_is_not_free_while_its_machine_is_still_one(world: StepWorld, state: str) -> None:
    slot = with_a_machine(world)
    report(world)
    leave(world)
    is_now(world, state)
    world.now += MINUTE_MS
    world.sweep()
    assert the_slot(world).launch_id == slot.launch_id
    assert len(world.ec2.machines) == 1, "and nobody takes its place"


def test_a_slot_is_free_once_its_machine_is_gone(world: StepWorld) -> None:
    slot = with_a_machine(world)
    report(world)
    leave(world)
    is_now(world, "terminated")
    world.sweep()
    assert the_slot(world).launch_id != slot.launch_id, "the queue has a new machine in it"
    assert len(world.ec2.machines) == 2


def test_a_machine_that_said_it_leaves_has_time_to_and_is_then_ended(world: StepWorld) -> None:
    with_a_machine(world)
    report(world)
    leave(world)
    world.now += LEAVING_MS
    world.sweep()
    assert len(world.ec2.running) == 1
    world.now += MINUTE_MS
    world.sweep()
    assert world.ec2.running == []


def test_a_machine_that_is_ending_by_itself_is_ended_by_nobody(world: StepWorld) -> None:
    with_a_machine(world)
    report(world)
    is_now(world, "shutting-down")
    world.now += HOUR_MS
    for _ in range(2):
        world.sweep()
        world.now += MINUTE_MS
    assert "ec2.TerminateInstances" not in world.faults.calls
    assert not the_slot(world).suspected


def test_a_silent_machine_has_two_beats_more_before_it_is_ended(world: StepWorld) -> None:
    with_a_machine(world)
    report(world)
    world.now += HOUR_MS
    world.sweep()
    suspected = the_slot(world)
    assert suspected.due_at == world.now + 2 * world.orchestrator_settings.heartbeat_seconds * SECOND_MS
    world.now = suspected.due_at - 1
    world.sweep()
    assert len(world.ec2.running) == 1


def test_a_machine_is_marked_before_it_is_ended_and_ended_by_the_next_sweep_if_this_one_dies(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_machine(world)
    report(world)
    world.now += HOUR_MS
    world.sweep()
    world.now += MINUTE_MS
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(world.ec2, "terminate_instances", die)
        world.sweep()
    marked = the_slot(world)
    assert (marked.note, len(world.ec2.running)) == ("ended by the sweep: it fell silent", 1)
    world.now = marked.due_at
    world.sweep()
    assert world.ec2.running == []


# Machines without a slot.


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_stray_has_a_minute_and_is_then_ended(world: StepWorld, state: str) -> None:
    world.store.slots.free(with_a_machine(world))
    is_now(world, state)
    world.orchestrator_settings.max_workers = 0
    world.sweep()
    world.now += STRAY_MS - 1
    world.sweep()
    assert world.ec2.machines["i-00000000"]["State"]["Name"] == state
    world.now += 1
    world.sweep()
    assert world.ec2.machines["i-00000000"]["State"]["Name"] == "terminated"


def test_a_machine_that_is_gone_or_about_to_be_is_no_stray(world: StepWorld) -> None:
    world.store.slots.free(with_a_machine(world))
    world.orchestrator_settings.max_workers = 0
    is_now(world, "shutting-down")
    world.sweep()
    assert world.store.fleet.strays() == {}


@pytest.mark.parametrize("look", ["describe_instances", "all"])
def test_a_machine_that_is_launched_while_the_sweep_looks_is_no_stray(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    world.upload()
    kind: Any = Slots if look == "all" else world.ec2
    first(monkeypatch, kind, look, world.serve_queue, after=True)
    world.sweep()
    assert len(world.ec2.running) == 1
    assert world.store.fleet.strays() == {}


# What a machine that never reported says of the next one.


def never_reported(world: StepWorld, **reason: Any) -> int:
    """Silent boots in a row, after a machine is gone that was never heard of."""
    with_a_machine(world)
    is_now(world, "terminated", **reason)
    world.now += HOUR_MS
    world.orchestrator_settings.max_workers = 0
    world.sweep()
    assert world.store.slots.all() == []
    breaker = world.store.fleet.breaker()
    return breaker.silent_boots if breaker else 0


def test_a_machine_that_never_reported_counts_as_a_silent_boot(world: StepWorld) -> None:
    assert never_reported(world) == 1


def test_a_machine_that_ec2_took_back_before_it_reported_says_nothing_of_the_image(world: StepWorld) -> None:
    assert never_reported(world, StateReason={"Code": "Server.SpotInstanceTermination"}) == 0


def test_of_two_sweeps_at_once_one_frees_the_slot_and_counts_the_silent_boot(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = world.orchestrator()

    def a_rival_sweeps() -> None:
        rival.settings.max_workers = 0
        rival.sweep.run(lambda: 50.0)

    first(monkeypatch, Slots, "free", a_rival_sweeps, after=False)
    assert never_reported(world) == 1


def test_a_machine_that_had_reported_makes_up_for_the_silent_ones(world: StepWorld) -> None:
    for _ in range(SILENT_BOOTS - 1):
        world.store.fleet.silent_boot(0)
    with_a_machine(world)
    report(world)
    is_now(world, "terminated")
    world.now += HOUR_MS
    world.sweep()
    breaker = world.store.fleet.breaker()
    assert breaker
    assert breaker.silent_boots == 0


def test_a_slot_that_was_given_to_another_launch_is_left_alone(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep read it before; since then its machine was found gone and another took its place."""
    slot = with_a_machine(world)
    report(world)
    leave(world)
    is_now(world, "terminated")

    def another_takes_its_place() -> None:
        world.store.slots.free(slot)
        world.orchestrator().fleet.ensure(world.now, [60.0])

    orchestrator = world.orchestrator()
    first(monkeypatch, orchestrator.sweep.reaper, "_free", another_takes_its_place, after=False)
    orchestrator.sweep.run(lambda: 50.0)
    assert the_slot(world).status is SlotStatus.LAUNCHING
    assert len(world.ec2.running) == 1
