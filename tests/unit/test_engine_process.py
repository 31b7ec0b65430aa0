"""The worker's side of the pipe: each call has its own answers, can be stopped, and does not outlive the engine."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.errors import DecoderFailedError, InvalidMediaError
from services.common.domain.options import Options
from services.gpu_worker import engine_process
from services.gpu_worker.engine_process import EngineDiedError, EngineProcess, StoppedError, _Answer, _Call, _portable

PATIENCE = 20


class OtherSide:
    """The engine's process, played by the test: it hears calls and answers them, or dies."""

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

    def join(self) -> None:
        """It has ended."""

    def kill(self) -> None:
        self.killed += 1
        self.die()

    def die(self) -> None:
        with self._dying:
            self._theirs.close()

    def asked(self) -> _Call:
        assert self._theirs.poll(PATIENCE), "nothing was asked"
        call: _Call = self._theirs.recv()
        return call

    @property
    def asked_more(self) -> bool:
        return self._theirs.poll(0)

    def answer(self, number: int, *values: Any, error: Exception | None = None, last: bool = True) -> None:
        for value in values:
            self._theirs.send(_Answer(number, value=value))
        if last:
            self._theirs.send(_Answer(number, error=error, last=True))


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherSide]:
    made = OtherSide()
    monkeypatch.setattr(engine_process, "_SPAWN", made)
    yield made
    made.die()


@pytest.fixture
def engine(other: OtherSide) -> EngineProcess:
    return EngineProcess("whisper-base", None, "cpu")


@pytest.fixture
def decode(engine: EngineProcess) -> Iterator[Callable[..., Future[list[Any]]]]:
    """Calls that wait for their answers, each on a thread of its own."""
    pool = ThreadPoolExecutor(4)

    def begin(stop: threading.Event | None = None) -> Future[list[Any]]:
        plan: Any = None
        clips = engine.decode(Path("a.wav"), plan, [0, 1], Options(), stop=stop or threading.Event())
        return pool.submit(list, clips)

    yield begin
    pool.shutdown(wait=False)


Decode = Callable[..., Future[list[Any]]]


def test_calls_that_are_under_way_at_once_get_each_its_own_answers(other: OtherSide, decode: Decode) -> None:
    first = decode()
    one = other.asked()
    second = decode()
    two = other.asked()
    other.answer(one.number, "a", last=False)
    other.answer(two.number, "c", "d")
    other.answer(one.number, "b")
    assert (first.result(PATIENCE), second.result(PATIENCE)) == (["a", "b"], ["c", "d"])
    assert not other.asked_more, "what has ended need not be stopped"


def test_a_call_that_is_stopped_tells_the_engine_once_and_ends_when_that_has_stopped(
    other: OtherSide, decode: Decode
) -> None:
    stop = threading.Event()
    stopped = decode(stop)
    call = other.asked()
    stop.set()
    told = other.asked()
    assert (told.number, told.method) == (call.number, "stop")
    other.answer(call.number, "a clip that was under way", error=StoppedError())
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)
    assert not other.asked_more


def test_what_an_engine_reports_is_the_callers_error(other: OtherSide, decode: Decode) -> None:
    failing = decode()
    other.answer(other.asked().number, "a", error=InvalidMediaError("It cannot be decoded."))
    with pytest.raises(InvalidMediaError):
        failing.result(PATIENCE)


def test_an_engine_that_dies_ends_every_call_that_is_under_way(
    other: OtherSide, engine: EngineProcess, decode: Decode
) -> None:
    calls = [decode(), decode()]
    for _ in calls:
        other.asked()
    other.die()
    for call in calls:
        with pytest.raises(EngineDiedError):
            call.result(PATIENCE)
    assert not engine.alive


def test_a_dead_engine_takes_no_call(other: OtherSide, engine: EngineProcess, decode: Decode) -> None:
    other.die()
    assert engine._ended.wait(PATIENCE)
    with pytest.raises(EngineDiedError):
        decode().result(PATIENCE)


def test_a_call_that_nobody_listens_to_any_more_is_stopped(other: OtherSide, engine: EngineProcess) -> None:
    plan: Any = None
    clips: Any = engine.decode(Path("a.wav"), plan, [0, 1], Options(), stop=threading.Event())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, clips)
        call = other.asked()
        other.answer(call.number, "a", last=False)
        assert first.result(PATIENCE) == "a"
    clips.close()
    assert (other.asked().method, call.method) == ("stop", "decode")


def test_a_plan_that_never_came_is_a_death_and_not_a_plan(other: OtherSide, engine: EngineProcess) -> None:
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(engine.plan, Path("a.wav"), Options(), stop=threading.Event())
        other.answer(other.asked().number)
        with pytest.raises(EngineDiedError):
            planned.result(PATIENCE)


def test_an_engine_that_is_loaded_names_its_files_and_one_that_is_not_says_why(
    other: OtherSide, engine: EngineProcess
) -> None:
    other.answer(0, "files", last=False)
    assert engine.wait_until_ready() == "files"
    other.answer(0, error=InvalidMediaError("no"))
    with pytest.raises(InvalidMediaError):
        engine.wait_until_ready()


def test_an_engine_that_dies_while_it_loads_is_waited_for_no_longer(other: OtherSide, engine: EngineProcess) -> None:
    other.die()
    with pytest.raises(EngineDiedError):
        engine.wait_until_ready()


def test_an_engine_that_ends_when_it_is_told_to_is_not_killed(other: OtherSide, engine: EngineProcess) -> None:
    def obey() -> None:
        assert other.asked().method == "end"
        other.die()

    threading.Thread(target=obey).start()
    engine.close(PATIENCE)
    assert (other.killed, engine.alive) == (0, False)


def test_an_engine_that_does_not_end_in_time_is_killed(other: OtherSide, engine: EngineProcess) -> None:
    engine.close(0.05)
    assert (other.killed, engine.alive) == (1, False)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InvalidMediaError("It cannot be decoded."), InvalidMediaError, "It cannot be decoded."),
        (StoppedError(), StoppedError, ""),
        (RuntimeError("CUDA failed"), DecoderFailedError, "RuntimeError: CUDA failed"),
    ],
)
def test_an_error_crosses_the_pipe_as_what_it_is_or_by_its_words(error: Exception, kind: type, words: str) -> None:
    crossed = _portable(error)
    assert (type(crossed), str(crossed)) == (kind, words)
