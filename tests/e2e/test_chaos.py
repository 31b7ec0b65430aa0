"""Workers killed at random moments, without notice: every job completes, with the text of an undisturbed run.

CHAOS_MODEL=real runs it once with the real model (`nox -s chaos`); CHAOS_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path

import pytest

from services.common.domain.retry_policy import MAX_DEATHS
from services.local.client import Client
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED

SLICE_BYTES = 36_000
"""Some six seconds of the meeting's mp3."""
REAL = os.environ.get("CHAOS_MODEL") == "real"
WORKERS, SHORT, KILLS = (5, 20, 12) if REAL else (4, 9, 6)
"""Machines at most, short recordings, and how often one is killed."""
PATIENCE_SECONDS = 900 if REAL else 240


def settings(model: Path | None, workers: int) -> StackSettings:
    in_parts = ({} if REAL else UNTRAINED) | {
        "PART_MINUTES": "0.16",
        "ALONE_MINUTES": "0.5",
        "CHECKPOINT_SECONDS": "0.3",
    }
    return StackSettings(
        models_folder=model,
        max_workers=workers,
        lease_seconds=4,
        heartbeat_seconds=1,
        sweep_seconds=1,
        idle_seconds=1,
        worker=in_parts,
    )


def recordings() -> list[bytes]:
    """Short ones that differ, and one long one of six minutes, which is cut into many parts."""
    whole = MEETING.read_bytes()
    return [whole[start * SLICE_BYTES : (start + 1) * SLICE_BYTES] for start in range(SHORT)] + [3 * whole]


def send_all(client: Client) -> list[str]:
    return [client.send(content, f"{number}.mp3") for number, content in enumerate(recordings())]


def texts(stack: Stack, client: Client, ids: list[str]) -> list[str]:
    for job_id in ids:
        job = client.wait(job_id, seconds=PATIENCE_SECONDS)
        assert job["status"] == "completed", f"{job}\n{logged(stack, job_id)}"
    return [client.transcript(job_id, "srt") for job_id in ids]


def logged(stack: Stack, job_id: str) -> str:
    """What is said of a job, and all that went wrong."""
    return "\n".join(line for line in stack.log_text().splitlines() if job_id in line or '"level": "error"' in line)


def kill_now_and_then(stack: Stack, seed: int, done: threading.Event, killed: list[str]) -> None:
    """Until so many were killed, or nothing is left to do."""
    chance = random.Random(seed)
    while len(killed) < KILLS and not done.wait(chance.uniform(0.3, 2.5) * (4 if REAL else 1)):
        # Those that have reported: three in a row that never do would open the breaker, as they should.
        reported = {slot.slot: slot.owner for slot in stack.store.slots.all() if slot.owner}
        # With one more death a job fails, as it should: its recording is taken for what kills them.
        spared = {part.owner for part in stack.store.parts.running() if part.deaths >= MAX_DEATHS - 1}
        running = [one for one in stack.machines.running if reported.get(one.slot) not in {None, *spared}]
        if running:
            machine = chance.choice(running)
            killed.append(machine.instance_id)
            machine.kill()


@pytest.mark.timeout(2 * PATIENCE_SECONDS)
def test_workers_killed_at_random_lose_nothing_and_change_no_word(random_model: Path) -> None:
    model = None if REAL else random_model
    with Stack(settings(model, 1)) as stack:
        client = Client(stack, "acme")
        expected = texts(stack, client, send_all(client))
    assert all(expected)
    assert len(set(expected)) == len(expected)
    seed = int(os.environ.get("CHAOS_SEED", time.time_ns() % 1_000_000))
    sys.stdout.write(f"CHAOS_SEED={seed}\n")
    done, killed = threading.Event(), list[str]()
    with Stack(settings(model, WORKERS)) as stack:
        client = Client(stack, "acme")
        ids = send_all(client)
        killer = threading.Thread(target=kill_now_and_then, args=(stack, seed, done, killed))
        killer.start()
        try:
            found = texts(stack, client, ids)
        finally:
            done.set()
            killer.join()
        parts = stack.store.parts.of_job(ids[-1])
    assert killed, "nothing was killed: this proved nothing"
    assert len(parts) > 10, "with so few, kills between them would prove little"
    assert found == expected, f"CHAOS_SEED={seed}"
