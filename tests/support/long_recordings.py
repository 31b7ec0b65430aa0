"""Recordings of hours that take no room: speech, and behind it a hole in the disk."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from services.gpu_worker.engine.audio.sound import RATE

HEADER = 44
HOUR_SECONDS = 3_600


def long_wav(path: Path, speech: bytes, *, hours: float, width: int = 2) -> Path:
    """Write a WAV that begins with these samples, of so many bytes each, and is as silent as a file's hole after them.

    Of samples of one byte a hole is not silent, but as still.
    """
    size = int(hours * HOUR_SECONDS) * RATE * width
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * width, width, 8 * width)
    header = b"RIFF" + struct.pack("<I", size + HEADER - 8) + b"WAVE" + form + b"data" + struct.pack("<I", size)
    path.write_bytes(header + speech)
    os.truncate(path, size + HEADER)
    return path
