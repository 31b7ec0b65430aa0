"""`transcribe show`: jobs as they are, or with --follow, until their texts are there."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import printing
from services.cli.api.client import Api, path
from services.cli.errors import Exit, JobFailedError, RefusedError
from services.cli.options.option_groups import takes
from services.cli.recordings.options.outputs import Output, Wishes, of_jobs
from services.cli.recordings.output.files import Files
from services.cli.recordings.output.job_facts import described
from services.cli.recordings.output.telling import problem_of
from services.cli.recordings.progress.recording import Phase, Recording
from services.cli.recordings.run import bring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.cli.commands import Given


@takes(output=of_jobs)
def show(
    context: typer.Context,
    *,
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB_ID…", help="As `transcribe jobs` lists them.")],
    follow: Annotated[bool, typer.Option("--follow", help="Wait until it has ended, and print its text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no remarks.")] = False,
    output: Output,
) -> None:
    """Show a job; with --follow until its text is there.

    With -f or -o, the files of a job that is completed are written.
    """
    printing.silence(quiet)
    api = Api.of(context.obj)
    recordings = [Recording(name=one, job_id=one, phase=Phase.SENT) for one in dict.fromkeys(job_ids)]
    failed = _read(api, recordings)
    if not follow and not output.formats:
        _print(recordings, failed, given=context.obj)
        raise typer.Exit(max((error.exit_code for error in failed.values()), default=Exit.DONE))
    files = Files(output, began=datetime.now().astimezone())
    for recording in recordings:
        if recording not in failed and not follow and not recording.has_ended:
            status = recording.job["status"]
            failed[recording] = JobFailedError(f"It is {status} and has no text yet: wait for it with --follow.")
        recording.place = files.place(None, recording.job.get("file_name", ""))
    wishes = Wishes(output=output, as_json=context.obj.json, again=context.obj.again)
    raise typer.Exit(bring(recordings, api=api, wishes=wishes, files=files, failed=failed))


def _read(api: Api, recordings: Sequence[Recording]) -> dict[Recording, RefusedError | JobFailedError]:
    """Read the jobs; returns those that cannot be read."""
    failed: dict[Recording, RefusedError | JobFailedError] = {}
    for recording in recordings:
        try:
            job = api.get(path("jobs", recording.job_id))
        except RefusedError as error:
            failed[recording] = error
        else:
            recording.see(job, time.monotonic(), alone=True)
            recording.name = job["file_name"]
    return failed


def _print(recordings: Sequence[Recording], failed: Mapping[Recording, Exception], *, given: Given) -> None:
    """Print what is known of jobs: lines for people, or one document."""
    for recording, error in failed.items():
        printing.problem(str(error), of=recording.name)
    known = [recording.job for recording in recordings if recording not in failed]
    if given.json:
        documents = [problem_of(one, failed[one], str(failed[one])) if one in failed else one.job for one in recordings]
        printing.as_json(documents if len(documents) > 1 else documents[0])
    elif known:
        print("\n\n".join("\n".join(described(job, given.again)) for job in known))
