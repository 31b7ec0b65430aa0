"""Waiting until AWS answers again: what passes by itself ends no worker, no boot and no attempt at a part."""

from __future__ import annotations

import math
import random
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import structlog
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    ProxyConnectionError,
)

from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()
Answer = TypeVar("Answer")
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 5.0
"""Between two tries of one call. Beside them each try has those of the client itself, a second or two apart."""
HEARTBEATS = 0.5
"""The longest pause, in heartbeats: the sweep takes a part whose beats it has missed for two and a half."""
MOST_DOUBLINGS = 10
"""An outage of hours must not bring forth numbers that are none."""
_PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""What botocore tries again (`botocore.retries.standard`), and a write that met a transaction on the same item."""
_PASSING_REASONS = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
        "TransactionInProgress",
    }
)
"""Why a transaction was canceled that may succeed a moment later, word for word."""
_UNANSWERED = (
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    HTTPClientError,
    IncompleteReadError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    RetriesExceededError,
)
"""No answer, half of one, or nobody who signs the question: on EC2 that is a metadata service which is late."""


def is_passing(error: BaseException) -> bool:
    """Whether it is AWS's fault and passes by itself; what a right, a name or an argument has caused does not."""
    if isinstance(error, S3UploadFailedError):
        # It tells its cause in words only.
        return error.__context__ is not None and is_passing(error.__context__)
    if not isinstance(error, ClientError):
        return isinstance(error, _UNANSWERED)
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        reasons = {str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", [])}
        return bool(reasons - {"None"}) and reasons - {"None"} <= _PASSING_REASONS
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def _nobody() -> None:
    """Waits for no sign of life."""


class Retrying:
    """Asks AWS until it answers, or until there is no time left to ask."""

    def __init__(
        self,
        stop: threading.Event,
        *,
        alive: Callable[[], None] = _nobody,
        last_try: bool = False,
        heartbeat_seconds: float = math.inf,
    ) -> None:
        """`alive` is told before every try; `last_try`: whoever is stopped while waiting asks once more.

        `heartbeat_seconds`: of a worker whose leases hang on it.
        """
        self._longest = min(LONGEST_PAUSE_SECONDS, HEARTBEATS * heartbeat_seconds)
        self._stop = stop
        self._alive = alive
        self._last_try = last_try

    def __call__(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returns, once it does; asks at least once.

        Raises:
            StoppedError: AWS has not answered, and `stop` is set.

        """
        began, tries = time.monotonic(), 0
        while True:
            self._alive()
            stopped = self._stop.is_set()
            try:
                answer = ask()
            except Exception as error:
                if not is_passing(error):
                    raise
                if tries == 0:
                    # Not its words, which may hold an object's name.
                    log.warning("aws.waiting", error=_name(error), operation=getattr(error, "operation_name", None))
                if stopped or (self._stop.wait(_pause(tries, self._longest)) and not self._last_try):
                    raise StoppedError from error
                tries += 1
            else:
                if tries:
                    log.warning("aws.answers", tries=tries + 1, seconds=round(time.monotonic() - began, 1))
                return answer


def _pause(tries: int, most: float) -> float:
    """Longer from try to try; spread, so that many workers do not come back at the same moment."""
    longest = min(most, FIRST_PAUSE_SECONDS * 2.0 ** min(tries, MOST_DOUBLINGS))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter


def _name(error: Exception) -> str:
    """AWS's code for it, or the name of what kept the answer away."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__
