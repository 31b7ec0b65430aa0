"""Asks the orchestrator for a machine as soon as a job is registered, so that it starts while the recording comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from botocore.config import Config

from services.common.domain import registrations

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = structlog.get_logger()
HASTY = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
)
"""A registration does not wait for a queue that does not answer: the sweep sees to the machine a minute later."""


class EarlyLaunch:
    """The orchestrator's queue, as the API uses it."""

    def __init__(self, sqs: SQSClient, queue_url: str, seconds: float) -> None:
        """`seconds`: how long after its registration an upload is expected."""
        self._sqs = sqs
        self._queue_url = queue_url
        self._seconds = seconds

    def expected_until(self, now: int, size: int | None) -> int:
        """Until when a machine may wait for an upload of this size in bytes; 0: none does. Epoch milliseconds."""
        return registrations.expected_until(now, size, self._seconds)

    def ask(self, job_id: str) -> None:
        """Tell the orchestrator of a registered job. If that fails, the job is registered all the same."""
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=registrations.message(job_id))
        except Exception as error:  # noqa: BLE001 - the job is registered, whatever became of the message
            log.warning("registration.untold", job_id=job_id, error=error)
