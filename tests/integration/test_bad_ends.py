"""A machine that ends badly: whoever waits and whoever operates know why, and it costs no other machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain.machines import Slot
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.orchestrator.reaper import STRAY_MS
from services.orchestrator.scaling import BREAK_MS, SILENT_BOOTS
from tests.support.faults import Crash, aws_error
from tests.support.one_machine import report, the_slot, with_a_machine
from tests.support.step_world import StepWorld, step_world

GROUP = "/test/worker"
CONSOLE = "[    1.000000] Linux version 6\nthe worker could not start"


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world(max_workers=1) as made:
        made.now = int(time.time() * SECOND_MS)  # CloudWatch takes no lines of another year
        made.orchestrator_settings.worker_log_group = GROUP
        made.aws.logs().create_log_group(logGroupName=GROUP)
        yield made


def machine_of(world: StepWorld, slot: Slot) -> dict[str, Any]:
    assert slot.instance_id
    machine: dict[str, Any] = world.ec2.machines[slot.instance_id]
    world.ec2.consoles[slot.instance_id] = CONSOLE
    return machine


def ends(world: StepWorld, code: str) -> str:
    """The slot's machine ends before it has reported; returns its id."""
    machine = machine_of(world, the_slot(world))
    machine |= {"State": {"Name": "terminated"}, "StateReason": {"Code": code, "Message": f"{code}: its words"}}
    return str(machine["InstanceId"])


def waiting(world: StepWorld) -> tuple[str | None, str]:
    (job,) = world.jobs()
    return job.waiting, job.waiting_reason or ""


def console(world: StepWorld, instance_id: str) -> list[str]:
    """What was copied of a console."""
    logs = world.aws.logs()
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=f"{instance_id}/console", startFromHead=True)
    return [event["message"] for event in events["events"]]


def test_why_a_machine_never_reported_is_told_by_its_slot_and_its_console_is_kept(world: StepWorld) -> None:
    with_a_machine(world)
    instance_id = ends(world, "Client.InstanceInitiatedShutdown")
    world.sweep()
    end = world.store.fleet.bad_ends()["00"]
    assert (end["instance_id"], end["console"]) == (instance_id, f"{GROUP} {instance_id}/console")
    says = "EC2 says: Client.InstanceInitiatedShutdown: its words"
    assert end["why"] == f"The machine never reported. It powered itself off. {says}"
    head, *lines = console(world, instance_id)
    assert json.loads(head)["why"] == end["why"]
    assert lines == CONSOLE.splitlines()


def test_a_machine_that_is_gone_is_known_at_the_next_sweep_however_long_it_might_have_booted(world: StepWorld) -> None:
    slot = with_a_machine(world)
    ends(world, "Client.InstanceInitiatedShutdown")
    world.now += MINUTE_MS
    world.sweep()
    assert the_slot(world).launch_id != slot.launch_id, "the queue has a new machine in its place"


def never_reports(world: StepWorld) -> str:
    """The slot's machine is still silent long after it should have reported, and is ended; returns its id."""
    machine = machine_of(world, the_slot(world))
    for _ in range(2):
        world.now += world.orchestrator_settings.boot_seconds * SECOND_MS
        world.sweep()
    assert machine["State"]["Name"] == "terminated"
    return str(machine["InstanceId"])


def test_the_console_of_a_silent_machine_is_read_before_it_is_ended_and_again_after(world: StepWorld) -> None:
    with_a_machine(world)
    instance_id = never_reports(world)
    before = console(world, instance_id)
    assert json.loads(before[0])["why"] == "ended by the sweep: it never reported"
    assert before[1:] == CONSOLE.splitlines()
    world.ec2.consoles[instance_id] = f"{CONSOLE}\nReached target Power-Off"
    world.sweep()
    assert console(world, instance_id)[-1] == "Reached target Power-Off"
    assert "(ended by the sweep: it never reported)" in world.store.fleet.bad_ends()["00"]["why"]


def test_of_a_machine_that_had_reported_the_console_stays_where_it_is(world: StepWorld) -> None:
    with_a_machine(world)
    report(world)
    instance_id = never_reports(world)
    world.sweep()
    assert all(json.loads(line)["event"] == "machine.console" for line in console(world, instance_id))
    assert world.store.fleet.bad_ends()["00"]["why"].startswith(
        "The machine had reported (ended by the sweep: it fell silent)."
    )


