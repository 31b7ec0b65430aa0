"""A full disk is the machine's fault and not the recording's: on a deployment that runs step by step."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.errors import DiskFullError
from services.common.domain.options import Options
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.process import LIMITS
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.leaving import Leaving
from services.gpu_worker.queue.worker import Worker
from tests.support.disks import MAY_MOUNT, small_disk
from tests.support.listening import cut
from tests.support.step_engine import StepEngine
from tests.support.step_world import StepWorld, step_world

LARGE = b"sound" * 100_000
"""More than the disk has room for once others have taken theirs."""
DISK_KIB = 1024


class Disks:
    """What the machines have, in the order of their workers: small disks where the test says so, and large ones."""

    def __init__(self, world: StepWorld, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._room = room
        self._monkeypatch = monkeypatch
        self._mounted = ExitStack()
        self._small: tuple[int, ...] = ()
        self._made = 0
        world.make_folder = self._next

    def small(self, *numbers: int) -> None:
        self._small = numbers

    def close(self) -> None:
        self._mounted.close()

    def _next(self) -> WorkFolder:
        self._made += 1
        disk = self._room / str(self._made)
        if self._made not in self._small:
            disk.mkdir()
            return WorkFolder(disk)
        fill = self._filled if MAY_MOUNT else self._refuse_large
        for name in ("fetch", "fetch_source"):
            self._monkeypatch.setattr(Files, name, fill(getattr(Files, name), disk))
        if MAY_MOUNT:
            return WorkFolder(self._mounted.enter_context(small_disk(disk, DISK_KIB)))
        disk.mkdir()
        return WorkFolder(disk)

    def _filled(self, real: Callable[..., None], disk: Path) -> Callable[..., None]:
        """Somebody else takes the room, once it was seen to be there."""

        def fetch(files: Files, what: Any, destination: Path, *more: Any) -> None:
            if disk in destination.parents:
                (disk / "another's").write_bytes(b"x" * (DISK_KIB * 1024 - len(LARGE) // 2))
            real(files, what, destination, *more)

        return fetch

    def _refuse_large(self, real: Callable[..., None], disk: Path) -> Callable[..., None]:
        """For whoever may not mount: what the kernel would say, once the file is there."""

        def fetch(files: Files, what: Any, destination: Path, *more: Any) -> None:
            real(files, what, destination, *more)
            if disk in destination.parents and destination.stat().st_size >= len(LARGE):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return fetch


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        yield made


@pytest.fixture
def long() -> Iterator[StepWorld]:
    """A deployment whose recordings have three parts."""
    with step_world(parts=3) as made:
        yield made


@pytest.fixture
def disks(world: StepWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disks]:
    made = Disks(world, tmp_path, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why workers went before there was nothing left to do."""
    said: list[str] = []
    real = Leaving.leave

    def leave(leaving: Leaving, why: str) -> None:
        said.append(why)
        real(leaving, why)

    monkeypatch.setattr(Leaving, "leave", leave)
    return said


def the_job(world: StepWorld) -> Job:
    (job,) = world.jobs()
    return job


def part_of(world: StepWorld, number: int = 0) -> Part:
    part = world.store.parts.get(the_job(world).job_id, part_name(number))
    assert part
    return part


