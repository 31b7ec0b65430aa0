"""Commands on jobs, for operators and for deployments without the API: cancel, retry, erase."""

from __future__ import annotations

import typer

from services.cli import deployment
from services.common.domain.errors import InvalidOptionError
from services.common.domain.records import Job
from services.common.domain.times import now_ms

app = typer.Typer(no_args_is_help=True, help="What can be done with a job, whoever's it is.")


@app.command()
def cancel(job_id: str) -> None:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    after = deployment.commands().cancel(_job(job_id), now_ms())
    print(f"{after.job_id} {after.status.value}")


@app.command()
def retry(job_id: str) -> None:
    """Queue a failed job again; what was finished of it stays finished."""
    after = deployment.commands().retry(_job(job_id), now_ms())
    print(f"{after.job_id} {after.status.value}")


@app.command()
def erase(job_id: str) -> None:
    """Erase the recording, its transcripts and every record of the job, and print how much of each that was."""
    tombstone = deployment.erasure().erase(_job(job_id), now_ms())
    if tombstone is None or tombstone.receipt is None:
        raise _unknown(job_id)
    print(f"{job_id} erased: {', '.join(f'{count} {kind}' for kind, count in tombstone.receipt.items())}")


def _job(job_id: str) -> Job:
    job = deployment.store().jobs.get(job_id)
    if job is None:
        raise _unknown(job_id)
    return job


def _unknown(job_id: str) -> InvalidOptionError:
    return InvalidOptionError("job_id", f"There is no job {job_id}: it may have been erased, or have aged out.")
