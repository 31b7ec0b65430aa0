"""A job as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.options import speakers
from services.cli.printing import clock, duration, moment, shown
from services.cli.recordings.progress.recording import STAGES
from services.common.domain.options import DEFAULTS
from services.common.domain.progress import ProgressStage
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 12
"""Of the names of the lines."""
STEPS = ("created", "uploaded", "claimed", "completed", "failed", "canceled", "expired")
"""The times that people ask for, of all that a job has."""
NEXT = {
    JobStatus.FAILED: "transcribe retry {job_id}",
    JobStatus.COMPLETED: "transcribe show {job_id} -f txt,srt",
    JobStatus.QUEUED: "transcribe show {job_id} --follow",
    JobStatus.RUNNING: "transcribe show {job_id} --follow",
}
"""What is done with a job next, by its status."""


def described(job: dict[str, Any], again: str = "") -> list[str]:
    """The lines that tell of a job, as the API shows it.

    Args:
        job: as the API shows it.
        again: what a further command must be told to reach the same service, with a space before it.

    """
    facts = [*_facts(job)]
    command = NEXT.get(job["status"])
    if command and (job.get("error") or {}).get("retryable", True):
        facts.append(("next", command.format(job_id=job["job_id"]) + again))
    return [f"{shown(name)[:WIDTH]:<{WIDTH}} {shown(value)}" for name, value in facts if value not in (None, "")]


def _facts(job: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "job", job["job_id"]
    yield "file", job["file_name"]
    yield "status", _status(job)
    yield "waits", job.get("waiting_reason")
    for error in [job["error"]] if job.get("error") else []:
        again = "; it may succeed if it is tried again" if error.get("retryable") else ""
        yield "error", f"{error['message'].rstrip('.')} ({error['code']}){again}."
    for step in STEPS:
        yield step, moment(job["times"].get(step))
    yield "corrected", moment((job.get("correction") or {}).get("changed_at"))
    yield "kept until", moment(job.get("expires_at"))
    yield "duration", clock(job.get("duration"))
    yield "language", job.get("language")
    yield "model", (job.get("model") or {}).get("name")
    yield from _options(job["options"])
    yield from _quality(job.get("quality") or {})
    yield "cost", _cost(job.get("cost") or {})
    for number, name in enumerate(job.get("names") or (), start=1):
        yield f"S{number}", name
    yield "callback", job.get("callback_id")
    yield "reference", job.get("reference")
    for key, value in (job.get("metadata") or {}).items():
        yield "metadata", f"{key}={value}"


def _status(job: dict[str, Any]) -> str:
    """The status, and of an open job how far it is."""
    progress = job.get("progress") or {}
    stage, fraction, seconds = (progress.get(name) for name in ("stage", "fraction", "estimated_seconds"))
    told = [job["status"]]
    if stage and stage not in (job["status"], ProgressStage.ENDED):
        told.append(STAGES.get(stage, stage))
    if fraction and stage != ProgressStage.ENDED:
        told.append(f"{fraction:.0%}")
    if position := progress.get("queue_position"):
        told.append(f"number {position} in the queue")
    if seconds is not None:
        told.append(f"about {duration(seconds)} left")
    return ", ".join(told)


def _options(options: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Those that differ from the defaults. The model, which has no default here, is told beside the language."""
    usual = DEFAULTS.to_json()
    for name, value in options.items():
        if name != "model" and value != usual.get(name):
            yield "option", f"{name.replace('_', '-')}: {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else speakers.told(value)


def _quality(quality: dict[str, Any]) -> Iterator[tuple[str, object]]:
    if quality.get("confidence") is not None:
        yield "confidence", f"{quality['confidence']:.0%}, {quality['doubtful_share']:.0%} of the words are doubtful"
    yield "speakers", quality.get("speaker_count")
    for remark in quality.get("remarks", []):
        yield "remark", remark["message"]


def _cost(cost: dict[str, Any]) -> str:
    parts = [f"${cost['dollars']:.4f}"] if cost.get("dollars") is not None else []
    if cost.get("machine_seconds") is not None:
        parts.append(f"{duration(cost['machine_seconds'])} of a machine")
    return ", ".join([*parts, *(str(cost[name]) for name in ("instance_type", "market") if cost.get(name))])
