"""Codes of errors are a promise to clients: documents name those that the code has, and say truly if a retry helps."""

from __future__ import annotations

import re

from services.common.domain import errors
from services.common.domain.errors import (
    AlreadyEndedError,
    ChangedMeanwhileError,
    CorrectedMeanwhileError,
    DamagedModelError,
    InvalidAnnotationError,
    InvalidCorrectionError,
    NotFailedError,
    PermanentError,
    TranscriberError,
)
from tests.support.documents import text_of

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TranscriberError)]
REFUSED_COMMANDS = {
    *(AlreadyEndedError.code, NotFailedError.code, ChangedMeanwhileError.code),
    *(CorrectedMeanwhileError.code, InvalidCorrectionError.code),
}
NO_JOB_ENDS_SO = {PermanentError.code, DamagedModelError.code, InvalidAnnotationError.code, *REFUSED_COMMANDS}
"""The base of others, what ends a machine instead, and why a job or a command on it was refused."""
_ROW = re.compile(r"^\| (`[A-Z_`, ]+`) \|.*?\|(?: (\w+).*\|)?$", re.MULTILINE)


def rows(document: str, heading: str) -> dict[str, str]:
    """Code → first word of the row's last column, of the table below a heading."""
    below = text_of(document).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {code: last for codes, last in _ROW.findall(below) for code in re.findall(r"\w+", codes)}


def test_every_code_of_a_failed_job_is_in_the_runbook_and_no_other() -> None:
    assert rows("docs/operations.md", "Codes of failed jobs").keys() == {kind.code for kind in ERRORS} - NO_JOB_ENDS_SO


def test_the_runbook_says_truly_whether_a_retry_can_help() -> None:
    told = rows("docs/operations.md", "Codes of failed jobs")
    helped = {kind.code for kind in ERRORS if kind.retryable} - NO_JOB_ENDS_SO
    assert {code for code, answer in told.items() if answer == "yes"} == helped


def test_every_refusal_of_a_recording_is_an_error_that_a_retry_does_not_mend() -> None:
    refusals = rows("docs/recordings.md", "Refusals").keys()
    assert "NO_AUDIO_TRACK" in refusals
    assert refusals <= {kind.code for kind in ERRORS if not kind.retryable}
