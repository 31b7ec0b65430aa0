"""Follows a spool while it is written, and observes its windows one after another, on several threads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.plan.spool import SAMPLE, is_whole, voice_files
from services.gpu_worker.engine.speakers.grid import STEP, WINDOW
from services.gpu_worker.engine.speakers.networks import Networks, OnnxNetworks
from services.gpu_worker.engine.speakers.observing import observe
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

GROUP = 4
"""How many windows are observed together."""
_POLL_SECONDS = 0.05


def follow(
    spool: Path,
    models: Path,
    *,
    first: int,
    last: int | None = None,
    offset: int = 0,
    threads: int = 1,
    stop: StopFlag,
) -> Iterator[ObservedWindow]:
    """Observe the windows of a recording in order, each soon after its sound is in the spool.

    What is observed does not depend on when the sound came, nor on the number of threads.

    Args:
        spool: the folder of the spool, which may still be empty.
        models: the folder of the speakers' models.
        first: the index of the first window.
        last: the index of the window before which this ends; None: at the end of the spool.
        offset: where the spool begins in the recording, in samples.
        threads: how many groups of windows are observed at once.
        stop: looked at several times a second.

    Raises:
        StoppedError: `stop` is set.

    """
    networks = OnnxNetworks(models)
    groups = _groups(_Spool(spool, offset, stop), range(first, last) if last is not None else count(first))
    under_way: deque[Future[list[ObservedWindow]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="speakers") as pool:
        for group in groups:
            under_way.append(pool.submit(_observed, networks, group))
            while under_way and (under_way[0].done() or len(under_way) > threads):
                yield from _result(under_way.popleft(), stop)
        while under_way:
            yield from _result(under_way.popleft(), stop)


_Window = tuple[int, list[npt.NDArray[np.int16]]]
"""The index of a window, and its samples in each voice."""


class _Spool:
    """A spool that may still be written."""

    def __init__(self, folder: Path, offset: int, stop: StopFlag) -> None:
        self._folder = folder
        self._offset = offset
        self._stop = stop

    def window(self, index: int) -> list[npt.NDArray[np.int16]]:
        """The samples of a window in each voice, filled up with silence at the end; none if it begins behind it."""
        start = index * STEP - self._offset
        held = self._held(start + WINDOW)
        return [_samples(file, start) for file in voice_files(self._folder)] if start < held else []

    def _held(self, wanted: int) -> int:
        """Wait until the spool holds so many samples, or is whole; returns how many it holds."""
        while not self._stop.is_set():
            # Asked in this order: what comes between the two is in the size.
            whole = is_whole(self._folder)
            held = min((file.stat().st_size // SAMPLE for file in voice_files(self._folder)), default=0)
            if held >= wanted or whole:
                return held
            time.sleep(_POLL_SECONDS)
        raise StoppedError


def _groups(spool: _Spool, indices: Iterator[int] | range) -> Iterator[list[_Window]]:
    group: list[_Window] = []
    for index in indices:
        if not (voices := spool.window(index)):
            break
        group.append((index, voices))
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


def _samples(file: Path, start: int) -> npt.NDArray[np.int16]:
    samples = np.fromfile(file, np.int16, WINDOW, offset=start * SAMPLE)
    return np.pad(samples, (0, WINDOW - len(samples)))


def _observed(networks: Networks, group: list[_Window]) -> list[ObservedWindow]:
    observations = iter(observe(networks, [samples for _, voices in group for samples in voices]))
    return [ObservedWindow(index, tuple(next(observations) for _ in voices)) for index, voices in group]


def _result(future: Future[list[ObservedWindow]], stop: StopFlag) -> list[ObservedWindow]:
    while not stop.is_set():
        try:
            return future.result(_POLL_SECONDS)
        except TimeoutError:
            continue
    raise StoppedError
