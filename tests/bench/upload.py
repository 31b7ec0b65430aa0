"""From an upload to its webhook on the local stack, whose machine runs already: a minute of audio, random weights.

A model of random weights costs next to nothing, so what is measured is everything around it: S3's event, the
orchestrator, the claim, the download, reading, the files, the last transaction and the webhook.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.peers.process_tree import processor_seconds
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED, write_random_model

SECONDS = 60
BYTES_A_SECOND = 6_000
"""Of the meeting, whose bit rate is constant."""
WARM_UPS = 2
"""The first upload starts the machine; the next one is the first that finds it running."""
IDLE_SECONDS = 600
"""The machine stays for all uploads."""
MOST_SECONDS = 60
STAGES = (
    ("form sent", "began", "uploaded"),
    ("S3 event → queued", "uploaded", "queued"),
    ("queued → claimed", "queued", "claimed"),
    ("claimed → first text", "claimed", "first_text"),
    ("first text → all text", "first_text", "transcribed"),
    ("files", "transcribed", "completed"),
    ("last transaction, webhook", "completed", "told"),
    ("all, from the upload's begin", "began", "told"),
    ("all, from the upload's end", "sent", "told"),
)
"""Each with the two of `Moments` between which it lies."""

Moments = Mapping[str, float]
"""Epoch seconds: the job's `times`, and what the client sees."""


def from_upload_to_webhook(runs: int, folder: Path) -> dict[str, Any]:
    """Medians in seconds, with the fastest and the slowest run; processor seconds of each process a job."""
    recording = MEETING.read_bytes()[: SECONDS * BYTES_A_SECOND]
    settings = StackSettings(
        models_folder=write_random_model(folder / "random"), idle_seconds=IDLE_SECONDS, worker=UNTRAINED
    )
    with Stack(settings) as stack, Receiver() as receiver:
        client = Client(stack, "bench")
        receiver.trust(client.register(receiver.url, events=["transcription.completed"])["secret"])
        for _ in range(WARM_UPS):
            one_upload(stack, client, receiver, recording)
        before = _processor_seconds(stack)
        moments = [one_upload(stack, client, receiver, recording) for _ in range(runs)]
        spent = {name: seconds - before[name] for name, seconds in _processor_seconds(stack).items()}
    return {
        "seconds": {name: _row(moments, since, until) for name, since, until in STAGES},
        "processor seconds of a job": {name: round(seconds / runs, 3) for name, seconds in spent.items()},
    }


def one_upload(stack: Stack, client: Client, receiver: Receiver, recording: bytes) -> Moments:
    """Upload a recording, and wait for its webhook.

    Raises:
        TimeoutError: no webhook came, or none with the right signature.

    """
    made = client.new_job("minute.mp3", size=len(recording))
    began = time.time()
    client.upload(made["upload"], recording).raise_for_status()
    sent = time.time()
    try:
        message = receiver.messages.get(timeout=MOST_SECONDS)
    except queue.Empty:
        raise TimeoutError(stack.log_text()) from None
    told = time.time()
    job = stack.store.jobs.get(str(message.data["job_id"]))
    assert job
    return {"began": began, "sent": sent, "told": told} | {name: moment / 1000 for name, moment in job.times.items()}


def _processor_seconds(stack: Stack) -> dict[str, float]:
    """What each process has taken so far, with those that it started."""
    services = ("emulator", "api", "orchestrator")
    running = {name: stack._processes[name].pid for name in services}  # noqa: SLF001 - nobody else asks for them
    (machine,) = stack.machines.running
    taken = {name: processor_seconds(pid) for name, pid in {**running, "worker": machine.process.pid}.items()}
    return taken | {"client": time.process_time()}


def _row(moments: Sequence[Moments], since: str, until: str) -> dict[str, float]:
    took = sorted(moment[until] - moment[since] for moment in moments)
    return {
        name: round(seconds, 3) for name, seconds in (("median", median(took)), ("least", took[0]), ("most", took[-1]))
    }
