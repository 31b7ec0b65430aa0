"""What people and programs are told of a recording."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from pathlib import Path

    from services.cli.recordings.progress.recording import Recording

NO_TEXT = {
    JobStatus.CANCELED: "It was canceled, so there is no text",
    JobStatus.EXPIRED: "Its recording did not arrive in time: send it again",
    JobStatus.FAILED: "It failed, so there is no text",
}


def problem_of(recording: Recording, error: Exception, sentence: str) -> dict[str, Any]:
    """What programs are told of a recording without a text: its job, if it has one, and why."""
    status = str(recording.job.get("status", "")) if recording.has_ended else ""
    code = status or getattr(error, "problem", "") or getattr(error, "code", "INTERNAL")
    told = recording.job.get("error") or {"code": code.upper(), "message": sentence}
    known = {"job_id": recording.job_id} if recording.job_id else {}
    return {**known, **recording.job, "file": recording.name, "error": told}


def reason(job: dict[str, Any]) -> str:
    """Why a job has no text, in a sentence."""
    error = job.get("error") or {}
    told = error.get("message") or NO_TEXT.get(job["status"], f"It is {job['status']}, so there is no text")
    return f"{told.rstrip('.')} ({error.get('code') or job['status'].upper()})."


def text_of(path: Path | str) -> str:
    """A path as a text that any program can read, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "replace")
