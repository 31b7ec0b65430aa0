"""What a worker stores for people who listen: whatever attempt completes the job, and whatever goes wrong with it."""

from __future__ import annotations

import gzip
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.common.domain import object_keys
from services.common.domain.options import Options
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.store.leases import Leases
from services.gpu_worker.engine.listening.files import copy_file, peaks_file
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part import endings
from services.gpu_worker.part.files import Files
from services.gpu_worker.part.transcribing import Transcribing
from tests.support import clock_device
from tests.support.acoustics import Sound, load, transcode
from tests.support.audio import MEETING
from tests.support.clock_device import HARMLESS
from tests.support.clock_machine import Machine, until
from tests.support.faults import aws_error
from tests.support.gateway import Client
from tests.support.world import BUCKET, World

SETTINGS: dict[str, Any] = {"part_minutes": 20 / 60, "alone_minutes": 30 / 60, "checkpoint_seconds": 0.0}
ALONE, SEVERAL = 20 * 16_000, 50 * 16_000
"""Samples of recordings of one part, and of two."""


@pytest.fixture(scope="module")
def meeting_sound() -> Sound:
    return load(MEETING)[:SEVERAL]


@pytest.fixture
def upload(world: World, alice: Client, tmp_path: Path) -> Callable[..., Job]:
    """Uploads a sound as a WAV, or as what no browser plays."""

    def up(sound: Sound, *, playable: bool = False) -> Job:
        world.now += 1_000
        (tmp_path / "a.wav").write_bytes(clock_device.recording(sound, HARMLESS))
        path = tmp_path / "a.wav"
        if not playable:
            path = transcode(path, tmp_path / "a.mka", codec="flac", rate=16_000, form="s16")
        job_id = alice.post("/api/jobs", {"file_name": path.name}).json["job_id"]
        return world.arrived(job_id, path.read_bytes(), due_at=world.now)

    return up


@pytest.fixture
def machine(world: World, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(endings, "pause_ms", lambda _: 0)
    (tmp_path / "room").mkdir()
    made = Machine(world, model, tmp_path / "room", monkeypatch, **SETTINGS)
    yield made
    made.stop()
    until(lambda: not [child for child in multiprocessing.active_children() if child.name in {"plan", "cut_parts"}])
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"flow", "device-feed"})


Upload = Callable[..., Job]


def result(machine: Machine, job: Job) -> dict[str, Any]:
    done = machine.world.job(job.job_id)
    assert done.status is JobStatus.COMPLETED, done.error
    return dict(done.result or {})


def stored(machine: Machine, entry: dict[str, Any]) -> bytes:
    content: bytes = machine.world.s3.get_object(Bucket=BUCKET, Key=entry["key"])["Body"].read()
    assert len(content) == entry["bytes"]
    return content


def test_a_recording_that_browsers_play_has_peaks_and_no_copy(
    machine: Machine, upload: Upload, meeting_sound: Sound
) -> None:
    job = upload(meeting_sound[:ALONE], playable=True)
    machine.start()
    machine.wait_for(job)
    told = result(machine, job)
    assert told["media"] == {"media_type": "audio/wav", "video": False, "playable": True}
    assert told["peaks"] == {
        "key": f"results/{job.place}/1/peaks.gz",
        "bytes": told["peaks"]["bytes"],
        "per_second": 20,
    }
    assert "listening" not in told
    assert len(gzip.decompress(stored(machine, told["peaks"]))) == 20 * 20


def test_one_that_they_do_not_play_has_a_copy_too_and_erasing_the_job_leaves_neither(
    machine: Machine, upload: Upload, meeting_sound: Sound, alice: Client
) -> None:
    job = upload(meeting_sound[:ALONE])
    machine.start()
    machine.wait_for(job)
    told = result(machine, job)
    assert told["media"]["playable"] is False
    assert told["listening"]["media_type"] == "audio/mp4"
    assert stored(machine, told["listening"])[4:12] == b"ftypM4A "
    head = machine.world.s3.head_object(Bucket=BUCKET, Key=told["listening"]["key"])
    assert head["ContentType"] == "audio/mp4"
    until(lambda: not machine.worker.held)
    alice.delete(f"/api/jobs/{job.job_id}")
    assert machine.world.s3.list_objects_v2(Bucket=BUCKET, Prefix=object_keys.RESULTS)["KeyCount"] == 0


