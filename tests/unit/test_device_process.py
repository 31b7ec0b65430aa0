"""The worker's side of the pipe: each call has its own answers, can be stopped, and outlives no death and no hang."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.errors import DecoderFailedError, InvalidMediaError
from services.common.domain.options import Options
from services.gpu_worker import __main__ as program
from services.gpu_worker.engine.plan.plan import Clip
from services.gpu_worker.engine.plan.spool import Sound
from services.gpu_worker.engine.processes import account, device, device_link, device_main
from services.gpu_worker.engine.processes.device import DeviceProcess
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.processes.messages import LOADING, Answer, Busy, Call, Idle, Loaded, of_the_device
from services.gpu_worker.engine.stopping import StoppedError

PATIENCE = 20
MOST_CLIPS = 2


class OtherSide:
    """The process that holds the model, played by the test: it hears calls and answers them, or dies."""

    exitcode = -9
    pid = 1

    def __init__(self) -> None:
        self._ours, self._theirs = multiprocessing.Pipe()
        self._dying = threading.Lock()
        self.killed = 0

    def Pipe(self) -> tuple[Any, Any]:  # noqa: N802 - as multiprocessing has it
        return self._ours, self

    def Process(self, **_: Any) -> OtherSide:  # noqa: N802 - as multiprocessing has it
        return self

    def start(self) -> None:
        """It runs already."""

    def close(self) -> None:
        """The worker's copy of this end; the process keeps its own."""

    def join(self, _seconds: float) -> None:
        """It has ended."""

    def kill(self) -> None:
        self.killed += 1
        self.die()

    def die(self) -> None:
        with self._dying:
            self._theirs.close()

    def asked(self, method: str = "") -> Call:
        """What is asked next, of this kind."""
        while True:
            assert self._theirs.poll(PATIENCE), "nothing was asked"
            call: Call = self._theirs.recv()
            if method in {"", call.method}:
                return call

    @property
    def asked_more(self) -> bool:
        return self._theirs.poll(0)

    def say(self, message: Answer | Busy | Idle) -> None:
        self._theirs.send(message)

    def answer(self, number: int, *values: Any, error: Exception | None = None, last: bool = True) -> None:
        for value in values:
            self.say(Answer(number, value=value))
        if last:
            self.say(Answer(number, error=error, last=True))


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherSide]:
    made = OtherSide()
    monkeypatch.setattr(device_link, "_SPAWN", made)
    monkeypatch.setattr(device_link, "_LOOK_SECONDS", 0.05)
    yield made
    made.die()


@pytest.fixture
def process(other: OtherSide) -> DeviceProcess:
    """With a model loaded, and a patience of half a second."""
    made = DeviceProcess("whisper-base", None, "cpu", patience_seconds=0.5)
    other.answer(LOADING, Loaded(files="files", most_clips=MOST_CLIPS), last=False)  # type: ignore[arg-type] # handed on
    assert made.wait_until_ready() == "files"  # type: ignore[comparison-overlap] # as above
    return made


Decode = Callable[..., Future[list[Any]]]


def sound(index: int) -> Sound:
    return Sound(Clip(index, 0, ((0, 1),)), Path("spool"))


@pytest.fixture
def decode(process: DeviceProcess) -> Iterator[Decode]:
    """Calls that wait for their answers, each on a thread of its own."""
    pool = ThreadPoolExecutor(4)

    def begin(clips: Any = range(MOST_CLIPS), stop: threading.Event | None = None) -> Future[list[Any]]:
        sounds = (sound(index) for index in clips)
        return pool.submit(list, process.decode(sounds, Options(), (), stop=stop or threading.Event()))

    yield begin
    pool.shutdown(wait=False)


def test_calls_that_are_under_way_at_once_get_each_its_own_answers(other: OtherSide, decode: Decode) -> None:
    first = decode()
    one = other.asked("decode")
    second = decode()
    two = other.asked("decode")
    other.answer(one.number, "a", last=False)
    other.answer(two.number, "c", "d")
    other.answer(one.number, "b")
    assert (first.result(PATIENCE), second.result(PATIENCE)) == (["a", "b"], ["c", "d"])


