"""Commands on jobs, for operators and for deployments without the API: list, cancel, retry, erase."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from services.cli.commands import OperatorCommand, group
from services.cli.operator import deployment
from services.cli.operator.arguments import Client
from services.cli.printing import answer, as_json, clock, erased, moment, note, table
from services.common.domain.errors import InvalidOptionError
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import now_ms, rfc3339
from services.common.store.codec import UnknownVersionError

app = group(help="List, end, retry or erase jobs, whoever's they are. Set CONFIG_PARAMETER too.")
HEADINGS = ("id", "status", "code", "created", "duration", "file")
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="Any client's job.")]


@app.command("list", cls=OperatorCommand)
def list_(
    context: typer.Context,
    client: Client,
    status: Annotated[JobStatus | None, typer.Option(metavar="failed", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many, the newest.")] = 30,
) -> None:
    """A client's jobs, newest first, the failed ones with their codes."""
    found = list(islice(_newest(client, status, limit), limit))
    if context.obj.json:
        as_json([_fields(job) for job in found])
    elif found:
        table(HEADINGS, [tuple(_shown(job)) for job in found])
    else:
        note(f"{client} has no such jobs.")


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


def _newest(client: str, status: JobStatus | None, at_once: int) -> Iterator[Job]:
    """A client's jobs, or those in one state, read page by page."""
    wanted = (lambda job: job.status is status) if status else None
    after, more = None, True
    while more:
        page = deployment.store().jobs.page(client, after=after, size=at_once, wanted=wanted)
        yield from page.records
        after, more = page.last, page.more


def _fields(job: Job) -> dict[str, object]:
    """What is listed of a job, for programs."""
    return {
        "job_id": job.job_id,
        "status": job.status.value,
        "code": (job.error or {}).get("code"),
        "created_at": rfc3339(job.created_at),
        "duration": (job.result or {}).get("duration_seconds"),
        "file_name": job.file_name,
    }


def _shown(job: Job) -> Iterator[object]:
    """The same, for people."""
    seconds: float | None = (job.result or {}).get("duration_seconds")
    yield from (job.job_id, job.status.value, (job.error or {}).get("code"))
    yield from (moment(rfc3339(job.created_at)), clock(seconds), job.file_name)


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