def failing_at(number: int) -> Callable[..., None]:
    """The kernel says so, whatever is asked of the disk."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_recording_that_finds_a_full_disk_is_done_by_another_machine(
    world: StepWorld, disks: Disks, left: list[str]
) -> None:
    disks.small(1)
    world.upload(content=LARGE)
    world.settle()
    part = part_of(world)
    assert (the_job(world).status, part.attempt, part.deaths, part.faults) == ("completed", 2, 0, 1)
    assert left == ["the disk is full"]


def test_a_recording_that_finds_three_full_disks_fails_with_a_code_of_its_own_and_no_word_of_a_crash(
    world: StepWorld, disks: Disks, left: list[str]
) -> None:
    disks.small(1, 2, 3)
    world.upload(content=LARGE)
    world.settle()
    job, part = the_job(world), part_of(world)
    assert job.status == "failed"
    assert job.error
    assert (job.error["code"], job.error["retryable"]) == ("DISK_FULL", True)
    assert "Retry the job" in job.error["message"]
    assert (part.attempt, part.deaths) == (3, 0)
    assert left == ["the disk is full"] * 3


def test_a_job_that_failed_on_full_disks_completes_when_it_is_retried_on_one_with_room(
    world: StepWorld, disks: Disks
) -> None:
    disks.small(1, 2, 3)
    world.upload(content=LARGE)
    world.settle()
    world.retry(the_job(world))
    world.settle()
    assert the_job(world).status == "completed"


def test_what_meets_a_full_disk_rests_before_it_is_tried_again(world: StepWorld, disks: Disks) -> None:
    disks.small(1)
    world.upload(content=LARGE)
    world.serve_queue()
    world.run_machines()
    part = part_of(world)
    assert (part.status, part.faults, part.deaths) == ("queued", 1, 0)
    assert part.not_before == part.due_at > world.now


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
    ],
)
def test_whatever_way_a_disk_takes_no_more_its_machine_leaves_and_says_which(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, left: list[str], number: int, how: str
) -> None:
    monkeypatch.setattr(Files, "fetch_source", failing_at(number))
    world.upload()
    world.settle()
    error = the_job(world).error
    assert error
    assert error["code"] == "DISK_FULL"
    assert f"disk was {how}" in error["message"]
    assert left == [f"the disk is {how}"] * 3


def test_a_recording_larger_than_the_disk_is_refused_before_it_is_fetched_and_its_machine_works_on(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, left: list[str]
) -> None:
    fetched, real = list[str](), Files.fetch_source

    def fetch(files: Files, job: Job, *more: Any) -> None:
        fetched.append(job.source_key)
        real(files, job, *more)

    monkeypatch.setattr(Files, "fetch_source", fetch)
    monkeypatch.setattr(WorkFolder, "free", len(LARGE) - 1)
    world.upload("uploads/large.wav", content=LARGE)
    world.upload("uploads/small.wav", content=LARGE[:-1])
    world.settle()
    jobs = {job.source_key: job for job in world.jobs()}
    error = jobs["uploads/large.wav"].error
    assert error
    assert (error["code"], error["retryable"]) == ("RECORDING_TOO_LARGE", True)
    assert "larger root_volume_gib" in str(error["message"])
    assert jobs["uploads/small.wav"].status == "completed"
    assert fetched == ["uploads/small.wav"]
    assert left == []


def test_a_recording_that_would_fit_alone_waits_until_the_others_have_ended(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    with folder.part():
        with pytest.raises(DiskFullError, match="disk was full"), folder.part():
            folder.require_room(folder.free * 2)
        assert not folder.takes_more
    assert folder.takes_more


def test_another_error_of_the_system_is_no_full_disk(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, left: list[str]
) -> None:
    monkeypatch.setattr(Files, "fetch_source", failing_at(errno.EIO))
    world.upload()
    world.serve_queue()
    world.run_machines()
    assert part_of(world).losses >= 1
    assert left == []


def test_a_disk_that_is_full_when_the_sound_is_kept_is_the_machines_fault_and_costs_no_clip(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, left: list[str]
) -> None:
    """The sound is kept while clips are decoded, so there are some by then; another machine goes on from them."""
    failed: list[int] = []

    def fill(_: Worker) -> None:
        if world.engines[0].decoded and not failed:
            failed.append(1)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/spool/voice-0")

    world.each_clip = fill
    world.upload()
    world.settle()
    part = part_of(world)
    assert (the_job(world).status, part.deaths, part.faults) == ("completed", 0, 1)
    assert left == ["the disk is full"]
    assert [engine.decoded for engine in world.engines] == [[0], [1]]


def test_a_disk_that_is_full_when_parts_are_cut_is_neither_a_death_nor_the_devices_fault(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch, left: list[str]
) -> None:
    real, tries = StepEngine.cut_parts, list[int]()

    def cut(engine: StepEngine, *arguments: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/1.flac")
        assert not engine.untrusted
        real(engine, *arguments, **named)

    monkeypatch.setattr(StepEngine, "cut_parts", cut)
    long.upload()
    long.settle()
    part = part_of(long)
    assert (the_job(long).status, part.deaths, part.faults) == ("completed", 0, 1)
    assert left == ["the disk is full"]


def test_a_parts_own_sound_that_finds_a_full_disk_is_fetched_by_another_machine(
    long: StepWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: list[str]
) -> None:
    def cut_large(_: StepEngine, plan: Any, __: Path, folder: Path, **___: Any) -> None:
        for part in plan.parts:
            (folder / f"{part.index}.flac").write_bytes(LARGE)

    def go(worker: Worker) -> None:
        long.each_clip = lambda _: None
        worker.leaving.leave("spot notice")

    disks = Disks(long, tmp_path, monkeypatch)
    disks.small(2)
    monkeypatch.setattr(StepEngine, "cut_parts", cut_large)
    long.each_clip = go
    long.upload()
    long.settle()
    disks.close()
    assert the_job(long).status == "completed"
    assert left == ["spot notice", "the disk is full"]
    assert sum(part.faults for part in long.store.parts.of_job(the_job(long).job_id)) == 1


def test_the_engines_process_tells_of_a_full_disk_in_words_that_are_understood_here(talk: Path, tmp_path: Path) -> None:
    cutting = Cutting(part_seconds=5, alone_seconds=5)
    folder = WorkFolder(tmp_path)

    def cut_in_the_engines_process(part: Path) -> None:
        (part / "0.flac").symlink_to("/dev/full")
        cut(talk, Options(), part, reader=ReaderProcesses(LIMITS), cutting=cutting)

    with pytest.raises(DiskFullError, match="disk was full"), folder.part() as part:
        cut_in_the_engines_process(part)
    assert folder.unusable


class Break(Exception):  # noqa: N818 - not an error
    """The worker's loop has nothing to do but wait."""


