"""A process that reads one recording: limited, and trusted with nothing else."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common import logs
from services.common.domain.errors import InvalidMediaError, TranscriberError
from services.gpu_worker.engine.faults import is_of_the_machine

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

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told = time.monotonic()

    def is_set(self) -> bool:
        if time.monotonic() - self._told >= ALIVE_SECONDS:
            self._told = time.monotonic()
            self._pipe.send(Alive())
        return False


def serve(pipe: Connection, limits: Limits, task: str, arguments: dict[str, Any]) -> None:
    """This process's life. The worker ends it by killing it, or by being gone."""
    # A notice or Ctrl-C is the worker's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logs.configure("info", service="gpu_worker", reading=task)
    _limit(limits)
    with suppress(BrokenPipeError):
        try:
            for value in _perform(task, arguments, _Pulse(pipe)):
                pipe.send(Found(value))
            pipe.send(Done())
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - told to the worker, whatever it is
            pipe.send(failure(error, limits))


def _limit(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_mib * MIB,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor_seconds, limits.processor_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Should the whole machine run out of memory, this process goes, and not the one that holds the model.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _perform(task: str, arguments: dict[str, Any], pulse: _Pulse) -> Iterator[Any]:
    from services.gpu_worker.engine.local_reader import LocalReader  # noqa: PLC0415 - the worker need not know FFmpeg

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
        return Failed(error, "".join(traceback.format_exception(cause)) if cause else "")
    details = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        message = f"Reading the recording takes more than the {limits.memory_mib} MiB of memory that are allowed here."
        return Failed(InvalidMediaError(message), details)
    if isinstance(error, OSError) and error.errno and is_of_the_machine(error):
        return Failed(OSError(error.errno, os.strerror(error.errno)), details)
    return Failed(InvalidMediaError(f"The recording cannot be read ({type(error).__name__})."), details)
