"""A recording in many parts, shared by several workers: the same text, byte for byte, whatever happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local import resources
from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED

IN_PARTS = {**UNTRAINED, "PART_MINUTES": "0.3", "ALONE_MINUTES": "0.5", "CHECKPOINT_SECONDS": "0.2"}
FORMATS = ("txt", "srt", "vtt", "tsv")


@pytest.fixture(scope="module")
def undisturbed(random_model: Path) -> dict[str, str]:
    """The text as one worker makes it, part after part."""
    with Stack(StackSettings(models_folder=random_model, worker=IN_PARTS)) as stack:
        client = Client(stack, "acme")
        job_id = client.send(MEETING.read_bytes(), "möte.mp3")
        client.wait(job_id)
        return {form: client.transcript(job_id, form) for form in FORMATS}


@pytest.fixture
def three_workers(random_model: Path) -> Iterator[Stack]:
    settings = StackSettings(
        models_folder=random_model,
        max_workers=3,
        lease_seconds=4,
        heartbeat_seconds=1,
        sweep_seconds=1,
        idle_seconds=1,
        worker=IN_PARTS,
    )
    with Stack(settings) as stack:
        yield stack


def test_a_long_recording_is_done_in_parts_and_merged_into_the_same_text(
    three_workers: Stack, undisturbed: dict[str, str]
) -> None:
    client = Client(three_workers, "acme")
    with Receiver() as receiver:
        receiver.trust(client.register(receiver.url)["secret"])
        job_id = client.send(MEETING.read_bytes(), "möte.mp3")
        message = receiver.messages.get(timeout=60)
        assert message.type == "transcription.completed"
        assert receiver.messages.empty()
    parts = three_workers.store.parts.of_job(job_id)
    assert len(parts) > 3
    assert {part.status.value for part in parts} == {"done"}
    assert {form: client.transcript(job_id, form) for form in FORMATS} == undisturbed


def test_a_notice_in_the_middle_costs_no_word(three_workers: Stack, undisturbed: dict[str, str]) -> None:
    client = Client(three_workers, "acme")
    job_id = client.send(MEETING.read_bytes(), "möte.mp3")
    client.wait(job_id, until={"running"})
    (machine, *_) = three_workers.machines.wait_for(1)
    machine.give_notice()
    assert machine.process.wait(timeout=10) == 0
    assert client.wait(job_id)["status"] == "completed"
    assert {form: client.transcript(job_id, form) for form in FORMATS} == undisturbed
    objects = three_workers.s3.list_objects_v2(Bucket=resources.BUCKET, Prefix=f"results/{job_id}/")["Contents"]
    written = [entry["Key"].split("/")[2:] for entry in objects]
    assert len({attempt for attempt, name in written if name.startswith("transcript.")}) == 1
