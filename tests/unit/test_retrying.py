"""What passes by itself is waited for; what does not is said at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from services.common.domain.options import Options
from services.common.domain.records import Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine import retrying as patiences
from services.gpu_worker.machine.retrying import Retrying, is_transient
from services.gpu_worker.part.claim import Claim, StopReason
from tests.support.faults import aws_error

URL = "https://dynamodb.example.com"
UNREACHABLE = EndpointConnectionError(endpoint_url=URL)


def canceled(*reasons: str) -> ClientError:
    error = aws_error("TransactionCanceledException", "TransactWriteItems")
    error.response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return error


PASSING = [
    *(ConnectTimeoutError(endpoint_url=URL), ReadTimeoutError(endpoint_url=URL), UNREACHABLE),
    *(ConnectionClosedError(endpoint_url=URL), ResponseStreamingError(error="reset")),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    CredentialRetrievalError(provider="iam-role", error_msg="late"),
    MetadataRetrievalError(error_msg="late"),
    RetriesExceededError(UNREACHABLE),  # type: ignore[arg-type] # its stub says that it is given another kind
    aws_error("ThrottlingException", "GetItem"),
    aws_error("ProvisionedThroughputExceededException", "GetItem"),
    aws_error("TransactionConflictException", "UpdateItem"),
    aws_error("RequestTimeout", "PutObject"),
    aws_error("InternalServerError", "GetItem", status=500),
    aws_error("SlowDown", "GetObject", status=503),
    aws_error("Unknown", "GetObject", status=429),
    canceled("None", "ThrottlingError"),
    canceled("TransactionConflict", "None", "ThrottlingError"),
]
LASTING = [
    aws_error("AccessDenied", "GetObject", status=403),
    aws_error("NoSuchKey", "GetObject", status=404),
    aws_error("ValidationException", "GetItem"),
    aws_error("ConditionalCheckFailedException", "UpdateItem"),
    canceled("ConditionalCheckFailed", "ThrottlingError"),
    canceled("None"),
    canceled(),
    *(NoCredentialsError(), ParamValidationError(report="wrong"), ValueError(), StoppedError()),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_is_aws_fault_passes(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_what_is_ours_or_an_answer_does_not_pass(error: Exception) -> None:
    assert not is_transient(error)


class Stopping(threading.Event):
    """Set by the test, or while somebody waits for it; notes how long it was waited for."""

    def __init__(self, *, at_pause: int = 1_000) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._at_pause = at_pause

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses.append(timeout)
        if len(self.pauses) == self._at_pause:
            self.set()
        return self.is_set()


def failing(times: int, error: Exception = UNREACHABLE) -> Callable[[], str]:
    """A call that is answered after so many tries."""
    left = [times]

    def ask() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return "answer"

    return ask


def test_a_call_is_made_again_until_it_is_answered() -> None:
    assert Retrying(Stopping(at_pause=3_000))(failing(2_000)) == "answer", "three hours later"


def test_pauses_grow_to_five_seconds_and_are_spread() -> None:
    stop = Stopping()
    Retrying(stop)(failing(8))
    for number, pause in enumerate(stop.pauses):
        longest = min(5.0, 0.5 * 2**number)
        assert longest / 2 <= pause <= longest
    assert len(set(stop.pauses)) == 8


def test_what_does_not_pass_is_raised_at_once() -> None:
    stop = Stopping()
    with pytest.raises(ClientError):
        Retrying(stop)(failing(1, aws_error("AccessDenied", "GetItem")))
    assert stop.pauses == []


def test_whoever_is_stopped_waits_no_longer() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise UNREACHABLE

    with pytest.raises(StoppedError):
        Retrying(Stopping(at_pause=2))(ask)
    assert len(asked) == 2


def test_whoever_was_stopped_before_asks_once() -> None:
    stop = Stopping()
    stop.set()
    assert Retrying(stop)(failing(0)) == "answer"
    with pytest.raises(StoppedError):
        Retrying(stop)(failing(1))
    assert stop.pauses == []


def test_who_has_a_last_try_asks_once_more_when_stopped() -> None:
    assert Retrying(Stopping(at_pause=1), last_try=True)(failing(1)) == "answer"
    with pytest.raises(StoppedError):
        Retrying(Stopping(at_pause=1), last_try=True)(failing(2))


def test_whoever_waits_gives_a_sign_of_life_before_every_try() -> None:
    alive: list[int] = []
    Retrying(Stopping(), before_try=lambda: alive.append(1))(failing(3))
    assert len(alive) == 4


def test_a_wait_is_logged_once_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(patiences, "log", SimpleNamespace(warning=lambda event, **more: lines.append((event, more))))
    Retrying(Stopping())(failing(3, aws_error("SlowDown", "GetObject", status=503)))
    Retrying(Stopping())(failing(0))
    (waiting, why), (answers, how) = lines
    assert (waiting, answers) == ("aws.waiting", "aws.answers")
    assert why == {"error": "SlowDown", "operation": "GetObject"}
    assert how["tries"] == 4


def held() -> Claim:
    job = Job(job_id="job", client_id="a", status=JobStatus.RUNNING, created_at=0, source_key="k", file_name="f")
    part = Part(job_id="job", part_id="PART#0000", status=PartStatus.RUNNING, client_id="a", created_at=0, attempt=1)
    return Claim(job, part, Options(), confirmed=0.0)


@pytest.mark.parametrize(
    ("reason", "asks"),
    [(None, True), (StopReason.SHUTDOWN, True), (StopReason.LEASE_EXPIRED, False), (StopReason.FENCED, False)],
)
def test_whose_lease_has_expired_or_was_fenced_calls_nobody_any_more(reason: StopReason | None, asks: bool) -> None:
    claim, asked = held(), list[int]()
    if reason:
        claim.stop_work(reason)
    try:
        claim.retry(lambda: asked.append(1))
    except StoppedError:
        assert not asks
    assert bool(asked) == asks


def test_who_falls_silent_while_waiting_does_not_ask_again() -> None:
    claim, asked = held(), list[int]()

    def ask() -> None:
        asked.append(1)
        claim.stop_work(StopReason.LEASE_EXPIRED)
        raise UNREACHABLE

    with pytest.raises(StoppedError):
        claim.retry(ask)
    assert asked == [1]


def test_who_fell_silent_asks_for_its_end_until_the_machine_must_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patiences, "FIRST_PAUSE_SECONDS", 0.0)
    claim = held()
    claim.stop_work(StopReason.LEASE_EXPIRED)
    assert claim.retry_until_shutdown(failing(20)) == "answer"
    claim.stop_work(StopReason.SHUTDOWN)
    assert claim.retry_until_shutdown(failing(0)) == "answer"
    with pytest.raises(StoppedError):
        claim.retry_until_shutdown(failing(1))


def test_who_beats_often_is_back_before_the_sweep_has_looked_twice() -> None:
    stop = Stopping()
    Retrying(stop, heartbeat_seconds=0.4)(failing(6))
    assert max(stop.pauses) <= 0.2
