"""The orchestrator's Lambda handler: takes S3's events from SQS in batches, and runs the sweep every minute."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from services.common import logs
from services.common.aws import Aws
from services.common.domain.fair_queue import estimated_seconds
from services.common.domain.registrations import registered_job
from services.common.settings import load
from services.orchestrator.bulkheads import SweepFailedError
from services.orchestrator.expected import NOTHING
from services.orchestrator.s3_events import Ignored, Upload, read_message
from services.orchestrator.service import Orchestrator
from services.orchestrator.settings import OrchestratorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Before the settings are read: they may be wrong, and that must be logged too.
logs.begin_function("orchestrator")
log = structlog.get_logger()


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


@cache
def build() -> Orchestrator:
    """The orchestrator with its clients, made once per process, at the first event, so that importing costs nothing."""
    return Orchestrator(load(OrchestratorSettings), Aws())


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Handle one event. A batch of SQS is answered with the messages that must come again, a sweep with what it did."""
    structlog.contextvars.bind_contextvars(request_id=context.aws_request_id)
    with logs.invocation(SweepFailedError):
        orchestrator = build()
        if event.get("kind") == "sweep":
            return dict(orchestrator.sweep.run(lambda: context.get_remaining_time_in_millis() / 1_000))
        return {"batchItemFailures": take_batch(orchestrator, event.get("Records", []))}


def take_batch(orchestrator: Orchestrator, records: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Queue the uploads that the messages name; returns the messages that SQS must deliver again.

    A message may also tell of a registered job. It never comes again: the next sweep sees to its machine.
    """
    uploads: dict[Upload, str] = {}
    registered: list[str] = []
    for record in records:
        message_id, body = str(record.get("messageId", "")), _body(record)
        if job_id := registered_job(body):
            registered.append(job_id)
        else:
            uploads |= dict.fromkeys(_uploads(message_id, body, orchestrator.settings.bucket_name), message_id)
    now = orchestrator.clock()
    taken = orchestrator.intake.take(uploads, now)
    failed = {uploads[one.upload] for one in taken if one.error}
    for one in taken:
        if one.error:
            log.error("intake.failed", message_id=uploads[one.upload], exc_info=one.error)
    queued = [estimated_seconds(one.job.source_bytes) for one in taken if one.job]
    try:
        expected = NOTHING
        if registered and orchestrator.settings.launch_at_registration:
            expected = orchestrator.registrations.announced(registered, now)
        if queued or expected.machines:
            orchestrator.fleet.ensure(now, queued, expected=expected)
    except Exception:  # the jobs are there, and the next sweep launches their machines within a minute
        log.exception("fleet.failed")
    return [{"itemIdentifier": message_id} for message_id in sorted(failed)]


def _body(record: Mapping[str, Any]) -> object:
    """The JSON of a message; None if it is none."""
    try:
        return json.loads(record["body"])
    except (KeyError, TypeError, ValueError):
        return None


def _uploads(message_id: str, body: object, bucket: str) -> list[Upload]:
    """The uploads that a message names. Whatever else it holds is logged with a code, and is not delivered again."""
    found = read_message(body, bucket)
    for ignored in found:
        if isinstance(ignored, Ignored):
            log.warning("intake.ignored", code=ignored.code, message_id=message_id)
    return [upload for upload in found if isinstance(upload, Upload)]
