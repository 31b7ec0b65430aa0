"""A worker whose recordings are decoded while they are read: what may happen to it meanwhile, and its next job."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.gpu_worker.part import endings
from services.gpu_worker.part.files import Files
from tests.support import clock_device
from tests.support.acoustics import Sound, load
from tests.support.audio import MEETING
from tests.support.clock_device import HARMLESS
from tests.support.clock_machine import PATIENCE, Machine, until
from tests.support.gateway import Client
from tests.support.world import BUCKET, World

SPLIT = {"part_minutes": 20 / 60, "alone_minutes": 30 / 60, "checkpoint_seconds": 0.0}
LONGEST_SECONDS = 100


@pytest.fixture(scope="module")
def meeting_sound() -> Sound:
    """Two minutes."""
    return load(MEETING)


@pytest.fixture
def upload(world: World, alice: Client) -> Callable[[bytes], Job]:
    def up(content: bytes) -> Job:
        world.now += 1_000
        job_id = alice.post("/api/jobs", {"file_name": "a.wav"}).json["job_id"]
        return world.arrived(job_id, content, due_at=world.now)

    return up


@pytest.fixture
def machine_with(
    world: World, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Machine]]:
    """Makes a machine whose worker has these settings."""
    monkeypatch.setattr(endings, "pause_ms", lambda _: 0)
    made: list[Machine] = []

    def make(**settings: Any) -> Machine:
        made.append(Machine(world, model, tmp_path, monkeypatch, **settings))
        return made[-1]

    yield make
    made[0].stop()
    until(lambda: not [child for child in multiprocessing.active_children() if child.name in {"plan", "cut_parts"}])
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"flow", "device-feed"})
    until(lambda: not list(tmp_path.glob("part-*")))


Upload = Callable[[bytes], Job]


def text(machine: Machine, job: Job) -> list[str]:
    done = machine.world.job(job.job_id)
    assert done.result, done.error
    key = f"{done.result['prefix']}transcript.vtt"
    lines = machine.world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines()
    return [line for line in lines if "-->" in line]


def without_length(path: Path) -> bytes:
    """The meeting in a container whose header's length is not believed."""
    with av.open(str(MEETING)) as source, av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.pts is not None:
                packet.stream = stream
                container.mux(packet)
    return path.read_bytes()


def test_a_recording_that_turns_out_to_be_too_long_fails_without_a_result_and_the_next_is_done(
    machine_with: Callable[..., Machine], upload: Upload, meeting_sound: Sound, tmp_path: Path
) -> None:
    machine = machine_with(max_audio_hours=LONGEST_SECONDS / 3600)
    long = upload(without_length(tmp_path / "long.mka"))
    good = upload(clock_device.recording(meeting_sound[: 20 * 16_000], HARMLESS))
    machine.start()
    machine.wait_for(long, good)
    failed = machine.world.job(long.job_id)
    assert failed.error
    assert (failed.error["code"], failed.result) == ("AUDIO_TOO_LONG", None)
    assert machine.world.job(good.job_id).status is JobStatus.COMPLETED
    assert (len(machine.engines), machine.left) == (1, [])


def test_a_device_that_dies_while_the_recording_is_split_costs_an_attempt_and_no_word(
    machine_with: Callable[..., Machine], upload: Upload, meeting_sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The split goes on to its end, and the part is given back after it."""
    machine = machine_with(**SPLIT)
    real, killed = Files.store, threading.Event()

    def store(files: Files, key: str, path: Path, *kind: str) -> None:
        if key.endswith(".flac") and not killed.is_set():
            pid = machine.engines[0].pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            until(lambda: not machine.engines[0].alive)
            killed.set()
        real(files, key, path, *kind)

    sound = clock_device.recording(meeting_sound, HARMLESS)
    undisturbed = upload(sound)
    machine.start()
    machine.wait_for(undisturbed)
    monkeypatch.setattr(Files, "store", store)
    job = upload(sound)
    machine.wait_for(job)
    assert killed.is_set()
    assert machine.world.job(job.job_id).parts > 1
    assert text(machine, job) == text(machine, undisturbed)
    assert (len(machine.engines), machine.left) == (2, [])


def test_a_job_that_is_canceled_while_its_recording_is_split_ends_at_once(
    machine_with: Callable[..., Machine],
    upload: Upload,
    meeting_sound: Sound,
    alice: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = machine_with(**SPLIT)
    splitting, over = threading.Event(), threading.Event()
    real = Files.store

    def store(files: Files, key: str, path: Path, *kind: str) -> None:
        if key.endswith(".flac"):
            splitting.set()
            over.wait(PATIENCE)
        real(files, key, path, *kind)

    monkeypatch.setattr(Files, "store", store)
    job = upload(clock_device.recording(meeting_sound, HARMLESS))
    machine.start()
    assert splitting.wait(PATIENCE)
    alice.post(f"/api/jobs/{job.job_id}/cancel")
    until(lambda: all(claim.stop.is_set() for claim in machine.worker.held))
    over.set()
    until(lambda: not machine.worker.held)
    assert machine.world.job(job.job_id).status is JobStatus.CANCELED
    assert machine.world.job(job.job_id).parts == 1, "nothing was written once it was canceled"
    monkeypatch.setattr(Files, "store", real)
    good = upload(clock_device.recording(meeting_sound[: 20 * 16_000], HARMLESS))
    machine.wait_for(good)
    assert machine.world.job(good.job_id).status is JobStatus.COMPLETED


def test_a_device_that_dies_with_a_reader_ahead_of_it_costs_an_attempt_and_no_word(
    machine_with: Callable[..., Machine], upload: Upload, meeting_sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machine_with(checkpoint_seconds=0.0)
    sound = clock_device.recording(meeting_sound, HARMLESS)
    undisturbed = upload(sound)
    machine.start()
    machine.wait_for(undisturbed)
    job = upload(sound)
    until(partial(_begun, machine, job))
    pid = machine.engines[0].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    machine.wait_for(job)
    assert text(machine, job) == text(machine, undisturbed)
    assert machine.part(job).attempt == len(machine.engines) == 2


def _begun(machine: Machine, job: Job) -> bool:
    """Whether the device has something of it."""
    held = [claim for claim in machine.worker.held if claim.part.job_id == job.job_id]
    return bool(held) and bool(machine.engines[0]._device._link._account._batches)
