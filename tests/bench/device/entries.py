"""Where the two kinds of processes begin: the real entries, after what is measured was put around their steps.

The worker's process imports this module too, so what only its processes need is imported in them.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from services.gpu_worker.engine.processes import device_link, device_main, reader_main, readers
from tests.bench.device.steps import READER, Steps
from tests.bench.process_costs import forget_peak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

T4_MIB = 15_360
"""A T4's memory, from which the engine chooses what it runs with."""
KEEP_SECONDS = 0.2
"""The pause between two accounts of a reader's time."""


def clocked(speed: float, folder: Path) -> AbstractContextManager[Any]:
    """While this lasts, an engine that is started has a clock for a device; its processes keep accounts in a folder."""
    patches = ExitStack()
    patches.enter_context(mock.patch.object(device_link, "serve", partial(serve_clock, speed, folder)))
    patches.enter_context(mock.patch.object(readers, "serve", partial(serve_reader, folder)))
    return patches


def serve_clock(speed: float, kept: Path, pipe: Connection, *given: Any) -> None:
    """As `device_main.serve`, on a T4 that is a clock."""
    from services.gpu_worker.engine.decode import device_choice, loaded_model  # noqa: PLC0415 - only in this process
    from tests.bench.device.clock import ClockedDecoder  # noqa: PLC0415

    vars(device_choice)["_gpu_memory_mib"] = lambda: T4_MIB
    vars(loaded_model)["Decoder"] = partial(ClockedDecoder, speed, kept)
    device_main.serve(pipe, *given)


def serve_reader(kept: Path, connection: Connection, limits: Any, task: str, arguments: dict[str, Any]) -> None:
    """As `reader_main.serve`, with an account of what the steps computed."""
    forget_peak()
    steps = Steps(kept / READER.format(os.getpid()))
    _measure(steps)
    perform = vars(reader_main)["_perform"]

    def performed(*given: Any) -> Iterator[Any]:
        # Once the last message is sent, the worker ends this process.
        yield from perform(*given)
        steps.keep()

    vars(reader_main)["_perform"] = performed
    reader_main.serve(connection, limits, task, arguments)


def _measure(steps: Steps) -> None:
    """Put the steps around this process's reading and detection."""
    from services.gpu_worker.engine.plan import planned_clips, planner, speech  # noqa: PLC0415 - only in this process

    detector: Any = speech.SpeechDetector
    for name in ("feed", "finish"):
        setattr(detector, name, steps.timed("detection", getattr(detector, name)))
    for module in (planner, planned_clips):
        vars(module)["read"] = partial(_read, steps, vars(module)["read"])


def _read(steps: Steps, read: Any, *given: Any) -> tuple[Any, Iterator[Any]]:
    with steps.step("reading"):
        reading, blocks = read(*given)
    return reading, _kept(steps, steps.each("reading", blocks))


def _kept(steps: Steps, blocks: Iterator[Any]) -> Iterator[Any]:
    """The same blocks. The account is kept now and then, since a reader that is stopped has no last word."""
    kept = time.monotonic()
    for block in blocks:
        yield block
        if time.monotonic() - kept > KEEP_SECONDS:
            steps.keep()
            kept = time.monotonic()
