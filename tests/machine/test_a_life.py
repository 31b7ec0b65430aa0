"""A machine's life as it should be: boots, passes the gate, works, and ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from services.gpu_worker.engine.catalogue import PACKAGED
from services.gpu_worker.engine.model import locate, relative
from services.local import resources
from tests.machine.container import Container
from tests.machine.fleet import Fleet

STAGES = ("capacity_asked", "launched", "booted", "loaded", "ready", "claimed", "first_text", "completed")


@pytest.fixture
def model_in_bucket(running: Fleet) -> Iterator[None]:
    """The model under `models/`, as an operator may put it there."""
    s3, prefix = running.stack.s3, f"models/{relative(PACKAGED)}"
    files = list(locate(PACKAGED).folder.iterdir())
    for file in files:
        s3.put_object(Bucket=resources.BUCKET, Key=f"{prefix}/{file.name}", Body=file.read_bytes())
    yield
    for file in files:
        s3.delete_object(Bucket=resources.BUCKET, Key=f"{prefix}/{file.name}")


@pytest.mark.usefixtures("model_in_bucket")
def test_boots_passes_the_gate_transcribes_and_powers_off(fleet: Fleet, container: Container) -> None:
    machine, job_id = fleet.launch(container)
    job = fleet.client.wait(job_id, seconds=180)
    took = fleet.wait_until_off(machine)
    assert job["status"] == "completed"
    assert "mötet" in fleet.client.transcript(job_id).casefold()
    log = [json.loads(line) for line in fleet.shipped(machine).splitlines()]
    events = [line["event"] for line in log]
    assert events.index("model.fetched") < events.index("gate.passed") < events.index("part.claimed")
    assert "worker.left" in events[-2:], "the last lines left the machine before it ended"
    stored = fleet.stack.store.jobs.get(job_id)
    assert stored
    times = stored.times
    began = times["capacity_asked"]
    for stage in STAGES:
        sys.stdout.write(f"{(times[stage] - began) / 1000:6.1f} s  {stage}\n")
    sys.stdout.write(f"{took:6.1f} s  from completed to off, of which {fleet.stack.settings.idle_seconds:g} s idle\n")
