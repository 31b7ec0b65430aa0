"""A machine's life as it should be: boots, passes the gate, works, and ends; and how long that takes."""

from __future__ import annotations

import json
import sys

from tests.machine.container import Container
from tests.machine.fleet import Fleet

STAGES = ("capacity_asked", "launched", "booted", "loaded", "ready", "claimed", "first_text", "completed")
OUR_PART_SECONDS = 6.0
"""From power-on to the first claim; what EC2 takes before that is not ours."""
CHAIN = """
[Unit]
DefaultDependencies=no
[Service]
Type=exec
ExecStart=/bin/sh -c 'until systemd-analyze critical-chain transcribe-worker.service; do sleep 0.1; done 2>/dev/null'
StandardOutput=journal+console
"""


def test_boots_passes_the_gate_transcribes_and_powers_off(fleet: Fleet, container: Container) -> None:
    container.lay("/etc/systemd/system/chain.service", CHAIN)
    container.drop_in("transcribe-worker.service", "[Unit]", "Wants=chain.service")
    machine, job_id = fleet.launch(container)
    job = fleet.client.wait(job_id, seconds=180)
    took = fleet.wait_until_off(machine)
    assert job["status"] == "completed"
    assert "mötet" in fleet.client.transcript(job_id).casefold()
    events = [json.loads(line)["event"] for line in fleet.shipped(machine).splitlines()]
    assert events.index("head_start.taken") < events.index("gate.passed") < events.index("part.claimed")
    assert "worker.left" in events[-2:], "the last lines left the machine before it ended"
    stored = fleet.stack.store.jobs.get(job_id)
    assert stored
    times = stored.times
    began = times["capacity_asked"]
    for stage in STAGES:
        sys.stdout.write(f"{(times[stage] - began) / 1000:6.1f} s  {stage}\n")
    sys.stdout.write(f"{took:6.1f} s  from completed to off, of which {fleet.stack.settings.idle_seconds:g} s idle\n")
    chain = [
        line
        for line in fleet.console(machine).splitlines()
        if ("sh[" in line and "─" in line) or "transcribe-worker.service +" in line
    ]
    sys.stdout.write("\n".join(["critical chain:", *chain, ""]))
    assert chain
    assert not any("network-online" in line or "cloud-" in line for line in chain)
    assert (times["claimed"] - times["launched"]) / 1000 < OUR_PART_SECONDS
