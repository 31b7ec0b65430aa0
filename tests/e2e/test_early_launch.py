"""On a running system: a registration starts a machine, which waits for the recording, does it and leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.client import Client
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED
from tests.support.rare_paths import eventually

EXPECTED_SECONDS = 12


@pytest.fixture
def early(random_model: Path) -> Iterator[Stack]:
    settings = StackSettings(
        models_folder=random_model,
        max_workers=2,
        sweep_seconds=1,
        idle_seconds=0.5,
        launch_at_registration=True,
        early_launch_seconds=EXPECTED_SECONDS,
        worker=UNTRAINED,
    )
    with Stack(settings) as stack:
        try:
            yield stack
        finally:
            sys.stdout.write(stack.log_text())


def from_upload_to_text(client: Client, made: dict[str, object]) -> float:
    """Upload the recording of a registered job; returns after how many seconds its text was there."""
    upload = made["upload"]
    assert isinstance(upload, dict)
    began = time.monotonic()
    client.upload(upload, MEETING.read_bytes()[:60_000]).raise_for_status()
    job = client.wait(str(made["job_id"]), seconds=30)
    assert job["status"] == "completed", job
    return time.monotonic() - began


@pytest.mark.alone
def test_a_registration_starts_the_one_machine_that_then_does_the_upload_and_leaves(early: Stack) -> None:
    """It also prints what docs/performance.md says of the gain."""
    client, never = Client(early, "early"), Client(early, "never")
    made = client.new_job("möte.mp3")
    eventually(lambda: any(slot.owner for slot in early.store.slots.all()))
    for _ in range(3):
        never.http.post(f"/api/jobs/{never.new_job('never.mp3')['job_id']}/cancel").raise_for_status()
    client.new_job("another.mp3")
    # The machine has long been idle by its own measure, and the later registrations have been taken from the queue.
    time.sleep(2)
    (machine,) = early.machines.running
    ahead = from_upload_to_text(client, made)
    assert [one.instance_id for one in early.machines.running] == [machine.instance_id]
    eventually(lambda: not early.store.slots.all(), EXPECTED_SECONDS + 15)

    made = never.new_job("möte.mp3")
    time.sleep(2)
    assert early.store.slots.all() == [], "of this client's last three uploads, none came"
    behind = from_upload_to_text(never, made)
    sys.stdout.write(f"from upload to text: {ahead:.1f} s with a machine ahead, {behind:.1f} s without\n")
    assert ahead < behind
