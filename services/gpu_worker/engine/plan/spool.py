"""The spool: a recording's sound in a folder on the worker's disk, while it is planned and decoded.

It is what is between reading and decoding: a reader may be far ahead of the device, and a clip's samples are read when
its features are computed. Each voice has a file of 16 bit samples at 16 kHz, in this machine's order of bytes: 115 MB
an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.plan import Clip

if TYPE_CHECKING:
    from services.gpu_worker.engine.audio.samples import Samples

SAMPLE = 2
"""Bytes of a sample."""
_WHOLE = "whole"
"""The name of an empty file that tells that the others are whole."""


def voice_file(folder: Path, voice: int) -> Path:
    """Where the samples of a voice are, in the folder of a spool."""
    return folder / f"voice-{voice}"


def voice_files(folder: Path) -> list[Path]:
    """The files of all voices, in order; none until the first samples are there."""
    found = list(takewhile(Path.exists, (voice_file(folder, voice) for voice in count())))
    return found if found and found[0].stat().st_size else []


def is_whole(folder: Path) -> bool:
    """Whether the spool holds the recording up to its end, or all that will be read of it."""
    return (folder / _WHOLE).exists()


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
    (folder / _WHOLE).touch()


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip whose samples are in a spool. Processes hand it on in place of the samples."""

    clip: Clip
    spool: Path
    offset: int = 0
    """Where the spool begins in the recording, in samples."""

    @property
    def index(self) -> int:
        """Of the clip in its plan."""
        return self.clip.index

    @property
    def seconds(self) -> float:
        """The length of the clip's audio."""
        return self.clip.samples / RATE

    def read(self) -> bytes:
        """The clip's samples.

        A clip that reaches beyond the end is filled up with silence: the plan counted the same samples, so it lacks at
        most what a codec rounds.
        """
        pieces = []
        with voice_file(self.spool, self.clip.channel).open("rb") as file:
            for start, end in self.clip.spans:
                file.seek(max(start - self.offset, 0) * SAMPLE)
                pieces.append(file.read((end - max(start, self.offset)) * SAMPLE))
        return b"".join(pieces).ljust(self.clip.samples * SAMPLE, b"\0")
