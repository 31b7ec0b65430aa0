"""Whatever goes wrong in a command is told of in one line, with what to do and an exit code."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from botocore import exceptions as aws

from services.cli.errors import Exit, RefusedError, UnreachableError
from services.cli.explained import explain
from services.common.domain.errors import InvalidOptionError, NotFailedError
from services.common.settings import SettingsError


def refused(code: str) -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": "The\nreason."}}, "Query")


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (RefusedError("No: ask again."), Exit.REFUSED, "ask again"),
        (UnreachableError("No: later."), Exit.UNREACHABLE, "later"),
        (SettingsError("Set TABLE_NAME."), Exit.USAGE, "Set TABLE_NAME"),
        (InvalidOptionError("format", "Give another."), Exit.USAGE, "Give another"),
        (NotFailedError("Only a failed one."), Exit.REFUSED, "Only a failed one"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), Exit.FAILED, "disk is full under /x: make room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Exit.FAILED, "make room"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            Exit.REFUSED,
            "/x cannot be used .*: check the path",
        ),
        (aws.NoRegionError(), Exit.USAGE, "set AWS_REGION"),
        (aws.NoCredentialsError(), Exit.USAGE, "`aws sso login`"),
        (aws.ProfileNotFound(profile="none"), Exit.USAGE, "set AWS_PROFILE"),
        (aws.UnauthorizedSSOTokenError(), Exit.REFUSED, "have expired: sign in again"),
        (aws.TokenRetrievalError(provider="sso", error_msg="x"), Exit.REFUSED, "have expired: sign in again"),
        (aws.CredentialRetrievalError(provider="p", error_msg="x"), Exit.REFUSED, "sign in"),
        (aws.ParamValidationError(report="bad"), Exit.USAGE, "takes no such value .*: compare"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), Exit.UNREACHABLE, "check the network, and AWS_REGION"),
        (refused("ExpiredToken"), Exit.REFUSED, "have expired: sign in again"),
        (refused("UnrecognizedClientException"), Exit.REFUSED, "does not know these credentials .*: sign in again"),
        (refused("AccessDeniedException"), Exit.REFUSED, "use credentials of the deployment's account"),
        (refused("ResourceNotFoundException"), Exit.REFUSED, "no table .* in this account and region: compare"),
        (refused("SomethingNewException"), Exit.REFUSED, "The reason.*compare the region, the account"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_is_a_line_with_what_to_do_and_an_exit_code(error: Exception, code: Exit, remedy: str) -> None:
    told = explain(error)
    assert told.exit_code is code
    assert re.search(remedy, told.sentence)
    assert told.sentence.isprintable()


def test_what_somebody_else_wrote_moves_no_cursor() -> None:
    assert explain(RefusedError("No file \x1b[2J\nof this name.")).sentence == "No file \ufffd[2J of this name."


def test_a_mistake_of_the_program_is_told_of_with_a_file_that_holds_its_traceback() -> None:
    told = explain(ZeroDivisionError("division by zero"))
    assert told.exit_code is Exit.FAILED
    found = re.search(r"\(ZeroDivisionError: division by zero\): please report it, with (\S+)\.$", told.sentence)
    assert found
    log = Path(found[1])
    assert "ZeroDivisionError: division by zero" in log.read_text("utf-8")
    log.unlink()
