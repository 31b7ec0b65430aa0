"""A part's audio as a file of its own, so that its worker need not read the recording from the beginning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.clip_audio import as_planned
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.stopping import StopFlag

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""FLAC's name for one channel, two channels and so on. Only the number of channels counts here."""


def cut_parts(path: Path, plan: Plan, folder: Path, *, stop: StopFlag | None = None) -> None:
    """Write every part's samples as `<index>.flac` into a folder, 16 bit at 16 kHz, one channel a voice.

    FLAC is lossless, so the words stay the same. The recording is read once. `Engine.decode(..., part=index)` decodes
    such a file.

    Raises:
        ReadingDiffersError: what is read is not what was planned.
        StoppedError: `stop` is set.

    """
    ahead = _Blocks(as_planned(path, plan, None, stop or threading.Event()))
    for part in plan.parts:
        with _flac(folder / f"{part.index}.flac", plan.channels) as write:
            for block in ahead.until(part.end):
                write(block)


class _Blocks:
    """Blocks of samples, given out up to one position after another; a block that reaches beyond one is split."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._position = 0
        self._rest: Samples | None = None

    def until(self, end: int) -> Iterator[Samples]:
        while self._position < end:
            block = self._rest if self._rest is not None else next(self._blocks, None)
            self._rest = None
            if block is None:
                return
            taken, rest = block[:, : end - self._position], block[:, end - self._position :]
            self._rest = rest if rest.shape[1] else None
            self._position += taken.shape[1]
            yield taken


@contextmanager
def _flac(destination: Path, channels: int) -> Iterator[Any]:
    layout = LAYOUTS[channels - 1]
    with av.open(str(destination), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout=layout, format="s16")
        position = 0

        def write(block: Samples) -> None:
            nonlocal position
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T).reshape(1, -1), "s16", layout)
            frame.rate = RATE
            frame.pts = position
            position += block.shape[1]
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode(None))
