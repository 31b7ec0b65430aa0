"""The spool: a recording's sound in a folder on the worker's disk, while it is planned and decoded.

It is what is between reading and decoding: a reader may be far ahead of the device, and no process holds more than a
clip. Each voice has a file of 16 bit samples at 16 kHz, in this machine's order of bytes: 115 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from services.gpu_worker.engine.plan.plan import Clip

if TYPE_CHECKING:
    from services.gpu_worker.engine.audio.samples import Samples

SAMPLE = 2
"""Bytes of a sample."""


def voice_file(folder: Path, voice: int) -> Path:
    """Where the samples of a voice are, in the folder of a spool."""
    return folder / f"voice-{voice}"


def spooled(blocks: Iterator[Samples], folder: Path) -> Iterator[Samples]:
    """The same blocks of shape (voices, samples), each as soon as its samples are in the spool of this folder."""
    with ExitStack() as open_files:
        files: list[BinaryIO] = []
        for block in blocks:
            while len(files) < len(block):
                files.append(open_files.enter_context(voice_file(folder, len(files)).open("wb")))
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
    with voice_file(folder, clip.channel).open("rb") as file:
        for start, end in clip.spans:
            file.seek(max(start - offset, 0) * SAMPLE)
            pieces.append(file.read((end - max(start, offset)) * SAMPLE))
    return b"".join(pieces).ljust(clip.samples * SAMPLE, b"\0")