def test_what_is_read_is_sent_in_its_order_and_then_its_end(other: OtherSide, decode: Decode) -> None:
    done = decode([3, 1])
    assert [other.asked().method for _ in range(4)] == ["decode", "sound", "sound", "end"]
    other.answer(1, "a", "b")
    assert done.result(PATIENCE) == ["a", "b"]
    assert not other.asked_more, "what has ended need not be stopped"


def test_no_more_is_sent_than_the_device_needs_to_have_there(other: OtherSide, decode: Decode) -> None:
    done = decode(range(MOST_CLIPS + 1))
    assert [other.asked().method for _ in range(MOST_CLIPS + 1)] == ["decode", *["sound"] * MOST_CLIPS]
    time.sleep(0.3)
    assert not other.asked_more
    other.answer(1, "a", last=False)
    assert [other.asked().method for _ in range(2)] == ["sound", "end"]
    other.answer(1, "b", "c")
    assert done.result(PATIENCE) == ["a", "b", "c"]


def test_a_call_that_is_stopped_tells_the_device_once_and_gives_what_is_done_by_then(
    other: OtherSide, decode: Decode
) -> None:
    stop = threading.Event()
    stopped = decode(stop=stop)
    call = other.asked("decode")
    stop.set()
    assert other.asked("stop").number == call.number
    other.answer(call.number, "a clip that was under way", error=StoppedError())
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)
    assert not other.asked_more


def test_whoever_stops_does_not_wait_for_a_device_that_does_not_answer(
    other: OtherSide, decode: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "STOP_SECONDS", 0.1)
    stop = threading.Event()
    stopped = decode(stop=stop)
    other.asked("decode")
    stop.set()
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)


def test_what_the_device_reports_is_the_callers_error(other: OtherSide, decode: Decode) -> None:
    failing = decode()
    other.answer(other.asked().number, "a", error=DecoderFailedError("No numbers."))
    with pytest.raises(DecoderFailedError):
        failing.result(PATIENCE)


def test_what_the_reader_reports_is_the_callers_error_and_the_device_is_told_to_stop(
    other: OtherSide, decode: Decode
) -> None:
    def broken() -> Iterator[int]:
        yield 0
        raise InvalidMediaError("It cannot be decoded.")

    failing = decode(broken())
    with pytest.raises(InvalidMediaError):
        failing.result(PATIENCE)
    assert [other.asked().method for _ in range(3)] == ["decode", "sound", "stop"]


def test_a_device_that_dies_ends_every_call_that_is_under_way(
    other: OtherSide, process: DeviceProcess, decode: Decode
) -> None:
    calls = [decode(), decode()]
    for _ in calls:
        other.asked("end")
    other.die()
    for call in calls:
        with pytest.raises(DeviceDiedError):
            call.result(PATIENCE)
    assert not process.alive


def died(call: Future[list[Any]]) -> int:
    """Among how many the guilty one is, as this call is told."""
    with pytest.raises(DeviceDiedError) as told:
        call.result(PATIENCE)
    return told.value.suspects


def test_only_the_call_whose_batch_was_on_the_device_is_suspected_of_its_death(
    other: OtherSide, decode: Decode
) -> None:
    calls = [decode(), decode()]
    for _ in calls:
        other.asked("end")
    other.say(Busy(0, frozenset({1}), 30))
    other.say(Idle(0))
    other.say(Busy(1, frozenset({2}), 30))
    other.die()
    assert [died(call) for call in calls] == [0, 1]


def test_those_that_share_the_deadly_batch_are_told_that_they_are_several(other: OtherSide, decode: Decode) -> None:
    calls = [decode(), decode(), decode()]
    for _ in calls:
        other.asked("end")
    other.say(Busy(0, frozenset({1, 2}), 30))
    other.die()
    assert [died(call) for call in calls] == [2, 2, 0]


def test_a_recording_that_is_still_being_read_is_not_suspected(other: OtherSide, decode: Decode) -> None:
    reading = threading.Event()
    waiting = decode(iter(lambda: reading.wait(PATIENCE) and 0, False))
    other.asked("decode")
    other.die()
    assert died(waiting) == 0
    reading.set()


def test_a_dead_device_takes_no_call(other: OtherSide, process: DeviceProcess, decode: Decode) -> None:
    other.die()
    assert process._link._ended.wait(PATIENCE)
    assert died(decode()) == 0


def test_a_device_that_answers_nothing_is_killed_and_its_caller_is_the_suspect(
    other: OtherSide, process: DeviceProcess, decode: Decode
) -> None:
    assert died(decode()) == 1
    assert (other.killed, process.alive) == (1, False)


