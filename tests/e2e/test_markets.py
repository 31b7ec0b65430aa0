"""An account that may run no spot machine transcribes all the same, if its operator allows machines on demand."""

from __future__ import annotations

from pathlib import Path

import httpx

from services.local.client import Client
from services.local.ec2 import MARKETS_PATH
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED

WAIT_SECONDS = 1.5


def test_with_a_spot_quota_of_0_a_recording_is_transcribed_on_demand_and_its_cost_says_so(random_model: Path) -> None:
    settings = StackSettings(
        models_folder=random_model, worker=UNTRAINED, sweep_seconds=1, on_demand_after_minutes=WAIT_SECONDS / 60
    )
    with Stack(settings) as stack:
        no_spot = {"quotas": {"spot": 0}}
        httpx.post(f"{stack.endpoint}{MARKETS_PATH}", json=no_spot, trust_env=False).raise_for_status()
        client = Client(stack, "alice")
        job_id = client.send(MEETING.read_bytes()[:60_000], "kort.mp3")
        job = client.wait(job_id)
        assert job["status"] == "completed", stack.log_text()
        assert job["cost"]["market"] == "on-demand"
        assert job["cost"]["dollars_per_hour"] == 0.558
        assert '"reason": "MaxSpotInstanceCountExceeded' in stack.log_text(), "spot was asked first"
