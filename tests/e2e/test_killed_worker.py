"""What a killed worker leaves behind is taken up by another."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from services.common.domain import object_keys
from services.common.domain.states import PartStatus
from services.local import resources
from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED

LEASE, HEARTBEAT, SWEEP, CHECKPOINT = 4.0, 1.0, 1.0, 0.5
MIDDLE, LONG = 4, 16
"""Meetings in a row: more than a fast machine is through with before it is seen at work, and before three checkpoints.
Still one part."""
SLACK = 2.0
"""Seconds: two busy processors, and the batch that is on the device."""


def test_a_worker_killed_in_the_middle_of_a_job_is_replaced_and_the_job_completes_once(
    random_model: Path, tmp_path: Path
) -> None:
    settings = StackSettings(
        models_folder=random_model,
        lease_seconds=4,
        heartbeat_seconds=1,
        sweep_seconds=1,
        worker=UNTRAINED | {"WORK_FOLDER": str(tmp_path)},
    )
    with Stack(settings) as stack, Receiver() as receiver:
        client = Client(stack, "acme")
        receiver.trust(
            client.register(receiver.url, events=["transcription.completed", "transcription.interrupted"])["secret"]
        )
        job_id = client.send(MEETING.read_bytes() * MIDDLE, "möten.mp3")
        client.wait(job_id, until={"running"})
        (machine,) = stack.machines.wait_for(1)
        machine.kill()
        job = client.wait(job_id)
        assert job["status"] == "completed"
        assert job["attempt"] == 2
        kinds = [receiver.messages.get(timeout=10).type for _ in range(2)]
        assert kinds == ["transcription.interrupted", "transcription.completed"]
        prefix = f"results/{job_id}/"
        objects = stack.s3.list_objects_v2(Bucket=resources.BUCKET, Prefix=prefix)["Contents"]
        assert {entry["Key"].removeprefix(prefix).split("/")[0] for entry in objects} == {"2"}
        assert receiver.messages.empty()
        assert '"count": 1, "bytes": ' in stack.log_text(), "what the killed worker left was not cleaned"
        end = stack.store.fleet.bad_ends()["00"]
        assert "EC2 says: Client.InstanceInitiatedShutdown" in end["why"]
        assert end["console"] == f"{resources.WORKER_LOG_GROUP} {machine.instance_id}/console"
        assert len(list(tmp_path.iterdir())) <= 1, "more is left than the second worker's own folder"


@pytest.mark.alone
def test_a_kill_costs_one_checkpoint_interval_and_a_lease(random_model: Path) -> None:
    settings = StackSettings(
        models_folder=random_model,
        lease_seconds=LEASE,
        heartbeat_seconds=HEARTBEAT,
        sweep_seconds=SWEEP,
        worker=UNTRAINED | {"CHECKPOINT_SECONDS": str(CHECKPOINT)},
    )
    with Stack(settings) as stack:
        client = Client(stack, "acme")
        job_id = client.send(MEETING.read_bytes() * LONG, "lång.mp3")
        (machine,) = stack.machines.wait_for(1)
        seen: set[str] = set()
        last = 0.0
        while len(seen) < 2:
            if found := _checkpoints(stack, job_id) - seen:
                seen, last = seen | found, time.monotonic()
            time.sleep(0.05)
        time.sleep(CHECKPOINT / 2)
        if found := _checkpoints(stack, job_id) - seen:
            seen, last = seen | found, time.monotonic()
        machine.take_back()
        killed = time.monotonic()
        while stack.store.parts.get(job_id, "PART#0000").status is PartStatus.RUNNING:  # type: ignore[union-attr] # it is there
            assert time.monotonic() - killed < 60
            time.sleep(0.05)
        recovered = time.monotonic() - killed
        job = client.wait(job_id, seconds=120)
        first, second = _clips(stack, job_id, attempt=1), _clips(stack, job_id, attempt=2)
        sys.stdout.write(f"lost {killed - last:.1f} s of work, queued again after {recovered:.1f} s\n")
        assert killed - last <= CHECKPOINT + SLACK
        assert recovered <= LEASE + 2.5 * HEARTBEAT + SWEEP + SLACK
        assert (job["status"], job["attempt"]) == ("completed", 2)
        assert "EC2 took the spot machine back." in stack.store.fleet.bad_ends()["00"]["why"]
        assert first
        assert second
        assert first.isdisjoint(second), "what was kept was not decoded again"


def _checkpoints(stack: Stack, job_id: str) -> set[str]:
    found = stack.s3.list_objects_v2(Bucket=resources.BUCKET, Prefix=object_keys.checkpoints(job_id, "PART#0000"))
    return {entry["Key"] for entry in found.get("Contents", [])}


def _clips(stack: Stack, job_id: str, *, attempt: int) -> set[int]:
    keys = [key for key in _checkpoints(stack, job_id) if key.rsplit("/", 1)[-1].startswith(f"{attempt:04d}-")]
    bodies = [stack.s3.get_object(Bucket=resources.BUCKET, Key=key)["Body"].read() for key in keys]
    return {clip["index"] for body in bodies for clip in json.loads(body)}
