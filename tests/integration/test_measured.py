"""What services measure, in the format in which CloudWatch reads it out of their logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from services.common import metrics
from services.common.domain.metrics import DOLLARS, METRICS, STAGE_TIMES, SWEEPS
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.prices import ADDRESS_AND_DISK, dollars_per_hour
from services.common.domain.stages import STAGES
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.crash import scenarios
from tests.support.api_jobs import put_many
from tests.support.measured import Measured, measuring
from tests.support.step_world import StepWorld, step_world

ALWAYS = {metric.name for metric in METRICS if metric.always}
BOOT_MS = 90_000
MOST_WHILE_IDLE = 10
"""The custom metrics that an account has for nothing."""


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


@pytest.fixture
def measured() -> Iterator[Measured]:
    with measuring() as found:
        yield found


def test_while_nobody_uploads_few_metrics_are_written_and_these_are_zero(world: StepWorld, measured: Measured) -> None:
    for _ in range(3):
        world.now += HOUR_MS
        world.sweep()
    assert {name for name, _ in measured.series()} == ALWAYS
    assert all(dimensions == frozenset() for _, dimensions in measured.series())
    assert len(measured.series()) <= MOST_WHILE_IDLE
    assert measured.values("Sweeps") == [1, 1, 1]
    assert {point.value for point in measured.points if point.series.name != "Sweeps"} == {0}


def test_a_completed_job_tells_its_stages_and_what_its_machine_has_cost(measured: Measured) -> None:
    with step_world(boot_ms=BOOT_MS) as world:
        world.listen()
        world.upload()
        world.settle()
        (job,) = world.jobs()
    assert measured.values("JobsEnded", Code="COMPLETED") == [1]
    assert measured.values("JobsFailed") == []
    for stage in STAGES:
        gone_through = {stage.since, stage.until} <= job.times.keys()
        told = [(job.times[stage.until] - job.times[stage.since]) / SECOND_MS] if gone_through else []
        assert measured.values(STAGE_TIMES[stage.until].name) == told, stage.until
    assert measured.values("StageLaunched")
    assert measured.values("Deliveries", Outcome="delivered") == [1, 1, 1]
    price = (dollars_per_hour("g4dn.xlarge", "spot") or 0) + ADDRESS_AND_DISK
    (dollars,) = measured.values(DOLLARS.name)
    assert BOOT_MS / HOUR_MS * price <= dollars + 1e-9 < 3 * BOOT_MS / HOUR_MS * price


def test_a_machine_that_left_while_no_sweep_ran_has_cost_nothing_afterwards(
    world: StepWorld, measured: Measured
) -> None:
    world.upload()
    world.serve_queue()
    world.run_machines()
    (slot,) = world.store.slots.all()
    assert "leaving" in slot.times
    world.now += 20 * HOUR_MS
    while world.store.slots.all():
        world.sweep()
        world.now += MINUTE_MS
    (dollars,) = measured.values(DOLLARS.name)
    assert 0 < dollars < 0.1


@pytest.mark.parametrize(("seconds", "speeds"), [(12.0, [50]), (0.0, [])])
def test_the_speed_of_a_job_is_its_audio_by_its_machine_time(
    world: StepWorld, measured: Measured, seconds: float, speeds: list[float]
) -> None:
    world.upload()
    world.settle()
    (job,) = world.jobs()
    metrics.count_end(replace(job, result={"duration_seconds": 600.0}, cost={"machine_seconds": seconds}))
    assert measured.values("Speed") == speeds


def test_the_queue_is_measured_while_it_waits_whatever_for(world: StepWorld, measured: Measured) -> None:
    world.upload(size=16_000 * 60)
    world.serve_queue()
    world.ec2.end(world.ec2.running[0]["InstanceId"])
    world.now += 10 * MINUTE_MS
    (part,) = world.store.parts.queue()
    world.change((f"JOB#{part.job_id}", part.part_id), not_before=world.now + DAY_MS)
    world.sweep()
    assert measured.values("OldestWait")[-1] == pytest.approx(600)
    assert measured.values("AudioWaiting")[-1] == pytest.approx(60)


def test_each_end_of_a_job_is_counted_once_by_its_code(world: StepWorld, measured: Measured) -> None:
    world.upload()
    world.serve_queue()
    world.cancel(world.jobs()[0])
    world.cancel(world.jobs()[0])
    put_many(
        world,
        1,
        client_id=lambda _: DEFAULT_CLIENT,
        job_id=lambda _: "job_late",
        status=lambda _: JobStatus.AWAITING_UPLOAD,
        upload_expires_at=lambda _: world.now - 1,
    )
    world.sweep()
    world.sweep()
    assert measured.values("JobsEnded", Code="CANCELED") == [1]
    assert measured.values("JobsEnded", Code="EXPIRED") == [1]
    assert measured.values("JobsFailed") == []


def test_a_failed_job_is_counted_as_failed_and_by_its_code(measured: Measured) -> None:
    with step_world() as world:
        next(one for one in scenarios.SCENARIOS if one.name == "bad file").run(world)
        (job,) = world.jobs()
    assert job.error
    assert measured.values("JobsFailed") == measured.values("JobsEnded", Code=job.error["code"]) == [1]


def test_an_interruption_is_counted_once(measured: Measured) -> None:
    with step_world() as world:
        next(one for one in scenarios.SCENARIOS if one.name == "interrupted").run(world)
    assert measured.values("Interruptions") == [1]
    assert measured.values("JobsEnded", Code="COMPLETED") == [1]


def test_refused_launches_are_counted_by_what_jobs_wait_for(measured: Measured) -> None:
    with step_world() as world:
        next(one for one in scenarios.SCENARIOS if one.name == "capacity error").run(world)
    assert set(measured.values("LaunchesRefused", Reason="capacity")) == {1}


def test_machines_are_counted_by_state_while_there_are_some(world: StepWorld, measured: Measured) -> None:
    world.upload()
    world.serve_queue()
    world.sweep()
    assert measured.values("MachinesLaunching")[-1] == 1
    assert measured.values("MachinesRunning")[-1] == measured.values("MachinesLeaving")[-1] == 0


def test_metrics_are_written_whatever_the_level_of_the_log_is_and_only_by_services(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for level in ("debug", "critical"):
        with measuring(level) as measured:
            metrics.measure({SWEEPS: 1})
        assert measured.values("Sweeps") == [1]
    capsys.readouterr()
    metrics.measure({SWEEPS: 1})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    metrics.measure({SWEEPS: 1})
    assert capsys.readouterr() == ("", "")
