"""Whose fault it is, on a worker with real processes, real recordings and a device that is a clock (and may fail)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.common.domain.records import Job
from services.common.domain.retry_policy import MAX_DEATHS
from services.common.domain.states import JobStatus
from services.gpu_worker.part import endings
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.attempts import DEVICE_FAILS
from tests.support import clock_device
from tests.support.acoustics import Sound
from tests.support.clock_device import DEADLY, GARBLED, HANGING, HARMLESS
from tests.support.clock_machine import PATIENCE, Machine, until
from tests.support.gateway import Client
from tests.support.world import World

SHORT = 7
"""Seconds of the meeting: one clip."""
FORM = struct.pack("<IHHIIHH", 16, 0x181C, 1, 16_000, 16_000, 1, 8)
UNREADABLE = b"RIFF\x34\0\0\0WAVEfmt " + FORM + b"data\x10" + bytes(19)
"""A WAV in a codec that nobody knows."""


@pytest.fixture
def machine(world: World, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(endings, "pause_ms", lambda _: 0)
    made = Machine(world, model, tmp_path, monkeypatch)
    yield made
    made.stop()


@pytest.fixture
def upload(world: World, alice: Client, meeting: Sound) -> Callable[..., Job]:
    """A recording of which the device makes this; each a second younger than the one before."""

    def up(level: int = HARMLESS, seconds: int = SHORT, content: bytes | None = None) -> Job:
        world.now += 1_000
        job_id = alice.post("/api/jobs", {"file_name": "a.wav"}).json["job_id"]
        sound = clock_device.recording(meeting[: seconds * 16_000], level)
        return world.arrived(job_id, sound if content is None else content, due_at=world.now)

    return up


Upload = Callable[..., Job]


@pytest.mark.alone
def test_a_bad_file_costs_others_nothing_and_the_next_is_claimed_within_a_second(
    machine: Machine, upload: Upload
) -> None:
    long, bad, next_one = upload(seconds=26), upload(content=UNREADABLE), upload()
    began = time.monotonic()
    machine.start()
    machine.wait_for(bad)
    failed = time.monotonic()
    until(lambda: machine.world.job(next_one.job_id).status is not JobStatus.QUEUED)
    assert time.monotonic() - failed < 1
    machine.wait_for(long, next_one)
    error = machine.world.job(bad.job_id).error
    assert error
    assert (error["code"], error["retryable"]) == ("INVALID_MEDIA", False)
    assert "codec is not known here" in error["message"]
    assert time.monotonic() - began < 15
    assert [machine.part(job).attempt for job in (long, bad, next_one)] == [1, 1, 1]
    assert (len(machine.engines), machine.left) == (1, [])


@pytest.fixture
def stuck(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A recording whose reader waits until it is ended."""

    def fetch(files: Files, job: Job, destination: Path, stop: threading.Event) -> None:
        if job.job_id == bad.job_id:
            os.mkfifo(destination)
        else:
            real(files, job, destination, stop)

    real = Files.fetch_source
    monkeypatch.setattr(Files, "fetch_source", fetch)
    bad = upload()
    return bad


def end_readers(number: int) -> None:
    for process in multiprocessing.active_children():
        if process.name == "plan" and process.pid:
            os.kill(process.pid, number)


def test_a_recording_whose_reading_kills_its_process_leaves_the_device_alone(
    machine: Machine, upload: Upload, stuck: Job
) -> None:
    good = upload()
    machine.start()
    machine.wait_for(good)
    end_readers(signal.SIGSEGV)
    machine.wait_for(stuck)
    error = machine.world.job(stuck.job_id).error
    assert error
    assert (error["code"], error["retryable"]) == ("INVALID_MEDIA", False)
    assert (machine.part(stuck).attempt, len(machine.engines)) == (1, 1)


