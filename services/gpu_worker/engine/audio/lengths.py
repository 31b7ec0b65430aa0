"""How much sound a file promises, where its header cannot be wrong about that.

What is not believed: the length of the longest other stream, a guess by the bit rate, and what programs write into a
header while they do not know yet.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av

from services.gpu_worker.engine.audio.containers import Untyped, id3_length, name

OWN_LENGTH = frozenset({"mov", "flac", "aiff", "caf", "tta", "wv"})
"""Formats in which FFmpeg has a sound track's length from what the file says of that track alone."""
COUNTED = frozenset({"aiff", "caf", "flac", "mp3", "tta", "w64", "wav", "wv"})
"""Formats whose headers count sound; those of others may count a pause as well, and a pause does not count."""
_PLACEHOLDERS = (range(0x7FFF_0000, 0x8001_0000), range(0xFFFF_0000, 0x1_0000_0000))
"""Sizes that programs write which do not know the size, as when they write to a pipe."""
_INFO, _DURATION_4, _DURATION_8 = b"\x15I\xa9f", b"D\x89\x84", b"D\x89\x88"
"""Matroska's element of general information, and in it a duration, a number of four or eight bytes."""
_MP3_RATES = (44_100, 48_000, 32_000)
_MP3_FRAMES = {3: (1152, 0), 2: (576, 1), 0: (576, 2)}
"""By MPEG version: samples a frame, and how often the rate is halved."""
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


def promised_seconds(path: Path, container: Untyped, stream: Untyped) -> float | None:
    """Where the track's sound ends by its header, in seconds from the container's start; None where it does not say."""
    start: float = max(
        0.0, float((stream.start_time or 0) * stream.time_base) - (container.start_time or 0) / av.time_base
    )
    form = name(container)
    match form:
        case "wav" | "w64":
            return _wav(path)
        case "mp3":
            return _xing(path)
        case "matroska":
            return _matroska(path, container, stream)
        case _ if form in OWN_LENGTH and stream.duration:
            return start + float(stream.duration * stream.time_base)
        case _:
            return None


def _matroska(path: Path, container: Untyped, stream: Untyped) -> float | None:
    """A track's own length is a tag; the container's is that of its longest track, or a guess by the bit rate."""
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except (KeyError, ValueError):
        alone = len(container.streams) == 1
    with path.open("rb") as file:
        head = file.read(4096)
    info = head.find(_INFO)
    written = info >= 0 and (head.find(_DURATION_4, info) >= 0 or head.find(_DURATION_8, info) >= 0)
    return float(container.duration / av.time_base) if alone and written and container.duration else None


def _wav(path: Path) -> float | None:
    """By the `data` chunk of a WAV, its `ds64` if it is an RF64, or its like of a Wave64.

    FFmpeg goes by the file's size instead. The byte rate in the header is often wrong; of sound that is not compressed
    it follows from the other fields.
    """
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
                known = size and not any(size in sizes for sizes in _PLACEHOLDERS)
                length = size if known else large
                return length / rate if rate and length else None
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Names and sizes of a WAV's chunks, with the file at the beginning of each."""
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


def _xing(path: Path) -> float | None:
    """By the frame that encoders of variable bit rate put first, which counts the others; joined files have more."""
    with path.open("rb") as file:
        file.seek(id3_length(path, 0))
        frame = file.read(200)
    found = max(frame.find(b"Xing"), frame.find(b"Info"))
    if found < 0 or len(frame) < found + 12 or not frame[found + 7] & 1:
        return None
    version, index = (frame[1] >> 3 & 3, frame[2] >> 2 & 3) if frame.startswith(b"\xff") else (None, 0)
    if version not in _MP3_FRAMES or index >= len(_MP3_RATES):
        return None
    samples, slower = _MP3_FRAMES[version]
    return int.from_bytes(frame[found + 8 : found + 12], "big") * samples / (_MP3_RATES[index] >> slower)
