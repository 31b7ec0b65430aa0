"""Whatever happens to those who tell speakers apart: the text is whole, and the machine goes on. Real processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.process import LIMITS
from services.gpu_worker.engine.processes.readers import ReaderLostError, ReaderProcesses
from services.gpu_worker.engine.processes.speaker_processes import SpeakerProcesses
from services.gpu_worker.engine.speakers import windows
from services.gpu_worker.engine.speakers.grid import STEP
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.machine.shutdown import LEAVE_SECONDS
from services.gpu_worker.part import endings
from services.gpu_worker.part.files import Files
from services.gpu_worker.part.observing import TRIES
from tests.support.acoustics import load, write_wav
from tests.support.audio import DIALOGUE
from tests.support.clock_machine import PATIENCE, Machine, until
from tests.support.gateway import Client
from tests.support.world import BUCKET, World

pytestmark = pytest.mark.alone
"""The processes that observe speakers have the least priority, and would wait for all other tests."""

SPLIT = {"part_minutes": 12 / 60, "alone_minutes": 15 / 60, "checkpoint_seconds": 0.0}
SECONDS = 30
"""Of the dialogue: by then all three have spoken."""
WINDOWS = SECONDS * RATE // STEP
HELD_AT = 4
Upload = Callable[[], Job]


class Watched:
    """Real speakers; `each` is called with every window that was observed, and may end or hold up the work."""

    def __init__(self, models: Callable[[], Path]) -> None:
        self._real = SpeakerProcesses(ReaderProcesses(LIMITS), models=models)
        self.each: Callable[[int], object] = lambda _: None
        self.before_turns: Callable[[], object] = lambda: None
        self.held_at: int | None = None
        self.holding = threading.Event()
        self.observed: list[int] = []
        self.turns_told: list[Any] = []

    def observe(self, spool: Path, *, stop: Any, **given: Any) -> Generator[ObservedWindow, None, None]:
        for window in self._real.observe(spool, stop=stop, **given):
            if window.index == self.held_at:
                self.holding.set()
                until(stop.is_set)
                return
            self.observed.append(window.index)
            yield window
            self.each(window.index)

    def turns(self, *given: Any, **named: Any) -> Any:
        self.before_turns()
        self.turns_told.append(self._real.turns(*given, **named))
        return self.turns_told[-1]


@pytest.fixture
def speakers() -> Watched:
    return Watched(lambda: locate(SPEAKERS).folder)


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("dialogue") / "beginning.wav", load(DIALOGUE)[: SECONDS * RATE])


@pytest.fixture
def upload(world: World, alice: Client, beginning: Path) -> Upload:
    def up() -> Job:
        world.now += 1_000
        job_id = alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"speakers": "auto"}}).json["job_id"]
        return world.arrived(job_id, beginning.read_bytes(), due_at=world.now)

    return up


@pytest.fixture
def machine_with(
    world: World, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Machine]]:
    """Starts a machine with these speakers; afterwards nothing of it is left."""
    monkeypatch.setattr(endings, "pause_ms", lambda _: 0)
    made: list[Machine] = []

    def make(speakers: Watched, **settings: Any) -> Machine:
        made.append(Machine(world, model, tmp_path, monkeypatch, speakers=speakers, **settings))
        made[-1].start()
        return made[-1]

    yield make
    for machine in made:
        machine.stop()
    until(lambda: not processes("plan", "observe", "speaker_turns"))
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"flow", "observing"})
    until(lambda: not list(tmp_path.glob("part-*")))


Start = Callable[..., Machine]


def processes(*names: str) -> list[Any]:
    return [child for child in multiprocessing.active_children() if child.name in names]


def kill(name: str) -> None:
    (process,) = processes(name)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)


def transcript(world: World, job: Job) -> dict[str, Any]:
    done = world.job(job.job_id)
    assert done.result, done.error
    body = world.s3.get_object(Bucket=BUCKET, Key=done.result["files"]["json"]["key"])["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def words(of: dict[str, Any]) -> list[Any]:
    return [(segment["start"], segment["end"], segment["text"]) for segment in of["segments"]]


def labels(of: dict[str, Any]) -> list[Any]:
    return [of["speakers"], [segment["speaker"] for segment in of["segments"]], of["quality"]["speakers"]]


def test_parts_have_the_labels_of_the_whole_and_a_process_that_is_killed_once_costs_none(
    machine_with: Start, upload: Upload, speakers: Watched, world: World
) -> None:
    machine = machine_with(speakers)
    undisturbed = upload()
    machine.wait_for(undisturbed)
    count = len(speakers.observed)
    speakers.each = lambda index: kill("observe") if index == 3 and speakers.observed.count(3) == 2 else None
    killed = upload()
    machine.wait_for(killed)
    machine.stop()
    speakers.each = lambda _: None
    in_parts = upload()
    machine_with(speakers, **SPLIT).wait_for(in_parts)

    assert world.job(in_parts.job_id).parts > 1
    found = [transcript(world, job) for job in (undisturbed, killed, in_parts)]
    assert found[0]["quality"]["warnings"] == []
    assert labels(found[0]) == labels(found[1]) == labels(found[2])
    assert speakers.turns_told == speakers.turns_told[:1] * 3
    assert len({turn.speaker for turn in speakers.turns_told[0][0]}) == 3
    assert count == WINDOWS


def test_a_process_that_is_killed_each_time_costs_the_labels_alone_and_the_next_recording_has_its_own(
    machine_with: Start, upload: Upload, speakers: Watched, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = machine_with(speakers)
    speakers.each = lambda _: kill("observe")
    job = upload()
    machine.wait_for(job)
    speakers.each = lambda _: None
    good = upload()
    machine.wait_for(good)
    without, labelled = transcript(world, job), transcript(world, good)

    assert without["quality"]["warnings"] == ["speakers_unknown"]
    assert words(without) == words(labelled)
    assert without["speakers"] == without["quality"]["speakers"] == []
    assert labelled["speakers"]
    assert labelled["quality"]["warnings"] == []
    assert machine.left == []
    assert "speakers.failed" in (told := capsys.readouterr().err)
    assert "speakers.unknown" in told


@pytest.mark.parametrize(("times", "warnings"), [(1, []), (TRIES, ["speakers_unknown"])])
def test_a_process_that_ends_while_it_tells_speakers_apart_is_begun_once_more(
    machine_with: Start, upload: Upload, speakers: Watched, times: int, warnings: list[str]
) -> None:
    left = [True] * times

    def fail() -> None:
        if left:
            left.pop()
            raise ReaderLostError

    speakers.before_turns = fail
    machine = machine_with(speakers)
    job = upload()
    machine.wait_for(job)
    assert transcript(machine.world, job)["quality"]["warnings"] == warnings


@pytest.mark.parametrize("trouble", ["missing", "damaged"])
def test_models_that_cannot_be_had_cost_the_labels_alone(
    machine_with: Start, upload: Upload, world: World, tmp_path: Path, trouble: str
) -> None:
    broken = tmp_path / "models"

    def models() -> Path:
        if trouble == "missing":
            raise ModelMissingError("model", "They are not here.")
        shutil.copytree(locate(SPEAKERS).folder, broken, dirs_exist_ok=True)
        os.truncate(broken / "embedding.onnx", 1_000_000)
        return broken

    machine = machine_with(Watched(models))
    job = upload()
    machine.wait_for(job)
    assert transcript(world, job)["quality"]["warnings"] == ["speakers_unknown"]
    assert words(transcript(world, job))
    assert machine.left == []


def test_a_machine_that_has_to_leave_gives_the_part_back_and_the_next_goes_on_with_what_was_observed(
    machine_with: Start, upload: Upload, speakers: Watched, world: World
) -> None:
    """The text is known, and labels lag behind it."""
    speakers.held_at = HELD_AT
    job = upload()
    machine = machine_with(speakers, checkpoint_seconds=0.0)
    assert speakers.holding.wait(PATIENCE)
    until(lambda: all(claim.progress == 1 for claim in machine.worker.held))
    began = time.monotonic()
    machine.stop()
    assert time.monotonic() - began < LEAVE_SECONDS
    assert world.job(job.job_id).status is not JobStatus.COMPLETED
    assert speakers.observed == list(range(HELD_AT))

    again = Watched(lambda: locate(SPEAKERS).folder)
    machine_with(again, checkpoint_seconds=0.0).wait_for(job)
    assert again.observed == list(range(HELD_AT, WINDOWS))
    assert transcript(world, job)["quality"]["warnings"] == []


def test_a_job_that_is_canceled_while_labels_lag_behind_ends_at_once(
    machine_with: Start, upload: Upload, speakers: Watched, world: World, alice: Client
) -> None:
    speakers.held_at = HELD_AT
    job = upload()
    machine = machine_with(speakers)
    assert speakers.holding.wait(PATIENCE)
    alice.post(f"/api/jobs/{job.job_id}/cancel")
    until(lambda: not machine.worker.held)
    assert world.job(job.job_id).status is JobStatus.CANCELED
    speakers.held_at = None
    good = upload()
    machine.wait_for(good)
    assert transcript(world, good)["quality"]["warnings"] == []


def test_windows_that_another_release_has_stored_are_observed_again(
    world: World, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, job = Files(world.s3, BUCKET), upload()
    _, part = world.claimed(job)
    files.put_windows(job.place, part, 1, [ObservedWindow(0, ())])
    with monkeypatch.context() as newer:
        newer.setattr(windows, "VERSION", windows.VERSION + 1)
        files.put_windows(job.place, part, 2, [ObservedWindow(1, ())])
    assert files.windows(job.place, part.part_id) == {0: ObservedWindow(0, ())}