def test_a_recording_whose_reader_is_killed_is_tried_again_and_then_not_for_ever(machine: Machine, stuck: Job) -> None:
    machine.start()
    for deaths in range(MAX_DEATHS):
        until(lambda: machine.part(stuck).attempt == deaths + 1)  # noqa: B023 - called here
        until(lambda: any(process.name == "plan" for process in multiprocessing.active_children()))
        assert machine.part(stuck).deaths == deaths
        end_readers(signal.SIGKILL)
    machine.wait_for(stuck)
    error = machine.world.job(stuck.job_id).error
    assert error
    assert error["code"] == "REPEATED_CRASH"
    assert len(machine.engines) == 1


def test_a_recording_that_kills_the_device_goes_last_and_alone_and_only_it_is_blamed(
    machine: Machine, upload: Upload
) -> None:
    killer = upload(DEADLY)
    others = [upload(seconds=26) for _ in range(4)]
    machine.start()
    machine.wait_for(killer, *others)
    error = machine.world.job(killer.job_id).error
    assert error
    assert error["code"] == "REPEATED_CRASH"
    assert machine.claimed[0] == killer.job_id
    assert machine.claimed[-2:] == [killer.job_id] * 2, "the others go first"
    for other in others:
        part = machine.part(other)
        assert (machine.world.job(other.job_id).status, part.deaths) == ("completed", 0)
    assert machine.left == [], "the device has worked: it is the recording's fault"
    # Once more, perhaps, than there are deaths: the first time another's batch may have been on the device as well.
    assert len(machine.engines) == machine.part(killer).attempt <= MAX_DEATHS + 1, "each death costs one reload at most"


def test_those_that_shared_the_process_keep_their_turn_their_company_and_their_good_name(
    machine: Machine, upload: Upload
) -> None:
    """And the clips of those that shared the batch are kept apart, until it is known whose fault it was."""
    first, killer, second = upload(), upload(DEADLY), upload()
    machine.start()
    machine.wait_for(first, killer, second)
    assert [machine.world.job(job.job_id).status for job in (first, second)] == ["completed", "completed"]
    assert [machine.part(job).deaths for job in (first, second)] == [0, 0]
    assert machine.world.job(killer.job_id).status is JobStatus.FAILED
    assert machine.part(killer).attempt in {3, 4}, "once at most it was not known whose fault it was"


def test_a_device_that_hangs_over_a_recording_is_replaced_and_the_part_given_back_as_a_death(
    machine: Machine, upload: Upload
) -> None:
    hanging, other = upload(HANGING), upload()
    machine.start()
    machine.wait_for(other)
    assert machine.world.job(other.job_id).status is JobStatus.COMPLETED
    until(lambda: machine.part(hanging).deaths == 1)
    assert not machine.engines[0].alive


def test_a_process_that_is_stopped_is_replaced_and_the_job_completed(machine: Machine, upload: Upload) -> None:
    job = upload(seconds=26)
    machine.start()
    until(lambda: bool(machine.claimed))
    pid = machine.engines[0].pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    machine.wait_for(job)
    assert machine.world.job(job.job_id).status is JobStatus.COMPLETED
    assert len(machine.engines) == 2


def test_a_cancel_does_not_wait_for_a_device_that_does_not_answer(
    machine: Machine, upload: Upload, alice: Client
) -> None:
    hanging = upload(HANGING)
    machine.start()
    until(lambda: any(claim.on_device for claim in machine.worker.held))
    machine.engines[0]._device._link._account.patience_seconds = PATIENCE
    time.sleep(0.5)
    began = time.monotonic()
    alice.post(f"/api/jobs/{hanging.job_id}/cancel")
    until(lambda: not machine.worker.held)
    assert time.monotonic() - began < 5


def test_an_odd_recording_ends_no_machine_whose_device_works(machine: Machine, upload: Upload) -> None:
    good = upload()
    machine.start()
    machine.wait_for(good)
    odd = upload(GARBLED)
    machine.wait_for(odd)
    assert [machine.world.job(job.job_id).status for job in (good, odd)] == ["completed", "failed"]
    assert machine.left == []


def test_a_device_that_does_nothing_right_ends_its_machine(machine: Machine, upload: Upload) -> None:
    upload(GARBLED)
    upload(GARBLED)
    machine.start()
    until(lambda: bool(machine.left))
    assert machine.left[0] == DEVICE_FAILS
