"""A part's audio as a file of its own, so that its worker need not read the recording from the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from services.gpu_worker.engine.audio.samples import BLOCK, Samples
from services.gpu_worker.engine.audio.sound import RATE, Span
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.spool import SAMPLE, voice_file
from services.gpu_worker.engine.speakers.grid import WINDOW
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""FLAC's name for one channel, two channels and so on. Only the number of channels counts here."""


def cut_parts(plan: Plan, spool: Path, folder: Path, *, stop: StopFlag) -> None:
    """Write every part's samples as `<index>.flac` into a folder, 16 bit at 16 kHz, one channel a voice.

    FLAC is lossless, so the words stay the same. `Engine.decode(..., part=index)` decodes such a file. It goes on for a
    window of speakers behind the part's end, since the last window that begins in the part ends there.

    Args:
        plan: of the whole recording.
        spool: the folder of its spool, which must be complete.
        folder: gets the files.
        stop: looked at once a second of sound.

    Raises:
        StoppedError: `stop` is set.

    """
    for part in plan.parts:
        with _flac(folder / f"{part.index}.flac", plan.channels) as write:
            for block in _blocks_between(spool, (part.start, part.end + WINDOW), plan.channels):
                if stop.is_set():
                    raise StoppedError
                write(block)


def _blocks_between(folder: Path, span: Span, voices: int) -> Iterator[Samples]:
    """The sound of a span in blocks of shape (voices, samples), as far as the spool has it."""
    with ExitStack() as open_files:
        files = [open_files.enter_context(voice_file(folder, voice).open("rb")) for voice in range(voices)]
        for file in files:
            file.seek(span[0] * SAMPLE)
        for start in range(*span, BLOCK):
            wanted = (min(start + BLOCK, span[1]) - start) * SAMPLE
            block = np.stack([np.frombuffer(file.read(wanted), np.int16) for file in files])
            if not block.size:
                return
            yield block


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
