"""The spool: a recording's sound in a folder on the worker's disk, while it is planned and decoded.

It is what is between reading and decoding: a reader may be far ahead of the device, and no process holds more than a
clip. Each voice has a file of 16 bit samples at 16 kHz, in this machine's order of bytes: 115 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np

from services.gpu_worker.engine.audio.samples import BLOCK, Samples
from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.plan.plan import Clip

SAMPLE = 2
"""Bytes of a sample."""


def _file(folder: Path, voice: int) -> Path:
    return folder / f"voice-{voice}"


def spooled(blocks: Iterator[Samples], folder: Path) -> Iterator[Samples]:
    """The same blocks of shape (voices, samples), each as soon as its samples are in the spool of this folder."""
    with ExitStack() as open_files:
        files: list[BinaryIO] = []
        for block in blocks:
            while len(files) < len(block):
                files.append(open_files.enter_context(_file(folder, len(files)).open("wb")))
            for file, samples in zip(files, block, strict=True):
                file.write(samples.tobytes())
                file.flush()
            yield block


def clip_sound(folder: Path, clip: Clip, offset: int = 0) -> bytes:
    """The samples of a clip, once they are in the spool.

    A clip that reaches beyond the end is filled up with silence: the plan counted the same samples, so it lacks at most
    what a codec rounds.

    Args:
        folder: of the spool.
        clip: of the recording.
        offset: where the spool begins in the recording, in samples.

    """
    pieces = []
    with _file(folder, clip.channel).open("rb") as file:
        for start, end in clip.spans:
            file.seek(max(start - offset, 0) * SAMPLE)
            pieces.append(file.read((end - max(start, offset)) * SAMPLE))
    return b"".join(pieces).ljust(clip.samples * SAMPLE, b"\0")


def blocks_between(folder: Path, span: Span, voices: int) -> Iterator[Samples]:
    """The sound of a span in blocks of shape (voices, samples), as far as the spool has it."""
    with ExitStack() as open_files:
        files = [open_files.enter_context(_file(folder, voice).open("rb")) for voice in range(voices)]
        for file in files:
            file.seek(span[0] * SAMPLE)
        for start in range(*span, BLOCK):
            wanted = (min(start + BLOCK, span[1]) - start) * SAMPLE
            block = np.stack([np.frombuffer(file.read(wanted), np.int16) for file in files])
            if not block.size:
                return
            yield block
