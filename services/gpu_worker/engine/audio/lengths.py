"""How long a track's sound is by the file's header, where the header can be relied on.

Not relied on are the length of the longest other stream, an estimate by the bit rate, and the placeholder that a
program writes into the header before it knows the length.
"""

from __future__ import annotations

from pathlib import Path

import av

from services.gpu_worker.engine.audio.containers import Untyped, name
from services.gpu_worker.engine.audio.riff import wav
from services.gpu_worker.engine.audio.tags import id3_length

OWN_LENGTH = frozenset({"mov", "flac", "aiff", "caf", "tta", "wv"})
"""Formats in which FFmpeg takes a sound track's length from fields of that track alone."""
COUNTED = frozenset({"aiff", "caf", "flac", "mp3", "tta", "w64", "wav", "wv"})
"""Formats whose headers count samples. The headers of others may include pauses, which do not count here."""
_INFO, _DURATION_4, _DURATION_8 = b"\x15I\xa9f", b"D\x89\x84", b"D\x89\x88"
"""Matroska's element of general information, and in it a duration, a number of four or eight bytes."""
_MP3_RATES = (44_100, 48_000, 32_000)
_MP3_FRAMES = {3: (1152, 0), 2: (576, 1), 0: (576, 2)}
"""By MPEG version: samples a frame, and how often the rate is halved."""


def promised_seconds(path: Path, container: Untyped, stream: Untyped) -> float | None:
    """Where a track's sound ends by the header, in seconds from the container's start; None if that is not known."""
    start: float = max(
        0.0, float((stream.start_time or 0) * stream.time_base) - (container.start_time or 0) / av.time_base
    )
    form = name(container)
    match form:
        case "wav" | "w64":
            header = wav(path)
            return header.seconds if header else None
        case "mp3":
            return _xing(path)
        case "matroska":
            return _matroska(path, container, stream)
        case _ if form in OWN_LENGTH and stream.duration:
            return start + float(stream.duration * stream.time_base)
        case _:
            return None


def _matroska(path: Path, container: Untyped, stream: Untyped) -> float | None:
    """The length by a Matroska file's tag for the track, else by its header, in seconds; None if neither says.

    The header's length is that of the longest track, so it counts only where there is one track.
    """
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


def _xing(path: Path) -> float | None:
    """The length by the Xing frame of an MP3, in seconds; None without one.

    Encoders of variable bit rate put this frame first; it holds the number of the others. Where files were joined, it
    counts those of the first file only.
    """
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
