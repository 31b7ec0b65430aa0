"""Commands on jobs, for operators and for deployments without the API: cancel, retry, erase."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.printing import answer, erased
from services.common.domain.errors import InvalidOptionError
from services.common.domain.records import Job
from services.common.domain.times import now_ms
from services.common.store.codec import UnknownVersionError

app = group(help="End, retry or erase a job, whoever's it is. Set CONFIG_PARAMETER too.")
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="Any client's job.")]


@app.command(cls=OperatorCommand)
def cancel(context: typer.Context, job_id: JobId) -> None:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    after = deployment.commands().cancel(_job(job_id), now_ms())
    _told(after, json=context.obj.json)


@app.command(cls=OperatorCommand)
def retry(context: typer.Context, job_id: JobId) -> None:
    """Queue a failed job again; what was finished of it stays finished."""
    after = deployment.commands().retry(_job(job_id), now_ms())
    _told(after, json=context.obj.json)


@app.command(cls=OperatorCommand)
def erase(context: typer.Context, job_id: JobId) -> None:
    """Erase the recording, its transcripts and every record of the job, and print how much of each that was."""
    eraser, tombstones = deployment.erasure(), deployment.store().tombstones
    tombstone = tombstones.get(job_id) or eraser.erase(_job(job_id), now_ms()) or tombstones.get(job_id)
    if tombstone is None:
        raise _unknown(job_id)
    removed, final = dict(tombstone.receipt or {}), bool(tombstone.final)
    document = {"job_id": job_id, "removed": removed, "final": final}
    answer(document, erased(job_id, removed, final=final), json=context.obj.json)


def _told(after: Job, *, json: bool) -> None:
    document = {"job_id": after.job_id, "client": after.client_id, "status": after.status.value}
    answer(document, f"{after.job_id} {after.status.value}", json=json)


def _job(job_id: str) -> Job:
    try:
        job = deployment.store().jobs.get(job_id)
    except UnknownVersionError:
        raise InvalidOptionError(
            "job_id", f"{job_id} was written by a newer release: use the `transcribe` of that release."
        ) from None
    if job is None:
        raise _unknown(job_id)
    return job


def _unknown(job_id: str) -> InvalidOptionError:
    return InvalidOptionError("job_id", f"There is no job {job_id}: it may have been erased, or have aged out.")
