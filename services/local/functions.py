"""Plays Lambda's event source mapping (SQS → handler, in batches, with partial failures) and its schedule."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain.times import now_ms
from services.local.cloudwatch.data_points import DataPoint, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sqs import SQSClient

    Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]

log = structlog.get_logger()

BATCH = 10
POLL_SECONDS = 1
TIMEOUT_SECONDS = 55
"""The function's time limit: as in Terraform, a little under the schedule's minute."""


@dataclass
class LambdaContext:
    """The context that Lambda gives a handler for an invocation."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _ends: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_SECONDS)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._ends - time.monotonic()) * 1_000))


class ThrottledError(Exception):
    """Lambda has no concurrency left for a function."""


class Invocations:
    """Calls a function as Lambda does, and measures that: calls, errors and throttles (`AWS/Lambda`)."""

    def __init__(self, function: str, handler: Handler, clock: Callable[[], int] = now_ms) -> None:
        """`function`: its name; `clock`: epoch milliseconds."""
        self.concurrency = 1_000
        """How many calls may run at once, as an operator sets it; 0 stops the function."""
        self.points: list[DataPoint] = []
        self._function = function
        self._handler = handler
        self._clock = clock
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda gives it
        """Call it.

        Raises:
            ThrottledError: as many calls run as may.
            Exception: whatever the function raises.

        """
        with self._lock:
            if self._running >= self.concurrency:
                self._measure("Throttles")
                raise ThrottledError(self._function)
            self._running += 1
        self._measure("Invocations")
        try:
            return self._handler(event, context)
        except Exception:
            self._measure("Errors")
            raise
        finally:
            with self._lock:
                self._running -= 1

    def _measure(self, name: str) -> None:
        series = Series.of("AWS/Lambda", name, {"FunctionName": self._function})
        self.points.append(DataPoint(series=series, at=self._clock(), value=1.0, unit="Count"))


class EventSourceMapping:
    """Polls the queue and calls the handler; messages that it reports as failed stay in the queue and come again."""

    def __init__(self, sqs: SQSClient, queue_url: str, handler: Handler) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._handler = handler
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._poll_on, name="mapping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def poll(self) -> int:
        """Receive and handle one batch; returns how many messages it had."""
        reply = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
        )
        messages = reply.get("Messages", [])
        if not messages:
            return 0
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
        answer = self._handler({"Records": records}, LambdaContext())
        failed = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def _poll_on(self) -> None:
        while not self._ending.is_set():
            try:
                self.poll()
            except Exception:  # as on AWS, the messages are then not deleted, and come again
                log.exception("mapping.failed")
                self._ending.wait(POLL_SECONDS)


class Schedule:
    """Calls the handler with the sweep's event, every so many seconds."""

    def __init__(self, handler: Handler, seconds: float) -> None:
        self._handler = handler
        self._seconds = seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._tick_on, name="schedule", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _tick_on(self) -> None:
        while not self._ending.wait(self._seconds):
            try:
                self._handler({"kind": "sweep"}, LambdaContext())
            except Exception:  # the next sweep tries again
                log.exception("schedule.failed")
