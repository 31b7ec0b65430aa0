"""`transcribe FILE…`: from recordings to their texts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from services.cli import printing
from services.cli.api.client import Api
from services.cli.errors import UsageError
from services.cli.options.job_options import of_a_job, with_formats
from services.cli.options.option_groups import takes
from services.cli.recordings.input.sources import find
from services.cli.recordings.options.outputs import Output, Wishes, check_folder, of_recordings
from services.cli.recordings.output.files import Files
from services.cli.recordings.output.telling import text_of
from services.cli.recordings.progress.recording import Recording
from services.cli.recordings.run import bring
from services.cli.recordings.upload.sending import Sending
from services.cli.recordings.upload.uploads import Uploads


@takes(output=of_recordings, wanted=of_a_job)
def send(
    context: typer.Context,
    *,
    recordings: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Audio or video files, folders of them, URLs, or -.")
    ],
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders too.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Upload, and print the ids of the jobs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no remarks.")] = False,
    output: Output,
    wanted: dict[str, Any],
) -> None:
    """Transcribe recordings: FILE… is any audio or video files, a FOLDER of them, a URL or - for standard input.

    Without -f, -o and --beside the text is printed. Ctrl-C leaves jobs running.
    """
    printing.silence(quiet)
    if no_wait and (output.beside or output.folder is not None):
        raise UsageError("With --no-wait no file is written: leave --beside and --output-dir out.")
    wanted = with_formats(wanted, output.formats, fetched=not no_wait)
    sources = find(recordings, recursive=recursive, commands=_commands(context))
    for folder in {one.beside.parent for one in sources if output.beside and one.beside}:
        check_folder(folder)
    api = Api.of(context.obj)
    if len(sources) > 1:
        # A wrong key or address is told once, and not by each recording.
        api.get("/api/jobs", limit=1)
    files = Files(output, began=datetime.now().astimezone(), kept=[one.beside for one in sources if one.beside])
    on_way = [
        Recording(name=text_of(one.word), source=one, place=files.place(one.beside, one.file_name)) for one in sources
    ]
    sending = Sending(Uploads(api), on_way, wanted)
    wishes = Wishes(output=output, as_json=context.obj.json, again=context.obj.again, wait=not no_wait)
    raise typer.Exit(bring(on_way, api=api, wishes=wishes, files=files, sending=sending))


def _commands(context: typer.Context) -> list[str]:
    """The names of all commands, of which one may have been meant."""
    group: Any = context.parent and context.parent.command
    return list(group.commands) if group else []
