"""Checks of the work itself: what waits, what was set aside, and whether machines may be launched."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.cli.operator.doctor.findings import Finding, ok, warning, wrong
from services.cli.operator.doctor.rights import found
from services.common.domain.states import Waiting
from services.common.domain.times import MINUTE_MS, SECOND_MS, now_ms, rfc3339

if TYPE_CHECKING:
    from services.cli.operator.doctor.patient import Patient

LOOKED_AT = 500
"""Parts of the queue that are looked at."""
LONG_MINUTES = 60
"""So long waits nothing that moves, unless the deployment's alarm says otherwise (`stalled_minutes`)."""
STALLED = "work-stalled"
SHOW_MACHINES = "transcribe machines"
WAITS: dict[str, str] = {
    Waiting.CAPACITY: "Name more instance_types or zones, or set on_demand_after_minutes; else wait.",
    Waiting.QUOTA: "See the quotas above, or set on_demand_after_minutes.",
    Waiting.IMAGE: "Do what these words ask for, and see what is said of the image above.",
    Waiting.BREAKER: SHOW_MACHINES,
}
"""What helps a job, by what it waits for; docs/operations.md says more."""


def queue(patient: Patient) -> Finding:
    """How many uploads wait to be taken in."""
    name = patient.names.queue
    waiting = _messages(patient, name)
    if waiting is None:
        return wrong(f"There is no queue {name}: nobody hears of uploads.")
    return ok(f"Uploads that wait to be taken in: {waiting}.")


def dead_letters(patient: Patient) -> Finding:
    """How many uploads were set aside, since the orchestrator failed five times on each."""
    name = patient.names.dead_letters
    waiting = _messages(patient, name)
    if waiting is None:
        return wrong(f"There is no queue {name}: an upload that cannot be taken in is lost after two weeks.")
    if waiting == 0:
        return ok("No upload was set aside.")
    return wrong(
        f"Uploads that were set aside: {waiting}. Mend what the orchestrator's log says of them first.",
        patient.aws(f"sqs start-message-move-task --source-arn {patient.queue_arn(name)}"),
    )


def breaker(patient: Patient) -> Finding:
    """Whether launching pauses, because machines never reported."""
    found_breaker, now = patient.store().fleet.breaker(), now_ms()
    if found_breaker is None or found_breaker.silent_boots == 0:
        return ok("The last machine reported, or there was none yet.")
    said = f"{found_breaker.silent_boots} machines in a row never reported. {found_breaker.reason or ''}".strip()
    if found_breaker.open_until > now:
        return wrong(f"{said} None is launched until {rfc3339(found_breaker.open_until)}.", SHOW_MACHINES)
    return warning(said, SHOW_MACHINES)


def oldest(patient: Patient) -> Finding:
    """Which job has waited longest, and why."""
    store, now = patient.store(), now_ms()
    part = min(islice(store.parts.queue(), LOOKED_AT), key=lambda one: one.created_at, default=None)
    if part is None:
        return ok("No job waits.")
    minutes = max(0, now - part.created_at) // MINUTE_MS
    job = store.jobs.get(part.job_id)
    why = job.waiting if job else None
    reason = f" for {why}: {job.waiting_reason}" if job and why else ""
    said = f"The job {part.job_id} of {part.client_id} has waited {minutes} minutes{reason}".rstrip(".") + "."
    remedy = WAITS.get(why or "", SHOW_MACHINES)
    if minutes >= _long_minutes(patient):
        return wrong(said, remedy)
    return warning(said, remedy) if why else ok(said)


def _long_minutes(patient: Patient) -> float:
    """The deployment's `stalled_minutes`, as its alarm has them; the default ones if the alarm cannot be seen."""
    try:
        alarms = {one["AlarmName"]: one for one in patient.alarms()}
        return float(alarms[patient.names.alarms + STALLED]["Threshold"]) * SECOND_MS / MINUTE_MS
    except (BotoCoreError, ClientError, KeyError):
        return LONG_MINUTES


def _messages(patient: Patient, name: str) -> int | None:
    """About how many messages wait in a queue; None: there is no such queue."""
    sqs = patient.client("sqs")
    url = found(sqs.get_queue_url, QueueName=name)
    if url is None:
        return None
    wanted = ["ApproximateNumberOfMessages"]
    return int(sqs.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=wanted)["Attributes"][wanted[0]])


CHECKS = {"uploads queue": queue, "dead letters": dead_letters, "breaker": breaker, "oldest waiting job": oldest}
