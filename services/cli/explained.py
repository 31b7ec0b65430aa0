"""Whatever goes wrong, as a sentence with a remedy and an exit code."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import CliError, Exit
from services.common.domain.errors import InvalidFieldError, TranscriberError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What is told of an error."""

    sentence: str
    exit_code: Exit


def explain(error: Exception) -> Explained:
    """What a person is told of an error."""
    if isinstance(error, CliError):
        return Explained(sentence=str(error), exit_code=error.exit_code)
    if isinstance(error, TranscriberError):
        wrong = Exit.USAGE if isinstance(error, InvalidFieldError) else Exit.REFUSED
        return Explained(sentence=str(error), exit_code=wrong)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" under {error.filename}" if error.filename else ""
        told = f"The disk is full{where}: make room and try again; `transcribe jobs` lists what is already done."
        return Explained(sentence=told, exit_code=Exit.FAILED)
    if isinstance(error, OSError) and error.filename:
        return Explained(sentence=f"{error.filename}: {error.strerror}.", exit_code=Exit.REFUSED)
    # Where botocore is not loaded, no error is of its kind.
    if "botocore" in sys.modules and (of_aws := _of_aws(error)):
        return of_aws
    return _unexpected(error)


def _of_aws(error: Exception) -> Explained | None:
    from botocore import exceptions as aws  # noqa: PLC0415 - clients of the API do without

    match error:
        case aws.NoRegionError():
            told, code = (
                "No region is set: set AWS_REGION to the deployment's, as in `AWS_REGION=eu-north-1`.",
                Exit.USAGE,
            )
        case aws.NoCredentialsError() | aws.PartialCredentialsError() | aws.ProfileNotFound():
            told = f"{str(error).rstrip('.')}: sign in, as with `aws sso login` or `aws configure`, or set AWS_PROFILE."
            code = Exit.USAGE
        case aws.ClientError():
            told, code = _of_aws_itself(error), Exit.REFUSED
        case aws.BotoCoreError():
            told, code = f"AWS cannot be reached ({error}): check the network and the region.", Exit.UNREACHABLE
        case _:
            return None
    return Explained(sentence=told, exit_code=code)


def _of_aws_itself(error: ClientError) -> str:
    """What is told of an answer of AWS's."""
    code = error.response.get("Error", {}).get("Code")
    if code in EXPIRED:
        return "The AWS credentials have expired: sign in again, as with `aws sso login`."
    if code in DENIED:
        return f"AWS refuses it ({error}): use credentials of the deployment's account that may do this."
    return f"AWS refuses it ({error}): check TABLE_NAME, the region and the account against `terraform output`."


def _unexpected(error: Exception) -> Explained:
    """A mistake of this program: the traceback goes to a file that a report can hold."""
    with tempfile.NamedTemporaryFile("w", prefix="transcribe-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    told = (
        f"This is a mistake of the program ({type(error).__name__}: {error}): please report it, with {Path(file.name)}."
    )
    return Explained(sentence=told, exit_code=Exit.FAILED)
