"""What a WAV's header says, and whether that can be true: a recorder that crashes or writes to a pipe does not finish
it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_PLACEHOLDERS = (range(0x7FFF_0000, 0x8001_0000), range(0xFFFF_0000, 0x1_0000_0000))
"""Sizes that a program writes while it does not know the size, as when it writes to a pipe."""
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_SAMPLE, _SAMPLES = 4096, 64
"""How many bytes are looked at in each place behind the sound, and in about how many places."""


@dataclass(frozen=True, slots=True)
class Wav:
    """The `data` chunk of a WAV, RF64 or Wave64."""

    start: int
    """Its first byte."""
    size: int | None
    """Bytes of sound; None where the program that wrote the file did not know."""
    rate: int
    """Bytes a second, computed from other fields, as the header's byte rate is often wrong; 0 for compressed sound."""
    behind: bytes
    """Some of the bytes that follow the chunk, the first of them first; empty where few follow."""

    @property
    def seconds(self) -> float | None:
        return self.size / self.rate if self.size and self.rate else None

    @property
    def is_stale(self) -> bool:
        """Whether the sound goes on behind the size in the header: bytes follow that are no chunk and not all zero."""
        return self.size is not None and any(self.behind) and not _may_be_a_name(self.behind[:4])

    @property
    def ends_in_zeros(self) -> bool:
        """Whether only zeros follow: room that was never written to, which FFmpeg would read as endless chunks."""
        return self.size is not None and bool(self.behind) and not any(self.behind)


def wav(path: Path) -> Wav | None:
    """The `data` chunk of a WAV; None where the file is no WAV or has no such chunk."""
    rate, large = 0, None
    with path.open("rb") as file:
        for chunk, size in _chunks(file):
            if chunk == b"fmt ":
                form, channels, samples, bits = struct.unpack("<HHI6xH", file.read(16).ljust(16, b"\0"))
                if form in (_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE):
                    rate = samples * channels * -(-bits // 8)
            elif chunk == b"ds64":
                large = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
            elif chunk == b"data":
                start = file.tell()
                known = size and not any(size in sizes for sizes in _PLACEHOLDERS)
                length = size if known else large
                return Wav(start, length, rate, _behind(file, start + (length or 0)))
    return None


def _behind(file: BinaryIO, at: int) -> bytes:
    end = file.seek(0, io.SEEK_END)
    if end - at < 2 * _SAMPLE:
        return b""
    parts = []
    for place in range(at, end - _SAMPLE + 1, max(_SAMPLE, (end - at) // _SAMPLES)):
        file.seek(place)
        parts.append(file.read(_SAMPLE))
    return b"".join(parts)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The names and sizes of the chunks; the file is positioned at the beginning of each one's content."""
    head = file.read(12)
    wide = head.startswith(b"riff")
    if not wide and not (head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE"):
        return
    names, at = (24, 40) if wide else (8, 12)
    end = file.seek(0, io.SEEK_END)
    while at < end:
        file.seek(at)
        header = file.read(names)
        if len(header) < names:
            return
        size = int.from_bytes(header[16:], "little") - names if wide else int.from_bytes(header[4:], "little")
        yield header[:4], size
        at += names + max(size, 0) + -size % (8 if wide else 2)


def _may_be_a_name(four: bytes) -> bool:
    """Whether four bytes may be a chunk's name: printable ones, perhaps behind a byte of padding."""
    return any(all(32 <= byte < 127 for byte in name) for name in (four, four[1:]))  # noqa: PLR2004 - what is printed
