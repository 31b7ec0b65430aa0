"""How much sound a WAV header promises. FFmpeg goes by the file's size instead, so a cut file looks whole to it."""

from __future__ import annotations

import struct
from pathlib import Path

UNKNOWN = (0, 0xFFFFFFFF)
"""What programs write that do not know the length yet."""


def promised_seconds(path: Path) -> float | None:
    """Seconds by the header's `data` chunk; None where the file is no RIFF WAVE or its header does not know."""
    rate = 0
    with path.open("rb") as file:
        magic, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        if (magic, kind) != (b"RIFF", b"WAVE"):
            return None
        while len(header := file.read(8)) == 8:  # noqa: PLR2004 - a chunk's name and size
            name, size = struct.unpack("<4sI", header)
            if name == b"data":
                return size / rate if rate and size not in UNKNOWN else None
            if name == b"fmt ":
                start = file.tell()
                rate = struct.unpack("<8xI", file.read(12).ljust(12, b"\0"))[0]  # bytes a second
                file.seek(start)
            file.seek(size + size % 2, 1)
    return None
