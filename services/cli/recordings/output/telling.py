"""What people and programs are told of a recording."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from services.cli import printing
from services.cli.recordings.upload.uploads import LARGEST_FORM
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from pathlib import Path

    from services.cli.recordings.progress.recording import Recording

NO_TEXT = {
    JobStatus.CANCELED: "It was canceled, so there is no text",
    JobStatus.EXPIRED: "Its recording did not arrive in time: send it again",
    JobStatus.FAILED: "It failed, so there is no text",
}


def say(recording: Recording, sentence: str) -> None:
    """Print a sentence about a recording for people, even if they want no notes."""
    print(f"{printing.shown(recording.name)}: {printing.shown(sentence)}", file=sys.stderr, flush=True)


def problem_of(recording: Recording, error: Exception, sentence: str) -> dict[str, Any]:
    """What programs are told of a recording without a text: its job, if it has one, and why."""
    status = str(recording.job.get("status", "")) if recording.has_ended else ""
    code = status or getattr(error, "problem", "") or getattr(error, "code", "INTERNAL")
    told = recording.job.get("error") or {"code": code.upper(), "message": sentence}
    known = {"job_id": recording.job_id} if recording.job_id else {}
    return {**known, **recording.job, "file": recording.name, "error": told}


def goes_on(recording: Recording) -> bool:
    """Whether an upload that was interrupted goes on where it stopped."""
    on_this_machine = recording.source is not None and recording.source.beside is not None
    return on_this_machine and (recording.total or 0) > LARGEST_FORM


def reason(job: dict[str, Any]) -> str:
    """Why a job has no text, in a sentence."""
    error = job.get("error") or {}
    told = error.get("message") or NO_TEXT.get(job["status"], f"It is {job['status']}, so there is no text")
    return f"{told.rstrip('.')} ({error.get('code') or job['status'].upper()})."


def text_of(path: Path | str) -> str:
    """A path as a text that any program can read, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "replace")


def print_path(path: Path) -> None:
    """Print a path: to a terminal as it can be shown, to a program as it is."""
    if sys.stdout.isatty():
        print(printing.shown(path), flush=True)
    else:
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.flush()


def print_text(text: bytes) -> None:
    """Print a text, in UTF-8: to a terminal as it can be shown, to a program as it is."""
    if sys.stdout.isatty():
        lines = text.decode("utf-8", "replace").splitlines()
        print("\n".join(line and printing.shown(line) for line in lines), flush=True)
    else:
        sys.stdout.buffer.write(text if text.endswith(b"\n") else text + b"\n")
        sys.stdout.flush()
