"""Log lines reach CloudWatch before the machine is gone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import boto3
import pytest
import structlog
from moto import mock_aws

from services.common import logs
from services.gpu_worker.machine import log_shipping
from services.gpu_worker.machine.log_shipping import LogShipping

GROUP = "/transcribe/worker"


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(log_shipping, "INTERVAL_SECONDS", 0.01)
    with mock_aws():
        client = boto3.client("logs", region_name="eu-north-1")
        client.create_log_group(logGroupName=GROUP)
        yield client


def shipped(client: Any) -> list[str]:
    events = client.get_log_events(logGroupName=GROUP, logStreamName="i-1/worker_1", limit=10_000)["events"]
    return [event["message"] for event in events]


def test_lines_from_before_the_group_was_known_and_the_very_last_one_arrive(cloudwatch: Any) -> None:
    shipping = LogShipping()
    shipping.take("first")
    shipping.start(cloudwatch, GROUP, "i-1/worker_1")
    shipping.take("last")
    shipping.close()
    assert shipped(cloudwatch) == ["first", "last"]


def test_more_lines_than_one_batch_takes_arrive(cloudwatch: Any) -> None:
    shipping = LogShipping()
    lines = [f"line {number}" for number in range(2_500)]
    for line in lines:
        shipping.take(line)
    shipping.start(cloudwatch, GROUP, "i-1/worker_1")
    shipping.close()
    assert sorted(shipped(cloudwatch)) == sorted(lines)


def test_a_batch_stays_below_what_cloudwatch_takes_whatever_the_lines_are() -> None:
    shipping = LogShipping()
    for _ in range(40):
        shipping.take("å" * 150_000)
    batch = shipping._batch()
    assert all(len(event["message"].encode()) <= log_shipping.LINE_BYTES for event in batch)
    assert sum(len(event["message"].encode()) + 26 for event in batch) <= 1 << 20


def test_what_does_not_fit_is_dropped_and_counted(cloudwatch: Any) -> None:
    shipping = LogShipping()
    for number in range(log_shipping.KEPT_LINES + 7):
        shipping.take(str(number))
    shipping.start(cloudwatch, GROUP, "i-1/worker_1")
    shipping.close()
    (dropped,) = [json.loads(line) for line in shipped(cloudwatch) if "log.dropped" in line]
    assert (dropped["lines"], dropped["level"]) == (7, "warning")
    assert datetime.fromisoformat(dropped["timestamp"])


def test_a_group_that_is_missing_stops_nothing(cloudwatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shipping = LogShipping()
    shipping.take("a line")
    shipping.start(cloudwatch, "/nowhere", "i-1/worker_1")
    shipping.close(seconds=20)
    (said,) = {json.loads(line)["error"] for line in capsys.readouterr().err.splitlines()}
    assert said == "ResourceNotFoundException at CreateLogStream (400)"


def test_what_the_shipping_says_of_itself_is_not_shipped(cloudwatch: Any) -> None:
    shipping = LogShipping()
    logs.configure("info", shipping.take)
    shipping.start(cloudwatch, "/nowhere", "i-1/worker_1")
    shipping.close(seconds=20)
    logs.configure("info")
    assert shipping._batch() == []


def test_every_line_of_the_log_is_handed_over_with_what_joins_it() -> None:
    taken: list[str] = []
    logs.configure("info", taken.append, service="gpu_worker")
    structlog.get_logger("test").info("self_test.passed", speed=5.0)
    logs.configure("info")
    assert '"event": "self_test.passed"' in taken[0]
    assert '"service": "gpu_worker"' in taken[0]
