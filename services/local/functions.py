"""Plays Lambda's event source mapping (SQS → handler, in batches, with partial failures) and its schedule."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

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
