"""A stop at any moment of a recording ends all that works on it: within its time, and nothing of it is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.errors import AudioTooLongError, InvalidMediaError
from services.common.domain.options import Options
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.language import AMONG
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.processes.device import STOP_SECONDS
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.stopping import StoppedError
from tests.support import clock_device
from tests.support.acoustics import Sound
from tests.support.clock_device import HANGING, HANGING_PROMPT, HARMLESS
from tests.support.clock_machine import until, with_a_clock
from tests.support.long_recordings import HEADER, long_wav

MODEL = "whisper-base"
PATIENCE = 30.0
LATE = 3.0
"""Seconds by which a machine that does much else may be late."""
SV, AUTO, HINTED = Options(language="sv"), Options(language="auto"), Options(language="sv", prompt=HANGING_PROMPT)
HOURS = 6
"""So long that it is not read to its end while a test looks."""


class Work:
    """A recording that is transcribed on another thread, by an engine of its own."""

    def __init__(self, engine: EngineProcess, room: Path) -> None:
        self.engine = engine
        self.spool = room / "spool"
        self.spool.mkdir()
        self.results: list[ClipResult] = []
        self.planned: Callable[[Plan], None] = lambda _: None
        self.stop = threading.Event()
        self.ended: Future[None]

    def begin(self, pool: ThreadPoolExecutor, path: Path, options: Options = SV, **given: Any) -> None:
        def run() -> None:
            for result in self.engine.transcribe(
                path,
                options,
                **{"spool": self.spool, "stop": self.stop, "planned": self.planned, "max_seconds": 1e6, **given},
            ):
                self.results.append(result)

        self.ended = pool.submit(run)

    def stopped(self) -> None:
        """Stop it, and see that it ends as promised."""
        began = time.monotonic()
        self.stop.set()
        with pytest.raises(StoppedError):
            self.ended.result(PATIENCE)
        assert time.monotonic() - began < STOP_SECONDS + LATE


@pytest.fixture
def work(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    with_a_clock(monkeypatch)
    engine = EngineProcess(MODEL, model, "cpu", patience_seconds=PATIENCE)
    engine.wait_until_ready()
    made = Work(engine, tmp_path)
    yield made
    made.stop.set()
    with suppress(Exception):
        made.ended.result(PATIENCE)
    engine._device._link._process.kill()
    engine.close()
    until(lambda: not readers())
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"flow", "device-feed"})


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def speech(meeting: Sound) -> Callable[[int], bytes]:
    """Samples of 26 seconds, of which the device makes what it makes of this level."""
    return lambda level: clock_device.recording(meeting, level)[HEADER:]


Speech = Callable[[int], bytes]


def readers() -> list[int]:
    return [
        child.pid for child in multiprocessing.active_children() if child.name in {"plan", "cut_parts"} and child.pid
    ]


def busy(work: Work) -> bool:
    """Whether the device is on a batch."""
    return bool(work.engine._device._link._account._batches)


def test_while_the_hints_are_checked(work: Work, aside: ThreadPoolExecutor, tmp_path: Path) -> None:
    work.begin(aside, tmp_path / "never.wav", HINTED)
    until(lambda: any(work.engine._device._link._account._owed.values()))
    work.stopped()


def test_while_nothing_was_read_yet(work: Work, aside: ThreadPoolExecutor, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.wav")
    work.begin(aside, tmp_path / "endless.wav")
    until(lambda: bool(readers()))
    work.stopped()


@pytest.mark.parametrize("options", [SV, AUTO], ids=["decoding", "finding out the language"])
def test_while_the_device_is_busy_and_the_reader_ahead(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech, options: Options
) -> None:
    many = speech(HANGING) * (2 * AMONG if options is AUTO else 1)
    work.begin(aside, long_wav(tmp_path / "long.wav", many, hours=HOURS), options)
    until(lambda: busy(work))
    assert readers()
    work.stopped()


def test_while_the_device_waits_for_the_reader(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech
) -> None:
    work.begin(aside, long_wav(tmp_path / "long.wav", speech(HARMLESS), hours=HOURS))
    until(lambda: bool(work.results))
    (reader,) = readers()
    os.kill(reader, signal.SIGSTOP)
    work.stopped()


def test_while_the_recording_is_split_and_its_plan_kept(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech
) -> None:
    began = threading.Event()

    def planned(_: Plan) -> None:
        began.set()
        while not work.stop.wait(0.01):
            pass
        raise StoppedError

    work.planned = planned
    work.begin(aside, long_wav(tmp_path / "short.wav", speech(HARMLESS), hours=1 / 60))
    assert began.wait(PATIENCE)
    until(lambda: bool(work.results))
    work.stopped()


def test_while_the_parts_are_cut(work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech) -> None:
    cut = threading.Event()

    def planned(plan: Plan) -> None:
        os.mkfifo(tmp_path / "0.flac")  # nobody reads it, so whoever writes it stands still
        cut.set()
        work.engine.cut_parts(plan, work.spool, tmp_path, stop=work.stop)

    work.planned = planned
    path = long_wav(tmp_path / "short.wav", speech(HARMLESS) * 2, hours=1 / 60)
    work.begin(aside, path, cutting=Cutting(part_seconds=20, alone_seconds=30))
    assert cut.wait(PATIENCE)
    until(lambda: len(readers()) > 0)
    work.stopped()


def test_while_the_last_clip_is_decoded(work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech) -> None:
    told = threading.Event()
    work.planned = lambda _: told.set()
    work.begin(aside, long_wav(tmp_path / "short.wav", speech(HANGING), hours=1 / 60))
    assert told.wait(PATIENCE)
    until(lambda: busy(work))
    work.stopped()


def test_a_reader_that_dies_with_clips_waiting_is_the_recordings_error_at_once(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech
) -> None:
    work.begin(aside, long_wav(tmp_path / "long.wav", speech(HANGING) * 4, hours=HOURS))
    until(lambda: busy(work))
    for reader in readers():
        os.kill(reader, signal.SIGSEGV)
    with pytest.raises(InvalidMediaError, match="died of it"):
        work.ended.result(PATIENCE)


def test_a_device_that_dies_with_all_it_may_hold_ends_reading_and_is_blamed(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech
) -> None:
    many = 10 * work.engine._device._most_clips
    work.begin(aside, long_wav(tmp_path / "long.wav", speech(HANGING) * many, hours=HOURS))
    until(lambda: busy(work))
    assert work.engine.pid
    os.kill(work.engine.pid, signal.SIGKILL)
    with pytest.raises(DeviceDiedError):
        work.ended.result(PATIENCE)


def test_a_recording_that_turns_out_to_be_too_long_ends_there(
    work: Work, aside: ThreadPoolExecutor, tmp_path: Path, speech: Speech
) -> None:
    """Its header does not tell, so its first clips are decoded by then."""
    path = long_wav(tmp_path / "long.wav", speech(HARMLESS), hours=HOURS)
    with path.open("r+b") as file:
        file.seek(HEADER - 4)
        file.write(b"\xff\xff\xff\xff")
    work.begin(aside, path, max_seconds=600)
    until(lambda: bool(work.results))
    with pytest.raises(AudioTooLongError):
        work.ended.result(PATIENCE)
