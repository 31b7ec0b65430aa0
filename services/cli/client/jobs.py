"""A client's jobs: listed, canceled, retried and erased."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.api.client import Api, path
from services.cli.errors import CliError, Exit, RefusedError, UsageError
from services.cli.explained import explain
from services.cli.printing import as_json, clock, erased, moment, note, problem, table
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_OF_A_PAGE = 100
"""Jobs that the API lists in one reply."""
HEADINGS = ("id", "status", "file", "created", "duration", "reference")
JobIds = Annotated[list[str], typer.Argument(metavar="JOB_ID…", help="As `transcribe jobs` lists them.")]


def jobs(
    context: typer.Context,
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="failed,expired",
            help=f"Only these, of {', '.join(JobStatus)}.",
            autocompletion=lambda: [*JobStatus],
        ),
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only if the file's name or reference holds this.")
    ] = None,
    reference: Annotated[str | None, typer.Option(metavar="TEXT", help="Only if this is the reference.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many, the newest.")] = 30,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print ids alone, one a line.")] = False,
) -> None:
    """The client's jobs, newest first.

    `transcribe cancel $(transcribe jobs -q --status queued)` cancels all that wait.
    """
    wanted = {"status": _statuses(status or ()) or None, "q": search, "reference": reference}
    found = Api.of(context.obj).pages("/api/jobs", "jobs", limit=min(limit + 1, MOST_OF_A_PAGE), **wanted)
    listed = list(islice(found, limit + 1))
    more, listed = len(listed) > limit, listed[:limit]
    if context.obj.json:
        as_json(listed)
    elif quiet:
        print("".join(f"{job['job_id']}\n" for job in listed), end="")
    elif listed:
        table(HEADINGS, map(_row, listed))
    else:
        note("There are no such jobs." if any(wanted.values()) else "There are no jobs yet.")
    if more:
        note("There are more jobs: see them with a higher --limit.")


def _statuses(texts: Iterable[str]) -> list[str]:
    """The statuses, as `failed,expired` or one after another.

    Raises:
        UsageError: there is no such status.

    """
    words = [word.strip() for text in texts for word in text.split(",")]
    for word in words:
        if word not in [*JobStatus]:
            raise UsageError(f"There is no status {word or 'without a name'}; there are: {', '.join(JobStatus)}.")
    return words


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    created, duration = moment(job["created_at"]), clock(job.get("duration"))
    return job["job_id"], job["status"], job["file_name"], created, duration, job.get("reference")


def cancel(context: typer.Context, job_ids: JobIds) -> None:
    """End jobs that have not ended; a machine that works on one stops within seconds."""
    api = Api.of(context.obj)
    _each(job_ids, lambda job_id: api.post(path("jobs", job_id, "cancel")), _status, json=context.obj.json)


def retry(context: typer.Context, job_ids: JobIds) -> None:
    """Queue failed jobs again; what was finished of them stays finished."""
    api = Api.of(context.obj)
    _each(job_ids, lambda job_id: api.post(path("jobs", job_id, "retry")), _status, json=context.obj.json)


def erase(
    context: typer.Context,
    job_ids: JobIds,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase jobs with their recordings, transcripts and records, and print how much of each that was.

    Once more, it prints the receipt again.
    """
    api = Api.of(context.obj)
    if not yes:
        _ask(len(set(job_ids)))
    _each(job_ids, lambda job_id: _erased(api, job_id), _receipt, json=context.obj.json)


def _erased(api: Api, job_id: str) -> dict[str, Any]:
    """Erase a job; returns the receipt.

    Raises:
        RefusedError: there is no such job of this client's, or never was.

    """
    receipt: dict[str, Any] | None = api.delete(path("jobs", job_id))
    # An erased job answers with its receipt for days. So a 404 is none, even if an answer was lost before it.
    if receipt is None:
        raise RefusedError("There is no such job, or it is not yours: compare the id.", problem="NOT_FOUND")
    return receipt


def _ask(count: int) -> None:
    """Ask whether that many jobs are really to be erased.

    Raises:
        UsageError: nobody can be asked.
        typer.Exit: the answer is no.

    """
    if not sys.stdin.isatty():
        raise UsageError("Nothing was erased, since nobody can be asked here: add --yes if you are sure.")
    what = "this job with its recording" if count == 1 else f"these {count} jobs with their recordings"
    if not typer.confirm(f"Erase {what}, transcripts and records for ever?", err=True):
        note("Nothing was erased.")
        raise typer.Exit(Exit.FAILED)


def _status(job: dict[str, Any]) -> str:
    return f"{job['job_id']} {job['status']}"


def _receipt(receipt: dict[str, Any]) -> str:
    return erased(receipt["job_id"], receipt["removed"], final=receipt["final"])


def _each(
    job_ids: Iterable[str],
    act: Callable[[str], dict[str, Any]],
    line: Callable[[dict[str, Any]], str],
    *,
    json: bool,
) -> None:
    """Do something with each job. One that fails stops none; the highest of the exit codes counts.

    Raises:
        typer.Exit: one or more failed; each was told of.

    """
    documents, worst = [], Exit.DONE
    for job_id in dict.fromkeys(job_ids):
        try:
            document = act(job_id)
        except CliError as error:
            told = explain(error)
            problem(f"{job_id}: {told.sentence}")
            worst = max(worst, told.exit_code)
            code = error.problem if isinstance(error, RefusedError) else error.code
            document = {"job_id": job_id, "error": {"code": code or error.code, "message": told.sentence}}
        else:
            if not json:
                print(line(document), flush=True)
        documents.append(document)
    if json:
        as_json(documents)
    if worst:
        raise typer.Exit(worst)
