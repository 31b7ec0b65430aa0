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

import av

from services.common.store.store import Store
from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.bench import processor_time
from tests.support.accuracy import MEETING
from tests.support.random_model import UNTRAINED, write_random_model

SECONDS = 60
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
)
"""Each with the moments between which it lies; those of `Moments`, and of the job's `times`."""

Moments = Mapping[str, float]
"""Epoch seconds."""


def from_upload_to_webhook(runs: int, folder: Path) -> dict[str, Any]:
    """Medians in seconds, with the fastest and the slowest run; processor seconds of each process a job."""
    recording = minute(folder / "minute.mp3").read_bytes()
    settings = StackSettings(
        models_folder=write_random_model(folder / "random"), idle_seconds=IDLE_SECONDS, worker=UNTRAINED
    )
    with Stack(settings) as stack, Receiver() as receiver:
        client = Client(stack, "bench")
        receiver.trust(client.register(receiver.url, events=["transcription.completed"])["secret"])
        for _ in range(WARM_UPS):
            one_upload(stack.store, client, receiver, recording)
        before = processor_time.spent("client")
        moments = [one_upload(stack.store, client, receiver, recording) for _ in range(runs)]
        spent = {name: seconds - before.get(name, 0) for name, seconds in processor_time.spent("client").items()}
    return {
        "seconds": {name: _row(moments, since, until) for name, since, until in _rows()},
        "processor seconds of a job": {name: round(seconds / runs, 3) for name, seconds in spent.items()},
    }


def minute(path: Path) -> Path:
    """The meeting's first minute, cut out of its MP3 without decoding it."""
    with av.open(str(MEETING)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is None or packet.pts * packet.time_base >= SECONDS:
                break
            packet.stream = stream
            target.mux(packet)
    return path


def one_upload(store: Store, client: Client, receiver: Receiver, recording: bytes) -> Moments:
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
        raise TimeoutError(f"No webhook; {receiver.refused} refused: {client.job(made['job_id'])}") from None
    told = time.time()
    job = store.jobs.get(str(message.data["job_id"]))
    assert job
    return {"began": began, "sent": sent, "told": told} | {name: moment / 1000 for name, moment in job.times.items()}


def _rows() -> Sequence[tuple[str, str, str]]:
    return [*STAGES, ("from the upload's begin", "began", "told"), ("from the upload's end", "sent", "told")]


def _row(moments: Sequence[Moments], since: str, until: str) -> dict[str, float]:
    took = sorted(moment[until] - moment[since] for moment in moments)
    return {
        name: round(seconds, 3) for name, seconds in (("median", median(took)), ("least", took[0]), ("most", took[-1]))
    }
