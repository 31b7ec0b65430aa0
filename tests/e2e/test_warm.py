"""A schedule keeps a machine although nobody uploads, and a recording that comes is begun at once."""

from __future__ import annotations

import time
from pathlib import Path

from services.local.client import Client
from services.local.stack import Stack, StackSettings
from services.orchestrator.warm_hours import WEEKDAYS
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED

IDLE_SECONDS = 1
WAITED_SECONDS = 4 * IDLE_SECONDS
ALWAYS = {"days": WEEKDAYS, "from": "00:00", "to": "24:00", "machines": 1}


def test_a_warm_machine_outlasts_its_idle_time_and_a_recording_waits_and_pays_for_no_boot(random_model: Path) -> None:
    settings = StackSettings(
        models_folder=random_model,
        worker=UNTRAINED,
        sweep_seconds=1,
        heartbeat_seconds=0.5,
        idle_seconds=IDLE_SECONDS,
        warm_hours=[ALWAYS],
    )
    with Stack(settings) as stack:
        until = time.monotonic() + 60
        while not any("ready" in slot.times for slot in stack.store.slots.all()):
            assert time.monotonic() < until, stack.log_text()
            time.sleep(0.1)
        time.sleep(WAITED_SECONDS)
        (slot,) = stack.store.slots.all()
        client = Client(stack, "alice")
        job = client.wait(client.send(MEETING.read_bytes()[:60_000], "kort.mp3"))
        assert job["status"] == "completed", stack.log_text()
        assert [one.launch_id for one in stack.store.slots.all()] == [slot.launch_id], "the same machine"
        assert "launched" not in job["times"]
        ended = stack.store.jobs.get(job["job_id"])
        assert ended
        since_ready = (ended.times["completed"] - slot.times["ready"]) / 1_000
        assert job["cost"]["machine_seconds"] < since_ready - WAITED_SECONDS / 2, "neither boot nor waiting"