def test_a_machine_with_a_full_disk_takes_nothing_new_until_a_part_that_it_holds_has_ended(
    world: StepWorld, disks: Disks, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.small(1)
    world.upload("uploads/small.wav")
    world.upload("uploads/large.wav", content=LARGE)
    world.upload("uploads/third.wav")
    world.serve_queue()
    tasks: list[Callable[[], None]] = []
    worker = world.worker(world.ec2.running[0], start=tasks.append)
    assert worker.take_one()
    assert worker.take_one()
    names = {job.job_id: job.source_key for job in world.jobs()}
    held = [names[claim.part.job_id] for claim in worker.held]
    assert held == ["uploads/small.wav", "uploads/large.wav"]

    def wait(_: float) -> None:
        raise Break

    def at_the_first_clip_of_the_small_one(_: Worker) -> None:
        world.each_clip = lambda _: None
        tasks[1]()
        monkeypatch.setattr(worker.held, "wait", wait)
        with pytest.raises(Break):
            worker.work()
        assert status_of(world, "third") is JobStatus.QUEUED

    world.each_clip = at_the_first_clip_of_the_small_one
    tasks[0]()
    assert worker.take_one(), "there is room again"
    tasks[2]()
    assert [status_of(world, name) for name in ("small", "large", "third")] == ["completed", "queued", "completed"]
    assert left == [], "a machine with room for others is kept"


def status_of(world: StepWorld, name: str) -> JobStatus:
    (job,) = [job for job in world.jobs() if job.source_key == f"uploads/{name}.wav"]
    return job.status
