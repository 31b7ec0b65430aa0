"""A recording that hurts whoever reads it hurts a process of its own, and is told in words of its own."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.common.domain.errors import InvalidMediaError, InvalidOptionError, NoAudioTrackError
from services.common.domain.options import Options
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Items, ReadClip
from services.gpu_worker.engine.process import LIMITS
from services.gpu_worker.engine.processes import readers
from services.gpu_worker.engine.processes.reader_main import failure
from services.gpu_worker.engine.processes.readers import ReaderKilledError, ReaderProcesses
from services.gpu_worker.engine.stopping import StoppedError
from tests.support.acoustics import Sound, write_wav
from tests.support.listening import cut, plan_of

PATIENCE = 20
MANY = 2_000
OPTIONS = Options.parse({}, ["any"])


def reader(**limits: float) -> ReaderProcesses:
    return ReaderProcesses(replace(LIMITS, **limits))  # type: ignore[arg-type] # whole numbers where they must be


def planned(path: Path, by: ReaderProcesses | LocalReader | None = None, stop: threading.Event | None = None) -> Plan:
    return plan_of(path, OPTIONS, reader=by or reader(), stop=stop or threading.Event())


def given(path: Path, spool: Path, **limits: float) -> Items:
    """The first clip, `MANY` times."""
    return reader(**limits).clips(path, planned(path), [0] * MANY, spool=spool, stop=threading.Event())


@pytest.fixture
def talking(meeting: Sound, tmp_path: Path) -> Path:
    path = tmp_path / "meeting.wav"
    write_wav(path, meeting)
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file of which nothing ever comes."""
    path = tmp_path / "endless.wav"
    os.mkfifo(path)
    return path


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    """Twenty hours of it: a hole in the disk."""
    path = tmp_path / "silence.wav"
    size = 20 * 3600 * RATE
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE, 1, 8)
    path.write_bytes(b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + form + b"data" + struct.pack("<I", size))
    os.truncate(path, size + 44)
    return path


@pytest.fixture
def begin() -> Iterator[Callable[..., Future[Plan]]]:
    pool = ThreadPoolExecutor(2)
    yield lambda *arguments: pool.submit(planned, *arguments)
    pool.shutdown()


def reading() -> int:
    """The process that reads now."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for child in multiprocessing.active_children():
            if child.name in {"plan", "clips", "cut_parts"} and child.pid:
                return child.pid
        time.sleep(0.01)
    raise AssertionError("nothing is read")


def test_a_process_of_its_own_plans_reads_and_cuts_as_this_one_does(talking: Path, tmp_path: Path) -> None:
    def all_of(by: ReaderProcesses | LocalReader, folder: Path) -> tuple[list[ReadClip | Plan], Plan, dict[str, bytes]]:
        folder.mkdir()
        stop = threading.Event()
        *clips, plan = by.plan(talking, OPTIONS, spool=folder, max_seconds=60, stop=stop)
        assert isinstance(plan, Plan)
        by.cut_parts(plan, folder, folder, stop=stop)
        clips += by.clips(talking, plan, range(len(plan.clips)), spool=folder, stop=stop)
        return clips, plan, {path.name: path.read_bytes() for path in folder.iterdir()}

    here, there = all_of(LocalReader(), tmp_path / "here"), all_of(reader(), tmp_path / "there")
    assert here == there
    clips, plan, files = here
    assert len(clips) == 2 * len(plan.clips) > 0
    assert files.keys() == {"0.flac", "peaks.gz", "voice-0", "whole"}


def test_what_is_wrong_with_a_recording_is_said_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp3"
    path.write_text("no sound at all")
    with pytest.raises(InvalidMediaError) as here:
        planned(path, LocalReader())
    with pytest.raises(InvalidMediaError) as there:
        planned(path)
    assert str(there.value) == str(here.value)


def test_an_option_that_a_recording_does_not_allow_keeps_its_kind_and_its_field(talking: Path) -> None:
    options = Options.parse({"tracks": [7]}, ["any"])
    with pytest.raises(InvalidOptionError) as refused:
        plan_of(talking, options, reader=reader())
    assert refused.value.field == "tracks"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT])
def test_a_process_that_dies_of_a_recording_is_the_recordings_error(
    endless: Path, begin: Callable[..., Future[Plan]], number: int
) -> None:
    dying = begin(endless)
    os.kill(reading(), number)
    with pytest.raises(InvalidMediaError, match="died of it"):
        dying.result(PATIENCE)


def test_a_process_that_is_killed_speaks_against_nobody(endless: Path, begin: Callable[..., Future[Plan]]) -> None:
    """By the kernel that lacks memory, or with its whole machine, of which it may be the first to die."""
    dying = begin(endless)
    os.kill(reading(), signal.SIGKILL)
    with pytest.raises(ReaderKilledError):
        dying.result(PATIENCE)


def test_a_process_that_dies_in_the_middle_of_what_it_gives_is_the_recordings_error(
    talking: Path, tmp_path: Path
) -> None:
    """The clips are more than the pipe holds: whoever is killed while nobody listens has mostly given half of one."""
    clips = given(talking, tmp_path)
    next(clips)
    pid = reading()
    time.sleep(0.3)
    os.kill(pid, signal.SIGABRT)
    with pytest.raises(InvalidMediaError, match="died of it"):
        list(clips)


def test_a_process_that_stands_still_in_the_middle_of_what_it_gives_is_given_up(talking: Path, tmp_path: Path) -> None:
    clips = given(talking, tmp_path, silence_seconds=0.5)
    next(clips)
    pid = reading()
    time.sleep(0.3)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(InvalidMediaError, match="did not get on"):
        list(clips)


def test_whoever_forks_readers_may_be_killed_and_nobody_is_blamed(talking: Path) -> None:
    planned(talking)
    forks = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined] # nothing public tells it
    os.kill(forks, signal.SIGTERM)
    planned(talking)
    assert forkserver._forkserver._forkserver_pid == forks, "a signal to the group is the worker's business"  # type: ignore[attr-defined]
    os.kill(forks, signal.SIGKILL)
    planned(talking)


def test_no_reader_outlives_a_worker_that_is_killed(endless: Path) -> None:
    """Not even one that waits for a file which never comes."""
    code = f"import tests.integration.test_readers as t; from pathlib import Path; t.planned(Path({str(endless)!r}))"
    worker = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    until(lambda: any("forkserver" in word for process in family(worker.pid) for word in command(process)))
    until(lambda: len(family(worker.pid)) >= len(("worker", "resource tracker", "forkserver", "reader")))
    readers_there = family(worker.pid)
    worker.kill()
    worker.wait()
    until(lambda: not [process for process in readers_there if command(process)])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def family(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                fields = (process / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                found += [int(process.name)] if int(fields[3]) == session else []
    return found


def command(process: int) -> list[str]:
    """What a process was started with; nothing once it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace").split("\0")[:-1]
    return []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE])
