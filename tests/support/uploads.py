"""Recordings that are put more than once, and the jobs that they belong to."""

from __future__ import annotations

from services.common.domain.errors import InvalidMediaError
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, SECOND_MS
from services.common.store.jobs import creation
from services.gpu_worker.queue.worker import Worker
from tests.support.step_world import StepWorld

PLAIN = "uploads/a.wav"
OWN = "uploads/default/job_own/a.wav"
"""Of a job of the API."""
OTHER = b"other sound" * 1000


def registered(world: StepWorld, name: str = "own", **more: object) -> Job:
    """A job of the API that waits for its upload."""
    job = Job(
        job_id=f"job_{name}",
        client_id="default",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.now,
        source_key=f"uploads/default/job_{name}/a.wav",
        file_name="a.wav",
        upload_expires_at=world.now + HOUR_MS,
        expires_at=world.now // SECOND_MS + 86_400,
        **more,  # type: ignore[arg-type] # fields of a job
    )
    world.store.commit([creation(job)])
    return job


def the_job(world: StepWorld) -> Job:
    """The only job that there is."""
    (job,) = world.jobs()
    return job


def unreadable(_: Worker) -> None:
    raise InvalidMediaError("The recording cannot be read.")


def fail(world: StepWorld, key: str) -> None:
    """Upload a recording that cannot be read, so that its job fails."""
    world.upload(key)
    world.each_clip = unreadable
    world.settle()
    world.each_clip = lambda _: None
