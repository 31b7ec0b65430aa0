"""Commands on jobs, for operators and for deployments without the API: cancel, retry, erase."""

from __future__ import annotations

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.common.domain.errors import InvalidOptionError
from services.common.domain.records import Job
from services.common.domain.times import now_ms
from services.common.store.codec import UnknownVersionError

app = group(no_args_is_help=True, help="What can be done with a job, whoever's it is. Set CONFIG_PARAMETER too.")


@app.command(cls=OperatorCommand)
def cancel(job_id: str) -> None:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    after = deployment.commands().cancel(_job(job_id), now_ms())
    print(f"{after.job_id} {after.status.value}")


@app.command(cls=OperatorCommand)
def retry(job_id: str) -> None:
    """Queue a failed job again; what was finished of it stays finished."""
    after = deployment.commands().retry(_job(job_id), now_ms())
    print(f"{after.job_id} {after.status.value}")


@app.command(cls=OperatorCommand)
def erase(job_id: str) -> None:
    """Erase the recording, its transcripts and every record of the job, and print how much of each that was."""
    eraser, tombstones = deployment.erasure(), deployment.store().tombstones
    tombstone = tombstones.get(job_id) or eraser.erase(_job(job_id), now_ms()) or tombstones.get(job_id)
    if tombstone is None:
        raise _unknown(job_id)
    receipt = ", ".join(f"{count} {kind}" for kind, count in (tombstone.receipt or {}).items())
    rest = "" if tombstone.final else "; it is searched for what is left, and final after that"
    print(f"{job_id} erased: {receipt}{rest}")


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
