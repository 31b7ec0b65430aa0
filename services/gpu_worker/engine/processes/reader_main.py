"""The process that reads one recording: its resources are limited, and it is given nothing but the recording."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common import logs
from services.common.domain.errors import TranscriberError
from services.common.redaction import traceback_of
from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.faults import is_of_the_machine
from services.gpu_worker.engine.processes.framing import send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

MIB = 1 << 20
_LEAST_URGENT = 19
"""How nice a process is that may wait until the others need no core: the device comes first."""
_MOST_THREADS = 8
"""Of those that observe speakers: each needs 50 MiB, and the process may not have more for more cores."""
ALIVE_SECONDS = 1.0
"""The pause between two messages that reading makes progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much reading one recording may take."""

    memory_mib: int
    """Allocated memory; mapped files do not count."""
    processor_seconds: int
    silence_seconds: float
    """How long the reader may give neither a result nor a sign of progress while the worker waits for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """To the worker: one value of the result."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """To the worker: reading has ended with an error; `details` are for the log."""

    error: Exception
    details: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """To the worker: reading has ended, and all values were sent."""


@dataclass(frozen=True, slots=True)
class Alive:
    """To the worker: packets are being read."""


class _Voice:
    """What this process says. Two threads do: one that reads the file, and one that gives what was found."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._told = time.monotonic()

    def say(self, message: object) -> None:
        try:
            with self._lock:
                send(self._pipe, message)
        except BrokenPipeError:
            # The worker has ended. FFmpeg would treat this error as one of the file's, so the process ends here.
            os._exit(0)

    def is_set(self) -> bool:
        """A stop flag that is never set: it is looked at for every packet, and then tells that reading gets on."""
        if time.monotonic() - self._told >= ALIVE_SECONDS:
            self._told = time.monotonic()
            self.say(Alive())
        return False

    @contextmanager
    def getting_on(self) -> Iterator[None]:
        """Tell all the time that work gets on which looks at no flag; only its processor time is limited."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(ALIVE_SECONDS):
                self.say(Alive())

        telling = threading.Thread(target=tell, daemon=True)
        telling.start()
        try:
            yield
        finally:
            over.set()
            telling.join()


def serve(connection: Connection, limits: Limits, task: str, arguments: dict[str, Any]) -> None:
    """Run this process: read as the task says, and send the values. It ends early if the worker kills it or ends."""
    logs.configure("info", service="gpu_worker", reading=task)
    with logs.process():
        _serve(connection, limits, task, arguments)


def _serve(connection: Connection, limits: Limits, task: str, arguments: dict[str, Any]) -> None:
    # A spot notice or Ctrl-C reaches the worker too, which ends its readers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe = connection.fileno()
    threading.Thread(target=_watch_worker, args=(pipe,), daemon=True).start()
    _limit(limits)
    voice = _Voice(pipe)
    try:
        for value in _perform(task, arguments, voice):
            voice.say(Found(value))
        voice.say(Done())
    except Exception as error:  # noqa: BLE001 - every error is sent to the worker
        voice.say(failure(error, limits))


def _watch_worker(pipe: int) -> None:
    """End this process when the worker has ended; while FFmpeg waits for a disk, no message would fail and show it."""
    gone = select.poll()
    gone.register(pipe, 0)
    gone.poll()
    os._exit(0)


def _limit(limits: Limits) -> None:
    for kind, most in (
        (resource.RLIMIT_DATA, limits.memory_mib * MIB),
        (resource.RLIMIT_CPU, limits.processor_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft limit of processor time SIGXCPU ends the process, which shows the cause; at the hard one SIGKILL.
        resource.setrlimit(kind, (soft, hard))
    # If the whole machine runs out of memory, the kernel kills this process, and not the one that holds the model.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _perform(task: str, arguments: dict[str, Any], stop: _Voice) -> Iterator[Any]:
    from services.gpu_worker.engine.plan.local_reader import LocalReader  # noqa: PLC0415 - the worker need not know FFmpeg

    reader = LocalReader()
    match task:
        case "plan":
            yield from reader.plan(**arguments, stop=stop)
        case "clips":
            yield from reader.clips(**arguments, stop=stop)
        case "cut_parts":
            reader.cut_parts(**arguments, stop=stop)
        case "observe":
            from services.gpu_worker.engine.speakers.following import follow  # noqa: PLC0415 - readers do without

            os.nice(_LEAST_URGENT)
            yield from follow(**arguments, threads=_free_cores(), stop=stop)
        case "speaker_turns":
            from services.gpu_worker.engine.speakers.voices import turns_of_voices  # noqa: PLC0415 - as above

            with stop.getting_on():
                yield from turns_of_voices(**arguments)


def _free_cores() -> int:
    """How many cores speakers are observed on: those beside the one that the device's process needs, up to a bound."""
    return min(max(len(os.sched_getaffinity(0)) - 1, 1), _MOST_THREADS)


def failure(error: Exception, limits: Limits) -> Failed:
    """An error as it is sent to the worker.

    One of this project's errors stays as it is. Of the others, one that this machine has caused stays an OSError or an
    ImportError; every other one is caused by the recording.
    """
    if isinstance(error, TranscriberError):
        cause = error.__cause__
        return Failed(error, traceback_of(cause) if cause else "")
    details = traceback_of(error)
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return Failed(refusals.too_much_memory(limits.memory_mib), details)
    if isinstance(error, OSError) and error.errno and is_of_the_machine(error):
        return Failed(OSError(error.errno, os.strerror(error.errno)), details)
    if isinstance(error, ImportError):
        return Failed(ImportError(str(error)), details)
    return Failed(refusals.unreadable(type(error).__name__), details)
