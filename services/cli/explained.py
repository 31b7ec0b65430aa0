"""Whatever goes wrong, as a sentence with a remedy and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import CliError, Exit
from services.cli.printing import shown
from services.common.domain.errors import InvalidFieldError, TranscriberError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
UNKNOWN = ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
SETTINGS = "SETTINGS"
"""The code of a setting that is missing or wrong; its class is loaded only with what reads settings."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""The numbers of the errors of a disk, or a user's share of it, that has no room."""
CHECK = "compare the region, the account and the variables with what `terraform output` prints"
SIGN_IN_AGAIN = "The AWS credentials have expired: sign in again, as with `aws sso login`."


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What is told of an error."""

    sentence: str
    exit_code: Exit


def explain(error: Exception) -> Explained:
    """What a person is told of an error: one line, without what could move a terminal's cursor."""
    told = _told(error)
    return Explained(sentence=shown(" ".join(told.sentence.split())), exit_code=told.exit_code)


def _told(error: Exception) -> Explained:
    if isinstance(error, CliError):
        return Explained(sentence=str(error), exit_code=error.exit_code)
    if isinstance(error, TranscriberError):
        wrong = isinstance(error, InvalidFieldError) or error.code == SETTINGS
        return Explained(sentence=str(error), exit_code=Exit.USAGE if wrong else Exit.REFUSED)
    if isinstance(error, OSError) and (error.errno in FULL or error.filename):
        return _of_files(error)
    # Where botocore is not loaded, no error is of its kind.
    if "botocore" in sys.modules and (of_aws := _of_aws(error)):
        return of_aws
    return _unexpected(error)


def _of_files(error: OSError) -> Explained:
    if error.errno in FULL:
        where = f" under {error.filename}" if error.filename else ""
        told = f"The disk is full{where}: make room and try again; `transcribe jobs` lists what is already done."
        return Explained(sentence=told, exit_code=Exit.FAILED)
    told = f"{error.filename} cannot be used ({error.strerror}): check the path, and who may read and write there."
    return Explained(sentence=told, exit_code=Exit.REFUSED)


def _of_aws(error: Exception) -> Explained | None:
    from botocore import exceptions as aws  # noqa: PLC0415 - clients of the API do without

    match error:
        case aws.NoRegionError():
            told = "No region is set: set AWS_REGION to the deployment's, as in `export AWS_REGION=eu-north-1`."
            code = Exit.USAGE
        case aws.SSOError() | aws.TokenRetrievalError() | aws.LoginError():
            told, code = SIGN_IN_AGAIN, Exit.REFUSED
        case aws.NoCredentialsError() | aws.PartialCredentialsError() | aws.ProfileNotFound():
            told = f"{str(error).rstrip('.')}: sign in, as with `aws sso login` or `aws configure`, or set AWS_PROFILE."
            code = Exit.USAGE
        case aws.CredentialRetrievalError():
            told = f"The AWS credentials cannot be had ({error}): sign in, as with `aws sso login`, or set AWS_PROFILE."
            code = Exit.REFUSED
        case aws.ClientError():
            told, code = _of_aws_itself(error), Exit.REFUSED
        case aws.ParamValidationError() | aws.ValidationError():
            told, code = f"AWS takes no such value ({error}): {CHECK}.", Exit.USAGE
        case aws.BotoCoreError():
            told = f"AWS cannot be reached ({str(error).rstrip('.')}): check the network, and AWS_REGION."
            code = Exit.UNREACHABLE
        case _:
            return None
    return Explained(sentence=told, exit_code=code)


def _of_aws_itself(error: ClientError) -> str:
    """What is told of an answer of AWS's."""
    code = error.response.get("Error", {}).get("Code")
    if code in EXPIRED:
        return SIGN_IN_AGAIN
    if code in UNKNOWN:
        return f"AWS does not know these credentials ({code}): sign in again, as with `aws sso login`."
    if code in DENIED:
        return f"AWS refuses it ({error}): use credentials of the deployment's account that may do this."
    if code == "ResourceNotFoundException":
        table = os.environ.get("TABLE_NAME")
        return f"There is no table {table} in this account and region: {CHECK}."
    return f"AWS refuses it ({error}): {CHECK}."


def _unexpected(error: Exception) -> Explained:
    """A mistake of this program: the traceback goes to a file that a report can hold."""
    with tempfile.NamedTemporaryFile("w", prefix="transcribe-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    told = (
        f"This is a mistake of the program ({type(error).__name__}: {error}): please report it, with {Path(file.name)}."
    )
    return Explained(sentence=told, exit_code=Exit.FAILED)
