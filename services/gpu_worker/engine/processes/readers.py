"""Reading in processes of their own, so that a recording that crashes FFmpeg or fills the memory harms no other.

Each reading has a new process. A fork server that has imported everything and read nothing forks it in 7 ms. Its memory
and processor time are limited. If it crashes, or sends nothing for too long, reading ends with InvalidMediaError.
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
from services.gpu_worker.engine.plan.reader import USUAL, Cutting
from services.gpu_worker.engine.processes.framing import Frames
from services.gpu_worker.engine.processes.reader_main import Alive, Done, Failed, Found, Limits, serve
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.engine.plan.reader import Items
    from services.gpu_worker.engine.stopping import StopFlag

log = structlog.get_logger()
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["services.gpu_worker.engine.processes.preload"])
_POLL_SECONDS = 0.1
_MORE_STARTS = 4
"""How often a process that could not be started is tried again."""
_KILL_SECONDS = 5.0
"""How long the kernel may take to end a process that is killed; one that waits for a disk ends later."""


class ReaderLostError(Exception):
    """A reader ended without a result, and the recording is hardly the cause: the part is tried again."""

    loggable = True


class ReaderKilledError(ReaderLostError):
    """A reader was killed: by the kernel that lacks memory, or with all processes of its machine."""


@dataclass(frozen=True)
class ReaderProcesses:
    """A `Reader` for the engine. Safe to use from several threads."""

    limits: Limits

    def warm_up(self) -> None:
        """Start the fork server, so that the first reading need not wait for it; returns at once."""
        forkserver.ensure_running()

    def plan(
        self,
        path: Path,
        options: Options,
        *,
        spool: Path,
        max_seconds: float,
        stop: StopFlag,
        cutting: Cutting = USUAL,
    ) -> Items:
        """As `LocalReader.plan`."""
        given = {"path": path, "options": options, "spool": spool, "max_seconds": max_seconds, "cutting": cutting}
        return self.perform("plan", stop, **given)

    def clips(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        *,
        spool: Path,
        stop: StopFlag,
        part: int | None = None,
        until: int = 0,
    ) -> Items:
        """As `LocalReader.clips`."""
        given = {"path": path, "plan": plan, "clips": list(clips), "spool": spool, "part": part, "until": until}
        return self.perform("clips", stop, **given)

    def cut_parts(self, plan: Plan, spool: Path, folder: Path, *, stop: StopFlag) -> None:
        """As `LocalReader.cut_parts`."""
        for _ in self.perform("cut_parts", stop, plan=plan, spool=spool, folder=folder):
            pass

    def perform(self, task: str, stop: StopFlag, **arguments: object) -> Generator[Any, None, None]:
        """The values of a task that runs in a process of its own; the process ends with this iterator.

        Args:
            task: one that `reader_main.py` knows.
            stop: once it is set, the process is ended.
            arguments: of the task.

        Raises:
            StoppedError: `stop` is set.
            ReaderLostError: the process ended by itself, or could not begin.
            ReaderKilledError: it was killed.
            TranscriberError: the task failed with it, or used more than the limits allow.

        """
        ours, theirs = os.pipe()
        try:
            process = self._started(theirs, task, arguments)
            try:
                yield from self._messages(Frames(ours), process, stop)
            finally:
                process.kill()
                process.join(_KILL_SECONDS)
                # Each process object holds a file open, which would else stay open until it is collected.
                with suppress(ValueError):
                    process.close()
        finally:
            os.close(ours)

    def _started(self, pipe: int, task: str, arguments: dict[str, object]) -> BaseProcess:
        """Start a process that reads; `pipe`, the writing end, is closed in this one."""
        with Connection(pipe, readable=False) as writing:
            given = (writing, self.limits, task, arguments)
            for _ in range(_MORE_STARTS):
                with suppress(OSError, EOFError):
                    return _start(task, given)
                # The fork server has ended. Once `multiprocessing` knows, the next start begins another one.
                time.sleep(_POLL_SECONDS)
            return _start(task, given)

    def _messages(self, frames: Frames, process: BaseProcess, stop: StopFlag) -> Iterator[Any]:
        while isinstance(message := self._next(frames, process, stop), Found | Alive):
            if isinstance(message, Found):
                yield message.value
        if isinstance(message, Failed):
            if stop.is_set():
                # The error may come from a folder that was removed meanwhile.
                raise StoppedError
            if message.details:
                log.warning("reading.failed", task=process.name, details=message.details)
            raise message.error

    def _next(self, frames: Frames, process: BaseProcess, stop: StopFlag) -> Found | Alive | Failed | Done:
        # The time counts from here: while the device has enough to do, this process reads no message of the reader's.
        waiting_since = time.monotonic()
        while not stop.is_set():
            with suppress(TimeoutError):
                try:
                    return cast("Found | Alive | Failed | Done", frames.receive(_POLL_SECONDS))
                except EOFError:
                    # The process has ended, perhaps in the middle of a message. If `stop` is set, that is the cause.
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
            # It exited, so the recording is not the cause: it could not begin, or took the worker for ended.
            return ReaderLostError(f"The process that read the recording ended with status {code}.")
        if code == -signal.SIGKILL:
            return ReaderKilledError("The process that read the recording was killed.")
        if code == -signal.SIGXCPU:
            return refusals.too_much_time(self.limits.processor_seconds)
        return refusals.deadly()


def _start(task: str, given: tuple[object, ...]) -> BaseProcess:
    process = _FORK.Process(target=serve, args=given, name=task, daemon=True)
    process.start()
    return process
