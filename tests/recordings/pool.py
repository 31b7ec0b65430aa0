"""Processes that read files within limits of time and memory, and are started anew when one dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

MEMORY = 2 << 30
"""Bytes of address space that a task may take beyond what its process has."""
Task = TypeVar("Task")


@dataclass
class Ended(Generic[Task]):
    """A task, and either what it gave or how it failed."""

    task: Task
    result: Any = None
    failure: str | None = None


@dataclass
class _Worker:
    process: ForkServerProcess
    pipe: Connection
    task: Any = None
    deadline: float = 0.0


def run(
    function: Callable[[Task], Any], tasks: Iterable[Task], *, seconds: float, processes: int | None = None
) -> Iterator[Ended[Task]]:
    """Each task with its end, as they come. A task that takes longer than `seconds` is killed with its process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.recordings.readers"])
    waiting = iter(tasks)
    workers = [_started(context, function) for _ in range(processes or os.cpu_count() or 2)]
    try:
        for worker in workers:
            _given(worker, waiting, seconds)
        while busy := [worker for worker in workers if worker.task is not None]:
            soonest = min(worker.deadline for worker in busy)
            ready = wait([worker.pipe for worker in busy], max(0.0, soonest - time.monotonic()))
            for number, worker in enumerate(workers):
                if worker.task is None:
                    continue
                if worker.pipe in ready:
                    ended = _received(worker)
                elif worker.deadline <= time.monotonic():
                    ended = Ended(worker.task, failure=f"took more than {seconds:g} s")
                else:
                    continue
                if ended.failure and not ended.failure.startswith("raised"):
                    _killed(worker)
                    workers[number] = _started(context, function)
                _given(workers[number], waiting, seconds)
                yield ended
    finally:
        for worker in workers:
            _killed(worker)


def _started(context: Any, function: Callable[[Any], Any]) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, function), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _given(worker: _Worker, waiting: Iterator[Any], seconds: float) -> None:
    worker.task = next(waiting, None)
    if worker.task is not None:
        worker.deadline = time.monotonic() + seconds
        worker.pipe.send(worker.task)


def _received(worker: _Worker) -> Ended[Any]:
    try:
        result, failure = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(5)
        code = worker.process.exitcode or 0
        return Ended(worker.task, failure=f"died: {signal.Signals(-code).name if code < 0 else f'exit {code}'}")
    return Ended(worker.task, result, failure)


def _killed(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _work(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """In the process: one task after another, until it is killed."""
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            task = pipe.recv()
            _limit_memory()
            try:
                answer: tuple[Any, str | None] = (function(task), None)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
                answer = (None, f"raised {type(error).__name__}: {error}")
            pipe.send(answer)


def _limit_memory() -> None:
    """As much again as each task may need, so that what others left behind does not count against it."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
