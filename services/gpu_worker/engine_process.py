"""The engine in a process of its own, so that a recording that kills the decoder or the device kills only that.

The worker's own process holds claims and leases and never decodes. Calls cross one pipe: each has a number, each
answer carries it, and a process that dies answers all that were open with EngineDiedError.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain.errors import DecoderFailedError, TranscriberError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.plan import Plan
    from services.gpu_worker.engine.results import ClipResult

log = structlog.get_logger()
_SPAWN = multiprocessing.get_context("spawn")
STOP_SECONDS = 5.0


class EngineDiedError(Exception):
    """The engine's process ended with this call under way."""


class StoppedError(Exception):
    """The call was stopped from here."""


@dataclass(frozen=True)
class _Call:
    number: int
    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class _Answer:
    number: int
    value: Any = None
    error: BaseException | None = None
    last: bool = False


class EngineProcess:
    """Starts the engine and speaks with it; safe to use from several threads."""

    def __init__(self, model: str, folder: Path | None, device: str, compute_type: str = "auto") -> None:
        """Start loading `model` at once; `wait_until_ready` says when it is."""
        self.model = model
        self.spoilt = False
        """Set by whom it gave what is no number: a fresh process may do better."""
        ours, theirs = _SPAWN.Pipe()
        self._pipe = ours
        self._sending = threading.Lock()
        self._open: dict[int, queue.SimpleQueue[_Answer]] = {0: queue.SimpleQueue()}
        self._numbers = iter(range(1, 2**62))
        # Only the listening thread reaps: of two threads that wait for one child, one is told that it never ended.
        self._ended = threading.Event()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, model, folder, device, compute_type), daemon=True)
        self._process.start()
        theirs.close()
        threading.Thread(target=self._listen, name="engine-answers", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def wait_until_ready(self) -> Any:  # noqa: ANN401 - ModelFiles; its module is not needed here
        """The model's files, once it is loaded.

        Raises:
            EngineDiedError, TranscriberError: it could not be.

        """
        return self._take(self._open[0].get())

    def plan(self, path: Path, options: Options, *, stop: threading.Event, **limits: float) -> Plan:
        """As `Engine.plan`."""
        for plan in self._call("plan", stop, path=path, options=options, **limits):
            return plan  # type: ignore[no-any-return] # what crosses the pipe has no type
        raise EngineDiedError

    def decode(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        options: Options,
        *,
        stop: threading.Event,
        part: int | None = None,
    ) -> Iterator[ClipResult]:
        """As `Engine.decode`."""
        yield from self._call("decode", stop, path=path, plan=plan, clips=list(clips), options=options, part=part)

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: threading.Event) -> None:
        """As the engine's `cut_parts`."""
        for _ in self._call("cut_parts", stop, path=path, plan=plan, folder=folder):
            pass

    def close(self, seconds: float = STOP_SECONDS) -> None:
        """End the process, kindly for so many seconds."""
        # Closing the pipe alone would not do: the listening thread holds it open while it reads.
        with contextlib.suppress(EngineDiedError):
            self._send(_Call(0, "end", {}))
        if not self._ended.wait(seconds):
            self._process.kill()
            self._ended.wait()

    def _call(self, method: str, stop: threading.Event, **arguments: object) -> Iterator[Any]:
        number = next(self._numbers)
        answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._open[number] = answers
        self._send(_Call(number, method, arguments))
        told = ended = False
        try:
            while True:
                if stop.is_set() and not told:
                    told = True
                    self._send(_Call(number, "stop", {}))
                try:
                    answer = answers.get(timeout=0.1)
                except queue.Empty:
                    if not self.alive and answers.empty():
                        raise EngineDiedError from None
                    continue
                ended = answer.last
                if ended and answer.error is None:
                    return
                yield self._take(answer)
        finally:
            del self._open[number]
            if not ended and self.alive:
                self._send(_Call(number, "stop", {}))

    def _take(self, answer: _Answer) -> Any:  # noqa: ANN401 - what crosses the pipe has no type
        if answer.error:
            raise answer.error
        return answer.value

    def _send(self, call: _Call) -> None:
        try:
            with self._sending:
                self._pipe.send(call)
        except (OSError, ValueError):
            raise EngineDiedError from None

    def _listen(self) -> None:
        try:
            while True:
                answer: _Answer = self._pipe.recv()
                if waiting := self._open.get(answer.number):
                    waiting.put(answer)
        except (EOFError, OSError):
            self._process.join()
            self._ended.set()
            log.warning("engine.ended", exit_code=self._process.exitcode)
            for waiting in list(self._open.values()):
                waiting.put(_Answer(0, error=EngineDiedError(), last=True))


def _serve(pipe: Connection, model: str, folder: Path | None, device: str, compute_type: str) -> None:
    """The engine's process: load, then answer each call on a thread of its own."""
    from services.gpu_worker.engine.device import EngineSettings  # noqa: PLC0415 - only here, in the other process
    from services.gpu_worker.engine.engine import Engine  # noqa: PLC0415
    from services.gpu_worker.engine.model import locate  # noqa: PLC0415

    # A notice or Ctrl-C is the worker's business: it stops the calls one by one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answering = threading.Lock()
    stops: dict[int, threading.Event] = {}

    def answer(content: _Answer) -> None:
        with answering:
            pipe.send(content)

    try:
        files = locate(model, folder)
        engine = Engine.load(files, EngineSettings(device=device, compute_type=compute_type))
    except Exception as error:  # noqa: BLE001 - told to the worker, whatever it is
        answer(_Answer(0, error=_portable(error), last=True))
        return
    answer(_Answer(0, value=files))

    def run(call: _Call) -> None:
        try:
            for value in _perform(engine, call, stops[call.number]):
                answer(_Answer(call.number, value=value))
            answer(_Answer(call.number, last=True))
        except Exception as error:  # noqa: BLE001 - told to the worker, whatever it is
            answer(_Answer(call.number, error=_portable(error), last=True))
        finally:
            del stops[call.number]

    call: _Call
    # A pipe that breaks means that the worker is gone; either way, whatever is under way is nobody's.
    with contextlib.suppress(EOFError, OSError):
        while (call := pipe.recv()).method != "end":
            if call.method == "stop":
                if stop := stops.get(call.number):
                    stop.set()
                continue
            stops[call.number] = threading.Event()
            threading.Thread(target=run, args=(call,), name=call.method, daemon=True).start()
    os._exit(0)


def _perform(engine: Any, call: _Call, stop: threading.Event) -> Iterator[Any]:  # noqa: ANN401 - Engine; see _serve
    arguments = dict(call.arguments)
    match call.method:
        case "plan":
            yield engine.plan(arguments.pop("path"), arguments.pop("options"), stop=stop, **arguments)
        case "decode":
            yield from engine.decode(**arguments, stop=stop)
        case "cut_parts":
            from services.gpu_worker.engine.part_audio import cut_parts  # noqa: PLC0415 - only in this process

            cut_parts(**arguments, stop=stop)


def _portable(error: Exception) -> Exception:
    """An error that crosses the pipe: ours as they are, others by their words."""
    if type(error).__name__ == StoppedError.__name__:
        return StoppedError()
    if isinstance(error, TranscriberError):
        return error
    return DecoderFailedError(f"{type(error).__name__}: {error}")