def test_a_recording_of_several_parts_has_one_of_each_for_the_whole_of_it(
    machine: Machine, upload: Upload, meeting_sound: Sound, tmp_path: Path
) -> None:
    job = upload(meeting_sound)
    machine.start()
    machine.wait_for(job)
    told = result(machine, job)
    assert machine.world.job(job.job_id).parts > 1
    seconds = len(meeting_sound) / 16_000
    assert len(gzip.decompress(stored(machine, told["peaks"]))) == pytest.approx(20 * seconds, abs=1)
    (tmp_path / "copy.m4a").write_bytes(stored(machine, told["listening"]))
    assert len(load(tmp_path / "copy.m4a")) / 16_000 == pytest.approx(seconds, abs=0.1)
    listed = machine.world.s3.list_objects_v2(Bucket=BUCKET, Prefix=object_keys.results(job.place))["Contents"]
    assert sum(entry["Key"].endswith("peaks.gz") for entry in listed) == 1, "who reads it once writes it once"


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], threading.Event]:
    """Lets an attempt end once it has stored a file of such a name, or split its recording: no later one does."""

    def once(after: str) -> threading.Event:
        broken = threading.Event()

        def ending(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(it: Any, *given: Any, **named: Any) -> Any:
                done = real(it, *given, **named)
                if not broken.is_set() and (real.__name__ == after or str(given[0]).endswith(after)):
                    broken.set()
                    raise StoppedError
                return done

            return call

        monkeypatch.setattr(Files, "store", ending(Files.store))
        monkeypatch.setattr(Leases, "split", ending(Leases.split))
        return broken

    return once


@pytest.mark.parametrize(
    ("samples", "after", "last"), [(ALONE, "peaks.gz", 2), (SEVERAL, "listening.m4a", 2), (SEVERAL, "split", 1)]
)
def test_whichever_attempt_completes_a_job_what_was_written_in_one_reading_is_there_whole(
    machine: Machine,
    upload: Upload,
    meeting_sound: Sound,
    breaks: Callable[[str], threading.Event],
    tmp_path: Path,
    *,
    samples: int,
    after: str,
    last: int,
) -> None:
    """`last`: the last attempt that planned."""
    broken = breaks(after)
    job = upload(meeting_sound[:samples])
    machine.start()
    machine.wait_for(job)
    assert broken.is_set()
    assert machine.part(job).attempt == 2
    (spool := tmp_path / "spool").mkdir()
    for _ in LocalReader().plan(tmp_path / "a.mka", Options(), spool=spool, max_seconds=60, stop=threading.Event()):
        pass
    told = result(machine, job)
    for one, file in (("peaks", peaks_file(spool)), ("listening", copy_file(spool))):
        assert stored(machine, told[one]) == file.read_bytes()
        assert told[one]["key"].startswith(f"results/{job.place}/{last}/")


def test_what_s3_refuses_is_left_out_and_the_log_says_of_which_job(
    machine: Machine,
    upload: Upload,
    meeting_sound: Sound,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = Files.store

    def store(files: Files, key: str, path: Path, *kind: str) -> None:
        if key.startswith(object_keys.RESULTS):
            raise aws_error("AccessDenied", "PutObject", status=403)
        real(files, key, path, *kind)

    monkeypatch.setattr(Files, "store", store)
    job = upload(meeting_sound[:ALONE])
    machine.start()
    machine.wait_for(job)
    told = result(machine, job)
    assert told["media"]["playable"] is False
    assert not {"peaks", "listening"} & told.keys()
    failed = [line for line in capsys.readouterr().err.splitlines() if '"listening.failed"' in line]
    assert len(failed) == 2
    assert all(job.job_id in line for line in failed)


def test_what_the_reader_could_not_write_is_left_out_and_the_log_says_of_which_job(
    machine: Machine,
    upload: Upload,
    meeting_sound: Sound,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = Transcribing._observe

    def in_the_way(work: Transcribing, spool: Path, *more: Any, **named: Any) -> None:
        copy_file(spool).mkdir()
        real(work, spool, *more, **named)

    monkeypatch.setattr(Transcribing, "_observe", in_the_way)
    job = upload(meeting_sound[:ALONE])
    machine.start()
    machine.wait_for(job)
    told = result(machine, job)
    assert told["media"]["playable"] is False
    assert "listening" not in told
    assert stored(machine, told["peaks"])
    (failed,) = [line for line in capsys.readouterr().err.splitlines() if '"listening.failed"' in line]
    assert job.job_id in failed
