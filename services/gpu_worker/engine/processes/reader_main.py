"""A process that reads one recording: limited, and trusted with nothing else."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import threading
import time
from contextlib import suppress
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
ALIVE_SECONDS = 1.0
"""Between signs of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one recording may take."""

    memory_mib: int
    """Of data: what is allocated, not what is mapped of files."""
    processor_seconds: int
    silence_seconds: float
    """Without a packet read or a result, while somebody waits."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The end, with an error; `details` are for the log."""

    error: Exception
    details: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The end."""


@dataclass(frozen=True, slots=True)
class Alive:
    """Packets are being read."""


class _Pulse:
    """A stop flag that is never set: it is asked at every packet, and so tells that reading gets on."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._told = time.monotonic()

    def is_set(self) -> bool:
        if time.monotonic() - self._told >= ALIVE_SECONDS:
            self._told = time.monotonic()
            _say(self._pipe, Alive())
        return False


def serve(connection: Connection, limits: Limits, task: str, arguments: dict[str, Any]) -> None:
    """This process's life. The worker ends it by killing it, or by being gone."""
    logs.configure("info", service="gpu_worker", reading=task)
    with logs.process():
        _serve(connection, limits, task, arguments)


def _serve(connection: Connection, limits: Limits, task: str, arguments: dict[str, Any]) -> None:
    # A notice or Ctrl-C is the worker's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe = connection.fileno()
    threading.Thread(target=_watch_worker, args=(pipe,), daemon=True).start()
    _limit(limits)
    try:
        for value in _perform(task, arguments, _Pulse(pipe)):
            _say(pipe, Found(value))
        _say(pipe, Done())
    except Exception as error:  # noqa: BLE001 - told to the worker, whatever it is
        _say(pipe, failure(error, limits))


def _say(pipe: int, message: object) -> None:
    try:
        send(pipe, message)
    except BrokenPipeError:
        # Nobody is there any more; a library would take that for an error of the file's.
        os._exit(0)


def _watch_worker(pipe: int) -> None:
    """The worker may be gone while FFmpeg waits for a disk, and nothing is said for which somebody would be missed."""
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
        # At the soft limit of time a signal says what it was; at the hard one nothing does.
        resource.setrlimit(kind, (soft, hard))
    # Should the whole machine run out of memory, this process goes, and not the one that holds the model.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _perform(task: str, arguments: dict[str, Any], pulse: _Pulse) -> Iterator[Any]:
    from services.gpu_worker.engine.plan.local_reader import LocalReader  # noqa: PLC0415 - the worker need not know FFmpeg

    reader = LocalReader()
    match task:
        case "plan":
            yield reader.plan(**arguments, stop=pulse)
        case "sounds":
            yield from reader.sounds(**arguments, stop=pulse)
        case "cut_parts":
            reader.cut_parts(**arguments, stop=pulse)


def failure(error: Exception, limits: Limits) -> Failed:
    """An error as it goes over the pipe.

    Ours are what they are. Of the others, what says something of this machine stays an OSError; all the rest is the
    recording's, whatever a library called it.
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