def test_a_device_that_outlives_its_kill_in_the_driver_is_waited_for_no_longer(
    other: OtherSide, process: DeviceProcess, decode: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other, "kill", lambda: None)
    assert died(decode()) == 1
    assert not process.alive


def test_a_device_of_which_nothing_is_asked_may_be_silent(
    other: OtherSide, process: DeviceProcess, decode: Decode
) -> None:
    done = decode()
    other.answer(other.asked("decode").number, "a", "b")
    done.result(PATIENCE)
    time.sleep(1.0)
    assert (other.killed, process.alive) == (0, True)


def test_a_device_that_does_not_even_answer_a_stop_is_killed(
    other: OtherSide, process: DeviceProcess, decode: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "STOP_LIMIT_SECONDS", 0.2)
    stop = threading.Event()
    stopped = decode(stop=stop)
    other.say(Busy(0, frozenset({other.asked("decode").number}), 3_000))
    stop.set()
    assert died(stopped) == 1
    assert (other.killed, process.alive) == (1, False)


def test_a_call_that_nobody_listens_to_any_more_is_stopped(other: OtherSide, process: DeviceProcess) -> None:
    results: Any = process.decode(iter([sound(0)]), Options(), (), stop=threading.Event())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, results)
        call = other.asked("decode")
        other.answer(call.number, "a", last=False)
        assert first.result(PATIENCE) == "a"
    results.close()
    assert other.asked("stop").number == call.number


def test_a_language_that_never_came_is_a_death_and_not_a_language(other: OtherSide, process: DeviceProcess) -> None:
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(process.language, iter([]), stop=threading.Event())
        other.answer(other.asked("language").number)
        with pytest.raises(DeviceDiedError):
            told.result(PATIENCE)


def test_a_model_that_cannot_be_loaded_says_why(other: OtherSide) -> None:
    loading = DeviceProcess("whisper-base", None, "cpu")
    other.answer(LOADING, error=InvalidMediaError("no"))
    with pytest.raises(InvalidMediaError):
        loading.wait_until_ready()


def test_a_device_that_dies_while_it_loads_is_waited_for_no_longer(other: OtherSide) -> None:
    loading = DeviceProcess("whisper-base", None, "cpu")
    other.die()
    with pytest.raises(DeviceDiedError):
        loading.wait_until_ready()


def test_a_device_that_loads_for_ever_is_killed(other: OtherSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "LOAD_SECONDS", 0.2)
    loading = DeviceProcess("whisper-base", None, "cpu")
    with pytest.raises(DeviceDiedError):
        loading.wait_until_ready()
    assert other.killed == 1


def test_a_device_that_ends_when_it_is_told_to_is_not_killed(other: OtherSide, process: DeviceProcess) -> None:
    def obey() -> None:
        other.asked("exit")
        other.die()

    threading.Thread(target=obey).start()
    process.close(PATIENCE)
    assert (other.killed, process.alive) == (0, False)


def test_a_device_that_does_not_end_in_time_is_killed(other: OtherSide, process: DeviceProcess) -> None:
    process.close(0.05)
    assert (other.killed, process.alive) == (1, False)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InvalidMediaError("It cannot be decoded."), InvalidMediaError, "It cannot be decoded."),
        (StoppedError(), StoppedError, ""),
        (
            RuntimeError("CUDA failed with error out of memory"),
            DecoderFailedError,
            "The device failed (RuntimeError: CUDA failed with error out of memory).",
        ),
        (ValueError("Prompt Anna is too long"), DecoderFailedError, "The device failed (ValueError)."),
        (
            OSError(28, "No", "/a/möte.mp3"),
            DecoderFailedError,
            "The device failed (OSError: No space left on device (28)).",
        ),
    ],
)
def test_an_error_crosses_the_pipe_as_what_it_is_or_as_the_devices(error: Exception, kind: type, words: str) -> None:
    crossed = of_the_device(error)
    assert (type(crossed), str(crossed)) == (kind, words)


def test_numpy_is_loaded_after_it_is_settled_how_many_threads_it_computes_with() -> None:
    """The process imports the worker's program and its own before it settles that."""
    loaded = f"import sys, {program.__name__}, {device_main.__name__}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
