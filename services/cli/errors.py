"""What a command may end with: exit codes, and errors whose message is one sentence with a remedy."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from services.common.domain.errors import TranscriberError


class Exit(IntEnum):
    """The exit codes of `transcribe`. Of several recordings, the highest counts."""

    DONE = 0
    FAILED = 1
    """A job has failed, was canceled or has expired, or a text could not be written."""
    USAGE = 2
    """The command line is wrong; nothing was sent."""
    REFUSED = 3
    """What was given is refused: a file that is missing or cannot be read, a wrong key, another client's job."""
    UNREACHABLE = 4
    """The service, or the address of a recording, could not be reached, or goes on failing."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED = 141
    """Whoever read the output has left, as `head` does; a shell says the same of a program that SIGPIPE ended."""


class CliError(TranscriberError):
    """Base of the command line's own errors."""

    exit_code: ClassVar[Exit] = Exit.FAILED


class UsageError(CliError):
    """The command line is wrong; nothing was sent."""

    code = "USAGE"
    exit_code = Exit.USAGE


class RefusedError(CliError):
    """The service, its storage or this machine refuses what was given."""

    code = "REFUSED"
    exit_code = Exit.REFUSED

    def __init__(self, message: str, *, problem: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.problem = problem
        """The API's code, such as `NOT_FOUND`; empty: the refusal is no problem document."""
        self.status = status
        """The HTTP status; 0: nothing was asked."""


class UnreachableError(CliError):
    """The service could not be reached, or failed each time."""

    code = "UNREACHABLE"
    exit_code = Exit.UNREACHABLE


class JobFailedError(CliError):
    """A recording has no transcript; the message says why."""

    code = "JOB_FAILED"


class NotWrittenError(CliError):
    """A text is there and could not be written, as if the disk is full."""

    code = "NOT_WRITTEN"