def test_what_the_machine_lacks_stays_what_it_is(number: int) -> None:
    told = failure(OSError(number, os.strerror(number)), LIMITS)
    assert isinstance(told.error, OSError)
    assert told.error.errno == number


def test_a_recording_that_is_never_read_to_its_end_is_given_up(endless: Path) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidMediaError, match="did not get on"):
        planned(endless, reader(silence_seconds=0.5))
    assert time.monotonic() - began < PATIENCE


def test_a_recording_that_takes_too_much_memory_is_the_recordings_error(talking: Path) -> None:
    with pytest.raises(InvalidMediaError):
        planned(talking, reader(memory_mib=100))


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_memory_that_is_not_allowed_is_told_with_its_limit(error: Exception) -> None:
    assert "more memory than the 2048 MiB" in str(failure(error, LIMITS).error)


def test_a_recording_that_takes_too_long_is_refused(silence: Path) -> None:
    with pytest.raises(InvalidMediaError, match="took more than 1 s"):
        planned(silence, reader(processor_seconds=1))


def test_a_long_recording_that_is_read_all_the_time_is_not_taken_for_hung(silence: Path) -> None:
    stop = threading.Event()
    threading.Timer(3, stop.set).start()
    with pytest.raises(StoppedError):
        planned(silence, reader(silence_seconds=2), stop)


def test_while_nobody_listens_no_reader_is_taken_for_hung(
    talking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = given(talking, tmp_path)
    next(clips)
    monkeypatch.setattr(readers, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 1_000))
    assert len(list(clips)) == MANY - 1


def test_a_stop_ends_reading_at_once_and_its_process_with_it(endless: Path, begin: Callable[..., Future[Plan]]) -> None:
    stop = threading.Event()
    stopped = begin(endless, None, stop)
    pid = reading()
    stop.set()
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_death_while_everything_is_told_to_stop_speaks_against_nobody(
    endless: Path, begin: Callable[..., Future[Plan]]
) -> None:
    stop = threading.Event()
    stopped = begin(endless, None, stop)
    pid = reading()
    stop.set()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)


def test_signals_to_the_whole_group_are_the_workers_business(endless: Path, begin: Callable[..., Future[Plan]]) -> None:
    stop = threading.Event()
    going_on = begin(endless, None, stop)
    pid = reading()
    time.sleep(0.2)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    time.sleep(0.2)
    assert not going_on.done()
    stop.set()


def test_a_full_disk_is_the_machines_fault(talking: Path, tmp_path: Path) -> None:
    (tmp_path / "0.flac").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        cut(talking, OPTIONS, tmp_path, reader=reader())


def test_a_disk_that_is_full_while_the_spool_is_written_is_the_machines_fault(talking: Path, tmp_path: Path) -> None:
    (tmp_path / "voice-0").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        list(reader().plan(talking, OPTIONS, spool=tmp_path, max_seconds=60, stop=threading.Event()))


def test_a_recording_that_is_not_there_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        planned(tmp_path / "gone.wav")


@pytest.mark.parametrize(
    "error", [RuntimeError("bad allocation"), KeyError("ours"), ValueError("no"), OSError("what?")]
)
def test_whatever_goes_wrong_while_a_recording_is_read_is_a_media_error(error: Exception) -> None:
    told = failure(error, LIMITS)
    assert isinstance(told.error, InvalidMediaError)
    assert type(error).__name__ in str(told.error)
    assert type(error).__name__ in told.details


def test_the_log_is_told_what_refused_a_recording_without_its_words_and_the_client_in_plain_ones() -> None:
    error = NoAudioTrackError("The file has no sound track.")
    error.__cause__ = ValueError("moov at 17")
    told = failure(error, LIMITS)
    assert str(told.error) == "The file has no sound track."
    assert told.details.endswith("ValueError")


def test_a_process_that_reads_is_limited_and_the_first_to_go_when_memory_is_short(
    endless: Path, begin: Callable[..., Future[Plan]]
) -> None:
    stop = threading.Event()
    begin(endless, None, stop)
    process = Path(f"/proc/{reading()}")
    deadline = time.monotonic() + PATIENCE
    while (process / "oom_score_adj").read_text(encoding="ascii").strip() != "1000":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    limits = (process / "limits").read_text(encoding="ascii")
    assert re.search(rf"Max data size +{2048 << 20} ", limits)
    assert re.search(r"Max cpu time +3600 ", limits)
    stop.set()
