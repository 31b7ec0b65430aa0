"""What causes each alarm on the services' metrics: the real services, in a time that passes as fast as they work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from unittest.mock import patch

from services.common import logs
from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from services.common.webhooks.outcome import AttemptOutcome, Failure
from tests.support.faults import aws_error
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

STALLED_MINUTES, FAILED_JOBS, BUDGET = 20, 2, 0.5
"""The variables with which the alarms are made: small, so that less has to happen."""
SILENT_MINUTES = 20
MACHINE_HOURS = 3


class Line(NamedTuple):
    """A line of a service's log; `at`: epoch milliseconds."""

    at: int
    text: str


class Story(NamedTuple):
    """What was logged, and until when nothing else was."""

    lines: list[Line]
    until: int


@contextmanager
def _logging(world: StepWorld, deployment: str) -> Iterator[list[Line]]:
    """Let the services of a world log, and measure, as those of this deployment, dated by the world's clock."""
    lines: list[Line] = []
    logs.configure("info", lambda line: lines.append(Line(world.clock(), line)), deployment=deployment)
    try:
        with patch("services.common.metrics.now_ms", world.clock):
            yield lines
    finally:
        logs.configure("info")


def story(cause: Callable[[StepWorld], None], deployment: str) -> Story:
    """What a deployment's services log when this happens to them."""
    with step_world() as world, _logging(world, deployment) as lines:
        cause(world)
        return Story(lines, world.now)


def no_capacity(world: StepWorld) -> None:
    world.ec2.missing = 1_000
    world.upload()
    world.serve_queue()
    _sweep_on(world, STALLED_MINUTES + 15)


def no_sweep(world: StepWorld) -> None:
    _sweep_on(world, 5)
    world.now += SILENT_MINUTES * MINUTE_MS


def bad_recordings(world: StepWorld) -> None:
    for number in range(FAILED_JOBS):
        world.upload(f"uploads/{number}.wav", content=b"bad" * (number + 1))
        world.serve_queue()
    for job in world.jobs():
        world.ended(job, Outcome(error={"code": "INVALID_MEDIA", "message": "no audio", "retryable": False}))
    _sweep_on(world, 1)


def broken_receiver(world: StepWorld) -> None:
    """A receiver is broken for four days."""
    world.listen()
    refusal = AttemptOutcome(milliseconds=1, status=500, error=Failure.HTTP_STATUS)
    with patch("services.common.webhooks.dispatch.post", lambda *_, **__: refusal):
        world.upload()
        world.serve_queue()
        for job in world.jobs():
            world.cancel(job)
        while due := [item["due_at"] for item in world.all_items() if item.get("due_kind") == "delivery"]:
            world.now = max(world.now + MINUTE_MS, min(due))
            world.sweep()
    world.now += MINUTE_MS


def lost_part(world: StepWorld) -> None:
    """Somebody deletes an item by hand."""
    world.upload()
    world.serve_queue()
    for item in world.all_items():
        if item["sk"].startswith("PART#"):
            world.delete((item["pk"], item["sk"]))
    world.now = (world.now // HOUR_MS + 1) * HOUR_MS
    _sweep_on(world, 2)


def refused_deletion(world: StepWorld) -> None:
    """A policy of the organisation forbids it."""
    world.s3.put_object(Bucket=BUCKET, Key="results/job_gone/1/transcript.txt", Body=b"old")
    world.now += 40 * DAY_MS

    def refuse(name: str) -> None:
        if name.startswith("s3.Delete"):
            raise aws_error("AccessDenied", name)

    world.faults.refuse = refuse
    _sweep_on(world, 2)


def silent_machines(world: StepWorld) -> None:
    """An image whose machines never report."""
    world.upload()
    world.serve_queue()
    _sweep_on(world, 60)


def long_machine(world: StepWorld) -> None:
    """A machine works for hours."""
    world.upload()
    world.serve_queue()
    world.now += MACHINE_HOURS * HOUR_MS
    (machine,) = world.ec2.running
    world.ec2.end(machine["InstanceId"])
    _sweep_on(world, 2)


CAUSES: Mapping[str, Callable[[StepWorld], None]] = {
    "work-stalled": no_capacity,
    "sweep-silent": no_sweep,
    "jobs-failing": bad_recordings,
    "deliveries-exhausted": broken_receiver,
    "work-lost": lost_part,
    "objects-not-deleted": refused_deletion,
    "breaker-opened": silent_machines,
    "spending": long_machine,
}
"""By the alarm's name, without the deployment's."""


def _sweep_on(world: StepWorld, minutes: int) -> None:
    for _ in range(minutes):
        world.sweep()
        world.now += MINUTE_MS
