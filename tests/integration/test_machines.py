"""The promises about machines, each on a deployment that runs step by step: how many, how long, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain.errors import unrecorded
from services.common.domain.records import FIRST_PART, Job
from services.common.domain.stages import SPEED
from services.common.domain.states import JobStatus, SlotStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.orchestrator.reaper import LIFETIME_MARGIN_MS
from services.orchestrator.scaling import BREAK_MS, TARGET_SECONDS
from tests.support.faults import aws_error
from tests.support.one_machine import report, the_slot
from tests.support.step_world import StepWorld, step_world

MACHINES = 4
WORTH_A_MACHINE = round(1.1 * SPEED * TARGET_SECONDS * 16_000)
"""Bytes of a recording that deserves a machine of its own."""


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world(max_workers=MACHINES) as made:
        yield made


def the_job(world: StepWorld) -> Job:
    (job,) = world.jobs()
    return job


def four_silent_machines(world: StepWorld) -> None:
    """The queue deserves four machines, and none of them ever reports."""
    for number in range(MACHINES):
        world.upload(f"uploads/{number}.wav", size=WORTH_A_MACHINE)
    world.serve_queue()
    world.sweep()
    assert len(world.ec2.running) == MACHINES
    for machine in world.ec2.running:
        world.ec2.end(machine["InstanceId"])
    world.now += 10 * MINUTE_MS
    world.sweep()


def test_after_its_pause_the_breaker_lets_one_machine_through_and_its_report_the_others(world: StepWorld) -> None:
    four_silent_machines(world)
    assert world.ec2.running == []
    world.now += BREAK_MS
    world.sweep()
    world.sweep()
    assert len(world.ec2.running) == 1
    report(world, the_slot(world))
    world.sweep()
    assert len(world.ec2.running) == MACHINES
    assert {job.waiting for job in world.jobs()} == {None}


def test_a_silent_machine_after_the_pause_begins_another(world: StepWorld) -> None:
    four_silent_machines(world)
    world.now += BREAK_MS
    world.sweep()
    world.ec2.end(the_slot(world).instance_id or "")
    world.now += 10 * MINUTE_MS
    world.sweep()
    world.now += BREAK_MS - MINUTE_MS
    world.sweep()
    assert world.ec2.running == []


def test_a_machine_that_outlives_its_time_is_ended_however_lively_it_is(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    slot = the_slot(world)
    lifetime = world.orchestrator_settings.max_lifetime_minutes * MINUTE_MS + LIFETIME_MARGIN_MS
    world.now = slot.taken_at + lifetime
    report(world, slot)
    world.sweep()
    assert len(world.ec2.running) == 1
    world.now += MINUTE_MS
    report(world, slot, beat=2)
    world.sweep()
    assert world.ec2.running == []
    ended = the_slot(world)
    assert (ended.slot, ended.note) == (slot.slot, "ended by the sweep: it outlived its time")


def test_a_machine_that_is_heard_of_at_the_last_moment_is_not_ended(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload()
    world.serve_queue()
    report(world, the_slot(world))
    world.now += HOUR_MS
    world.sweep()
    assert the_slot(world).suspected
    world.now += MINUTE_MS
    slots = world.store.slots.all()
    orchestrator = world.orchestrator()
    monkeypatch.setattr(orchestrator.store.slots, "all", lambda: slots)
    report(world, slots[0], beat=2)
    orchestrator.sweep.run(lambda: 50.0)
    assert len(world.ec2.running) == 1


def test_a_machine_that_stays_silent_is_ended_on_the_second_look(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    report(world, the_slot(world))
    world.now += HOUR_MS
    world.sweep()
    assert len(world.ec2.running) == 1
    world.now += MINUTE_MS
    world.sweep()
    assert the_slot(world).note == "ended by the sweep: it fell silent"
    assert world.ec2.running == []


def market_of(machine: dict[str, Any]) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
    return str(tags["transcribe-market"])


NO_SPOT = {
    "capacity": ["InsufficientInstanceCapacity"],
    "a quota of 0": ["MaxSpotInstanceCountExceeded", "MaxSpotInstanceCountExceeded", "UnfulfillableCapacity"],
    "too many fleets": ["MaxFleetCountExceeded"],
    "price": ["SpotMaxPriceTooLow"],
    "no role": ["AuthFailure.ServiceLinkedRoleCreationNotPermitted"],
    "three at once": ["MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow", "InvalidFleetConfiguration"],
}


@pytest.mark.parametrize("codes", NO_SPOT.values(), ids=NO_SPOT)
def test_on_demand_is_paid_once_spot_was_waited_for_as_long_as_the_operator_said(
    world: StepWorld, codes: list[str]
) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 10
    world.ec2.refused["spot"] = codes
    world.upload()
    world.serve_queue()
    assert codes[0] in (the_job(world).waiting_reason or "")
    world.now += 10 * MINUTE_MS - SECOND_MS
    world.sweep()
    assert world.ec2.running == []
    world.now += SECOND_MS
    world.sweep()
    (machine,) = world.ec2.running
    assert market_of(machine) == the_slot(world).market == "on-demand"
    assert the_job(world).waiting is None


def test_a_job_that_is_retried_waits_for_spot_anew(world: StepWorld) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 10
    world.ec2.refused["spot"] = NO_SPOT["a quota of 0"]
    world.upload()
    world.serve_queue()
    job_id = the_job(world).job_id
    world.change(keys.job(job_id), status="failed")
    world.change(keys.part(job_id, FIRST_PART), status="failed", due_kind=None)
    world.now += HOUR_MS
    world.retry(the_job(world))
    world.sweep()
    assert world.ec2.running == []
    world.now += 10 * MINUTE_MS
    world.sweep()
    (machine,) = world.ec2.running
    assert market_of(machine) == "on-demand"


def test_without_the_operators_minutes_nothing_is_paid_on_demand(world: StepWorld) -> None:
    world.ec2.refused["spot"] = NO_SPOT["a quota of 0"]
    world.upload()
    world.serve_queue()
    world.now += HOUR_MS
    world.sweep()
    assert world.ec2.running == []
    assert the_job(world).waiting == "quota"


@pytest.mark.parametrize("code", ["InvalidAMIID.NotFound", "UnauthorizedOperation", "InvalidSubnetID.NotFound"])
def test_on_demand_is_not_asked_for_what_it_lacks_as_well(world: StepWorld, code: str) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 10
    world.ec2.refused["spot"] = [code, code, code, "UnfulfillableCapacity"]
    world.upload()
    world.serve_queue()
    world.now += HOUR_MS
    world.sweep()
    assert world.ec2.machines == {}
    assert (the_job(world).waiting, the_job(world).waiting_reason) == ("image", f"{code}: its words")


def test_if_both_markets_refuse_the_job_says_what_each_of_them_said(world: StepWorld) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 10
    world.ec2.refused = {"spot": ["InsufficientInstanceCapacity"], "on-demand": ["VcpuLimitExceeded"]}
    world.upload()
    world.serve_queue()
    world.now += 10 * MINUTE_MS
    world.sweep()
    assert world.store.slots.all() == []
    job = the_job(world)
    assert job.waiting == "quota"
    assert job.waiting_reason == (
        "Spot was refused (InsufficientInstanceCapacity: its words), and so was on-demand (VcpuLimitExceeded: "
        "its words)."
    )
    world.ec2.refused.clear()
    world.settle()
    assert the_job(world).status == "completed"


def tries_one_type(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, refusals: dict[str, str]
) -> list[tuple[str, list[str]]]:
    """EC2 refuses the first type of a request with its code, and tries no other; returns what it was asked for."""
    real, asked = world.ec2.create_fleet, []

    def create_fleet(**request: Any) -> Any:
        types = [each["InstanceType"] for each in request["LaunchTemplateConfigs"][0]["Overrides"]]
        asked.append((request["TargetCapacitySpecification"]["DefaultTargetCapacityType"], types))
        if types[0] not in refusals:
            return real(**request)
        codes = [refusals[types[0]], *["UnfulfillableCapacity"] * (len(types) - 1)]
        errors = [
            {"ErrorCode": code, "LaunchTemplateAndOverrides": {"Overrides": {"InstanceType": kind}}}
            for code, kind in zip(codes, types, strict=True)
        ]
        return {"Instances": [], "Errors": errors}

    monkeypatch.setattr(world.ec2, "create_fleet", create_fleet)
    world.orchestrator_settings.instance_types = ("g4dn.2xlarge", "g5.xlarge")
    return asked


def test_a_quota_too_small_for_one_type_starts_another_of_which_ec2_tried_none(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tries_one_type(world, monkeypatch, {"g4dn.2xlarge": "MaxSpotInstanceCountExceeded"})
    world.upload()
    world.serve_queue()
    assert asked == [("spot", ["g4dn.2xlarge", "g5.xlarge"]), ("spot", ["g5.xlarge"])]
    (machine,) = world.ec2.running
    assert the_slot(world).instance_id == machine["InstanceId"]
    assert the_job(world).waiting is None


def test_of_all_types_that_were_asked_for_the_most_useful_refusal_is_told(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = {"g4dn.2xlarge": "MaxSpotInstanceCountExceeded", "g5.xlarge": "InsufficientInstanceCapacity"}
    asked = tries_one_type(world, monkeypatch, refusals)
    world.upload()
    world.serve_queue()
    assert len(asked) == 2, "each type once, and no third time"
    assert world.store.slots.all() == []
    assert (the_job(world).waiting, the_job(world).waiting_reason) == ("quota", "MaxSpotInstanceCountExceeded")


def test_an_upload_waits_and_starts_no_machine_while_none_may_fetch_the_default_model(world: StepWorld) -> None:
    for name, image in {"/image": "none", "/fallback": "ami-public"}.items():
        world.aws.ssm().put_parameter(Name=name, Value=image, Type="String", Overwrite=True)
    applied = world.orchestrator_settings
    world.orchestrator_settings = applied.model_copy(update={"unrecorded_models": applied.models})
    world.upload()
    world.serve_queue()
    world.sweep()
    job = the_job(world)
    assert (job.status, job.waiting, job.waiting_reason) == ("queued", "image", unrecorded("whisper-base"))
    assert world.ec2.machines == {}

    world.orchestrator_settings = applied
    world.settle()
    assert the_job(world).status == "completed"


def test_a_job_waits_no_longer_once_its_machine_was_launched(world: StepWorld) -> None:
    world.ec2.missing = 1
    world.upload()
    world.serve_queue()
    assert the_job(world).waiting == "capacity"
    world.now += MINUTE_MS
    world.sweep()
    job = the_job(world)
    assert (job.status, job.waiting, job.waiting_reason) == (JobStatus.QUEUED, None, None)


def answers(world: StepWorld, monkeypatch: pytest.MonkeyPatch, code: str, status: int) -> None:
    """EC2 launches what it is asked for, and then answers with an error all the same."""
    real = world.ec2.create_fleet

    def create_fleet(**request: Any) -> Any:
        if status >= 500:
            real(**request)
        raise aws_error(code, "CreateFleet", status=status)

    monkeypatch.setattr(world.ec2, "create_fleet", create_fleet)


def test_a_server_error_at_launch_is_asked_again_and_brings_no_second_machine(world: StepWorld) -> None:
    world.upload()
    with pytest.MonkeyPatch.context() as trouble:
        answers(world, trouble, "InternalError", 500)
        world.serve_queue()
    assert the_slot(world).status is SlotStatus.LAUNCHING
    world.now += MINUTE_MS
    world.sweep()
    (machine,) = world.ec2.running
    assert the_slot(world).instance_id == machine["InstanceId"]


def test_a_request_that_ec2_will_never_grant_holds_no_slot_and_the_job_has_its_words(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(world, monkeypatch, "OptInRequired", 401)
    world.upload()
    world.serve_queue()
    assert world.store.slots.all() == []
    assert the_job(world).waiting_reason == "OptInRequired: its words"
