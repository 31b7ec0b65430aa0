"""A machine's life as it should be: boots, passes the self-test, works, and ends; and how long that takes."""

from __future__ import annotations

import json
import re
import sys

from tests.machine.container import Container
from tests.machine.fleet import Fleet

STAGES = ("launched", "booted", "loaded", "ready", "claimed", "first_text", "completed")
OUR_PART_SECONDS = 6.0
"""From power-on to the first claim; what EC2 takes before that is not ours."""
QUIET_SPEED = 9.0
"""Seconds of audio a second at which the self-test's second pass runs on two quiet cores."""
CHAIN = """
[Unit]
DefaultDependencies=no
[Service]
Type=exec
ExecStart=/bin/sh -c 'until systemd-analyze critical-chain transcribe-worker.service; do sleep 0.1; done 2>/dev/null'
StandardOutput=journal+console
"""


def test_boots_passes_the_self_test_transcribes_and_powers_off_and_our_part_of_the_start_takes_six_seconds(
    fleet: Fleet, container: Container
) -> None:
    container.lay("/etc/systemd/system/chain.service", CHAIN)
    container.drop_in("transcribe-worker.service", "[Unit]", "Wants=chain.service")
    machine, job_id = fleet.launch(container)
    job = fleet.client.wait(job_id, seconds=180)
    off = fleet.wait_until_off(machine)
    assert job["status"] == "completed"
    assert "mötet" in fleet.client.transcript(job_id).casefold()
    log = {line["event"]: line for line in map(json.loads, fleet.shipped(machine).splitlines())}
    events = list(log)
    assert events.index("head_start.taken") < events.index("self_test.passed") < events.index("part.claimed")
    assert "worker.left" in events[-2:], "the last lines left the machine before it ended"
    stored = fleet.stack.store.jobs.get(job_id)
    assert stored
    times = stored.times
    for stage in STAGES:
        sys.stdout.write(f"{(times[stage] - times['launched']) / 1000:6.1f} s  {stage}\n")
    sys.stdout.write(f"{off:6.1f} s  from completed to off, of which {fleet.stack.settings.idle_seconds:g} s idle\n")
    chain = [line for line in fleet.console(machine).splitlines() if re.search(r" sh\[\d+\]: .*(─|service \+)", line)]
    sys.stdout.write("\n".join(["critical chain:", *chain, ""]))
    assert chain
    assert not any("network-online" in line or "cloud-" in line for line in chain)
    took = (times["claimed"] - times["launched"]) / 1000
    # How fast the self-test ran tells how much of this host the machine had.
    quiet = took * min(1.0, log["self_test.passed"]["speed"] / QUIET_SPEED)
    sys.stdout.write(f"{quiet:6.1f} s  from power-on to the claim, were the host quiet\n")
    assert quiet < OUR_PART_SECONDS
