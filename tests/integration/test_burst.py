"""A burst of uploads through the orchestrator's handler, against the emulator in a process of its own.

BURST=10000 is the whole (`nox -s burst`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.common.aws import Aws
from services.common.store.codec import decode
from services.local import resources
from services.orchestrator.handler import take_batch
from services.orchestrator.service import Orchestrator
from services.orchestrator.settings import OrchestratorSettings
from tests.support.emulator import Emulator

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOADS = int(os.environ.get("BURST", "150"))
BATCH = 10
DUPLICATED_EVERY = 7
"""S3 and SQS deliver at least once: so often a message comes twice."""
GROWTH_BYTES = 20 * 1024 * 1024


@pytest.fixture
def calls() -> Counter[str]:
    """The orchestrator's, of every service, by operation."""
    return Counter()


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path) as running:
        yield running


@pytest.fixture
def orchestrator(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, calls: Counter[str]) -> Orchestrator:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    session = emulator.session
    made = resources.create(session, emulator.endpoint)
    settings = OrchestratorSettings(
        table_name=resources.TABLE,
        bucket_name=resources.BUCKET,
        deployment=resources.DEPLOYMENT,
        secrets_key_id=made.secrets_key_id,
        models=("whisper-base",),
        launch_template_id=made.launch_template_ids["on-demand"],
        spot_launch_template_id=made.launch_template_ids["spot"],
        subnet_ids=made.subnet_ids,
        instance_types=resources.INSTANCE_TYPES,
        image_parameter=resources.IMAGE_PARAMETER,
        fallback_image_parameter=resources.FALLBACK_IMAGE_PARAMETER,
        max_workers=1,
    )
    session.events.register("before-call", lambda model, **_: calls.update([model.name]))
    return Orchestrator(settings, Aws(session))


def put(s3: S3Client, count: int) -> list[dict[str, Any]]:
    """So many uploads of ten clients; returns S3's messages of them, some of them twice."""
    made = []
    for number in range(count):
        key = f"uploads/client-{number % 10}/{number}.mp3"
        etag = s3.put_object(Bucket=resources.BUCKET, Key=key, Body=b"sound")["ETag"].strip('"')
        entry = {"key": key, "eTag": etag, "size": 500_000}
        record = {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-23T16:51:00.000Z",
            "s3": {"bucket": {"name": resources.BUCKET}, "object": entry},
        }
        message = {"messageId": f"m{number}", "body": json.dumps({"Records": [record]})}
        made += [message] * (2 if number % DUPLICATED_EVERY == 0 else 1)
    return made


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_burst_of_uploads_becomes_as_many_jobs_none_twice_in_bounded_memory(
    orchestrator: Orchestrator, emulator: Emulator, calls: Counter[str]
) -> None:
    queue = put(emulator.client("s3"), UPLOADS)
    calls.clear()
    for start in range(0, 10 * BATCH, BATCH):
        assert take_batch(orchestrator, queue[start : start + BATCH]) == []
    before, began = resident_bytes(), time.monotonic()
    for start in range(10 * BATCH, len(queue), BATCH):
        assert take_batch(orchestrator, queue[start : start + BATCH]) == []
    took, grown = time.monotonic() - began, resident_bytes() - before
    each = sum(calls.values()) / UPLOADS
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=resources.TABLE)
    items = [decode(item) for page in pages for item in page["Items"]]
    keys = Counter(item["source_key"] for item in items if item["sk"] == "JOB")
    sys.stdout.write(
        f"{UPLOADS} uploads, {len(queue)} messages: {took:.0f} s, {each:.2f} calls of AWS a job, "
        f"{grown / 2**20:.1f} MiB grown\n"
    )
    assert len(keys) == UPLOADS
    assert set(keys.values()) == {1}
    assert each <= 5
    assert grown <= GROWTH_BYTES
