"""What is wanted of a run: above all where texts go, to standard output or to which files in which folder."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import UsageError
from services.cli.options.job_options import checked_formats
from services.common.domain.options import FORMATS, READ_FORMAT

_Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="txt,srt",
        help=f"Write files, of {', '.join(FORMATS)}, into the current folder.",
        autocompletion=lambda: list(FORMATS),
    ),
]
_Folder = Annotated[
    Path | None,
    typer.Option("--output-dir", "-o", help="Write files into this folder, named like the recordings; it is made."),
]
_Beside = Annotated[bool, typer.Option("--beside", help="Write files beside the recordings.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace files that are there; else the new ones get a number.")]


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where texts go."""

    formats: tuple[str, ...] = ()
    """Of the files of each recording; empty: its text goes to standard output."""
    folder: Path | None = None
    """Where the files are, named like their recordings."""
    beside: bool = False
    """Whether the files are beside their recordings."""
    force: bool = False
    """Whether a file may be replaced."""

    @property
    def options(self) -> str:
        """What must be said to `transcribe show`, with a space before it, so that a text goes to such a file."""
        formats = f" -f {','.join(self.formats)}" if self.formats else ""
        return formats + (f" -o {shlex.quote(str(self.folder))}" if self.folder else "")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wanted of a run."""

    output: Output
    """Where texts go."""
    as_json: bool = False
    """Whether a line of JSON is printed for each recording."""
    again: str = ""
    """What a further command must be told to reach the same service, with a space before it."""
    wait: bool = True
    """Whether texts are waited for."""

    def show(self, job_id: str, *, follow: bool) -> str:
        """The command that shows a job's text or writes its files."""
        return f"transcribe show {job_id}{' --follow' if follow else ''}{self.output.options}{self.again}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the files of one recording go: their folder and stem, and a number if the stem alone is taken."""

    folder: Path
    stem: str
    number: int = 1

    def path(self, form: str) -> Path:
        numbered = self.stem if self.number == 1 else f"{self.stem}_{self.number}"
        return self.folder / f"{numbered}.{form}"


def of_recordings(
    *, formats: _Formats = None, folder: _Folder = None, beside: _Beside = False, force: _Force = False
) -> Output:
    """Where the texts of recordings go.

    Raises:
        UsageError: there is no such format or folder, or nothing can be written there.

    """
    if folder is not None and beside:
        raise UsageError("--beside and --output-dir name two places: give one of them.")
    wanted = checked_formats(formats) or ((READ_FORMAT,) if beside or folder is not None else ())
    if not wanted and force:
        raise UsageError("--force replaces files, and none is written: add `-f txt`, `--beside` or `-o FOLDER`.")
    if wanted and not beside:
        check_folder(folder or Path())
    return Output(formats=wanted, folder=folder, beside=beside, force=force)


def of_jobs(*, formats: _Formats = None, folder: _Folder = None, force: _Force = False) -> Output:
    """Where the texts of jobs go, whose recordings may lie anywhere. Raises as `of_recordings`."""
    return of_recordings(formats=formats, folder=folder, force=force)


def check_folder(folder: Path) -> None:
    """Check that files can be made in a folder. One that is not there is made with its first file.

    Raises:
        UsageError: they cannot, or the folder that it would be made in is not there either.

    """
    if not folder.exists() and folder.parent.is_dir():
        folder = folder.parent
    if not folder.is_dir():
        told = "is no folder" if folder.exists() else "does not exist: make it first"
        raise UsageError(f"The output folder {folder} {told}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Nothing can be written into the folder {folder.absolute()}: give another with `-o FOLDER`.")