def test_a_machine_that_reports_while_its_console_is_read_keeps_it(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_machine(world)
    real = world.ec2.get_console_output

    def meanwhile(**request: Any) -> dict[str, Any]:
        report(world)
        return real(**request)

    monkeypatch.setattr(world.ec2, "get_console_output", meanwhile)
    (head,) = console(world, never_reports(world))
    assert json.loads(head)["whole"] is False


@pytest.mark.parametrize("error", [aws_error("UnauthorizedOperation", "GetConsoleOutput"), RuntimeError("any")])
def test_a_console_that_cannot_be_read_keeps_no_machine_alive_and_no_slot_taken(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(world.ec2, "get_console_output", fail)
    world.orchestrator_settings.worker_log_group = "/not/there"
    with_a_machine(world)
    instance_id = never_reports(world)
    world.orchestrator_settings.max_workers = 0
    world.sweep()
    assert world.store.slots.all() == []
    end = world.store.fleet.bad_ends()["00"]
    assert (end["instance_id"], end.get("console")) == (instance_id, None)


def test_a_sweep_that_dies_over_a_console_is_made_good_by_the_next(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_: Any) -> None:
        raise Crash

    with_a_machine(world)
    world.now += world.orchestrator_settings.boot_seconds * SECOND_MS
    world.sweep()
    world.now += MINUTE_MS
    with monkeypatch.context() as dying:
        dying.setattr(world.ec2, "get_console_output", die)
        world.sweep()
    assert len(world.ec2.running) == 1
    world.now += MINUTE_MS
    world.sweep()
    assert world.ec2.running == []


# Tags that fade.


def test_a_machine_whose_tags_are_gone_keeps_its_slot_until_ec2_says_that_it_is_gone(world: StepWorld) -> None:
    slot = with_a_machine(world)
    report(world)
    world.store.slots.leave(slot.slot, slot.launch_id, now=world.now)
    machine = machine_of(world, slot)
    machine["State"] = {"Name": "shutting-down"}
    world.ec2.fade(machine["InstanceId"])
    world.now += MINUTE_MS
    world.sweep()
    assert the_slot(world).launch_id == slot.launch_id
    machine["State"] = {"Name": "terminated"}
    world.now += MINUTE_MS
    world.sweep()
    assert the_slot(world).launch_id != slot.launch_id


def test_why_a_machine_ended_is_known_though_its_tags_are_gone(world: StepWorld) -> None:
    with_a_machine(world)
    world.ec2.fade(ends(world, "Server.SpotInstanceTermination"))
    world.now += world.orchestrator_settings.boot_seconds * SECOND_MS
    world.sweep()
    assert world.store.fleet.breaker() is None
    assert "EC2 took the spot machine back." in world.store.fleet.bad_ends()["00"]["why"]


# Whose doing it was.


@pytest.mark.parametrize("code", ["Server.InternalError", "Server.SpotInstanceShutdown", "Server.ScheduledStop"])
def test_what_ec2_did_opens_no_breaker(world: StepWorld, code: str) -> None:
    with_a_machine(world)
    for _ in range(SILENT_BOOTS):
        ends(world, code)
        world.sweep()
    assert world.store.fleet.breaker() is None
    assert len(world.ec2.running) == 1


@pytest.mark.parametrize(
    ("code", "waits", "says"),
    [("Client.InternalError", "image", "ebs_key_arn"), ("Client.VolumeLimitExceeded", "quota", "EBS volumes")],
)
def test_what_the_account_prevents_is_told_to_whoever_waits_until_a_machine_reports(
    world: StepWorld, code: str, waits: str, says: str
) -> None:
    with_a_machine(world)
    ends(world, code)
    world.sweep()
    assert waiting(world)[0] == waits
    assert says in waiting(world)[1]
    assert len(world.ec2.running) == 1, "it is tried again all the same"
    for _ in range(SILENT_BOOTS - 1):
        ends(world, code)
        world.sweep()
    assert world.ec2.running == [], "three in a row are enough"
    assert waiting(world)[0] == waits
    world.now += BREAK_MS
    world.sweep()
    assert len(world.ec2.running) == 1
    report(world)
    world.run_machines()
    assert waiting(world) == (None, "")


def test_once_a_machine_has_reported_nobody_is_told_of_what_was_mended(world: StepWorld) -> None:
    world.orchestrator_settings.max_workers = 2
    with_a_machine(world)
    ends(world, "Client.InternalError")
    world.sweep()
    report(world)
    world.upload("uploads/b.wav", size=10**10)
    world.serve_queue()
    assert len(world.ec2.running) == 2
    assert [job.waiting for job in world.jobs() if job.source_key == "uploads/b.wav"] == [None]


def test_jobs_wait_for_the_account_no_longer_once_a_machine_has_reported(world: StepWorld) -> None:
    with_a_machine(world)
    ends(world, "Client.InternalError")
    world.sweep()
    assert waiting(world)[0] == "image"
    report(world)
    world.sweep()
    assert [job.waiting for job in world.jobs()] == [None]


def test_a_breaker_that_opens_says_why_the_last_machine_ended(world: StepWorld) -> None:
    with_a_machine(world)
    for _ in range(SILENT_BOOTS):
        ends(world, "Client.InstanceInitiatedShutdown")
        world.sweep()
    assert waiting(world)[0] == "breaker"
    assert "The last one: The machine never reported. It powered itself off." in waiting(world)[1]


# Strays.


def test_a_machine_that_looked_like_a_stray_and_has_its_slot_is_not_ended_at_the_next_glance(world: StepWorld) -> None:
    slot = with_a_machine(world)
    report(world)
    assert slot.instance_id
    world.store.fleet.mark_stray(slot.instance_id, world.now - STRAY_MS)
    world.sweep()
    world.store.slots.free(slot)
    world.orchestrator_settings.max_workers = 0
    world.sweep()
    assert len(world.ec2.running) == 1, "it has its minute again"
    world.now += STRAY_MS
    world.sweep()
    assert world.ec2.running == []
