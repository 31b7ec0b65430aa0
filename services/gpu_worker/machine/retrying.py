"""Retries with backoff: a transient error of AWS ends no worker, no boot and no attempt at a part."""

from __future__ import annotations

import math
import random
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import structlog
from boto3.exceptions import RetriesExceededError
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
"""The pauses between two tries of a call. In each try the client retries by itself, within a second or two."""
LONGEST_PAUSE_HEARTBEATS = 0.5
"""The longest pause in heartbeats, where that is less: the sweep takes a part that has missed two and a half."""
MOST_DOUBLINGS = 10
"""The pause is doubled at most so often: in an outage of hours the power of two would overflow."""
_TRANSIENT = frozenset(
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
"""The codes that botocore retries (`botocore.retries.standard`), and those of a write that met a transaction."""
_TRANSIENT_REASONS = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
        "TransactionInProgress",
    }
)
"""The reasons for which a transaction is canceled that may succeed a moment later."""
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
"""There was no answer, half of one, or no credentials for the call; on EC2 the metadata service may give them late."""


def is_transient(error: BaseException) -> bool:
    """Whether an error of AWS may be gone at the next try; one about a permission, a name or an argument is not."""
    if not isinstance(error, ClientError):
        return isinstance(error, _UNANSWERED)
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        reasons = {str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", [])}
        return bool(reasons - {"None"}) and reasons - {"None"} <= _TRANSIENT_REASONS
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


class Retrying:
    """Makes a call of AWS until it is answered, or until there is no time left."""

    def __init__(
        self,
        stop: threading.Event,
        *,
        before_try: Callable[[], None] = lambda: None,
        last_try: bool = False,
        heartbeat_seconds: float = math.inf,
    ) -> None:
        """How calls are retried.

        Args:
            stop: once it is set, no more tries are made.
            before_try: called before each try.
            last_try: whether one more try is made if `stop` was set during a pause.
            heartbeat_seconds: no pause is longer than half of this, so that a worker that has waited sends a heartbeat
                before the sweep takes its parts.

        """
        self._longest = min(LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_HEARTBEATS * heartbeat_seconds)
        self._stop = stop
        self._before_try = before_try
        self._last_try = last_try

    def __call__(self, call: Callable[[], Answer]) -> Answer:
        """Make a call at least once, until it is answered, and return what it returns.

        Raises:
            StoppedError: AWS has not answered, and `stop` is set.

        """
        began, tries = time.monotonic(), 0
        while True:
            self._before_try()
            stopped = self._stop.is_set()
            try:
                answer = call()
            except Exception as error:
                if not is_transient(error):
                    raise
                if tries == 0:
                    # The error's message is left out, as it may hold an object's name.
                    log.warning("aws.waiting", error=_name(error), operation=getattr(error, "operation_name", None))
                if stopped or (self._stop.wait(_backoff(tries, self._longest)) and not self._last_try):
                    raise StoppedError from error
                tries += 1
            else:
                if tries:
                    log.warning("aws.answers", tries=tries + 1, seconds=round(time.monotonic() - began, 1))
                return answer


def _backoff(tries: int, most: float) -> float:
    """The pause in seconds: twice as long after each try, with jitter, so that workers do not retry all at once."""
    longest = min(most, FIRST_PAUSE_SECONDS * 2.0 ** min(tries, MOST_DOUBLINGS))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter


def _name(error: Exception) -> str:
    """AWS's code for an error; the error's class where AWS did not answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__
