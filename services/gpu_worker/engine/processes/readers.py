"""Reading in processes of their own: what a recording does to FFmpeg or to memory ends there, and is the recording's.

Each reading has a fresh process, forked from a clean one that has imported everything and read nothing (7 ms). It is
limited in memory and processor time; one that dies, or is silent for too long, ends with InvalidMediaError.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

import structlog

from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.processes.framing import Frames
from services.gpu_worker.engine.processes.reader_main import Alive, Done, Failed, Found, Limits, serve
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.engine.plan.reader import Sound
    from services.gpu_worker.engine.stopping import StopFlag

log = structlog.get_logger()
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["services.gpu_worker.engine.processes.preload"])
_POLL_SECONDS = 0.1
_MORE_STARTS = 4
"""Of a process that could not be started."""
_KILL_SECONDS = 5.0
"""What the kernel may take to end a process that is killed; one that hangs in a disk goes later."""


class ReaderLostError(Exception):
    """A reading ended without having said anything of the recording: it is tried again."""

    loggable = True


@dataclass(frozen=True)
class ReaderProcesses:
    """A `Reader` for the engine. Safe to use from several threads."""

    limits: Limits

    def warm_up(self) -> None:
        """Start the process from which readers are forked; returns at once, and the first reading need not wait."""
        forkserver.ensure_running()

    def plan(self, path: Path, options: Options, *, stop: StopFlag, **lengths: float) -> Plan:
        """As `LocalReader.plan`."""
        (plan,) = self._read("plan", stop, path=path, options=options, **lengths)
        return cast("Plan", plan)

    def sounds(
        self, path: Path, plan: Plan, clips: Sequence[int], *, stop: StopFlag, part: int | None = None
    ) -> Iterator[Sound]:
        """As `LocalReader.sounds`."""
        return self._read("sounds", stop, path=path, plan=plan, clips=list(clips), part=part)

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: StopFlag) -> None:
        """As `LocalReader.cut_parts`."""
        for _ in self._read("cut_parts", stop, path=path, plan=plan, folder=folder):
            pass

    def _read(self, task: str, stop: StopFlag, **arguments: object) -> Iterator[Any]:
        """What the task gives, from a process of its own, which ends with this iterator."""
        ours, theirs = os.pipe()
        try:
            process = self._started(theirs, task, arguments)
            try:
                yield from self._messages(Frames(ours), process, stop)
            finally:
                process.kill()
                process.join(_KILL_SECONDS)
                # Not by chance, later: each holds a file open.
                with suppress(ValueError):
                    process.close()
        finally:
            os.close(ours)

    def _started(self, pipe: int, task: str, arguments: dict[str, object]) -> BaseProcess:
        """A process that reads; `pipe` is its own from now on."""
        with Connection(pipe, readable=False) as writing:
            given = (writing, self.limits, task, arguments)
            for _ in range(_MORE_STARTS):
                with suppress(OSError, EOFError):
                    return _start(task, given)
                # The process that forks is gone. Once that is known, a start begins another.
                time.sleep(_POLL_SECONDS)
            return _start(task, given)

    def _messages(self, frames: Frames, process: BaseProcess, stop: StopFlag) -> Iterator[Any]:
        while isinstance(message := self._next(frames, process, stop), Found | Alive):
            if isinstance(message, Found):
                yield message.value
        if isinstance(message, Failed):
            if stop.is_set():
                # The file may be gone already, with the folder it lay in.
                raise StoppedError
            if message.details:
                log.warning("reading.failed", task=process.name, details=message.details)
            raise message.error

    def _next(self, frames: Frames, process: BaseProcess, stop: StopFlag) -> Found | Alive | Failed | Done:
        # Counted from here: while the device has enough to do nobody listens, and that is not the reader's silence.
        waiting_since = time.monotonic()
        while not stop.is_set():
            with suppress(TimeoutError):
                try:
                    return cast("Found | Alive | Failed | Done", frames.receive(_POLL_SECONDS))
                except EOFError:
                    # It has ended, perhaps in the middle of a word. If we are told to stop, then because of that.
                    if stop.is_set():
                        break
                    raise self._death(process) from None
            if time.monotonic() - waiting_since > self.limits.silence_seconds:
                log.warning("reading.hung", task=process.name, seconds=self.limits.silence_seconds)
                raise refusals.stuck()
        raise StoppedError

    def _death(self, process: BaseProcess) -> Exception:
        process.join(_KILL_SECONDS)
        code = process.exitcode
        log.warning("reading.died", task=process.name, exit_code=code)
        if code is None or code >= 0:
            # By itself, so not of the recording: it could not begin, or found itself alone.
            return ReaderLostError(f"The process that read the recording ended with status {code}.")
        if code == -signal.SIGXCPU:
            return refusals.too_much_time(self.limits.processor_seconds)
        return refusals.deadly()


def _start(task: str, given: tuple[object, ...]) -> BaseProcess:
    process = _FORK.Process(target=serve, args=given, name=task, daemon=True)
    process.start()
    return process
