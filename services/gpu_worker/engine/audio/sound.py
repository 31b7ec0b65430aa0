"""What the whole engine knows of a recording's sound: its sample rate, its pauses, and which of it is used. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RATE = 16_000
"""The models' sample rate, in Hz."""

Span = tuple[int, int]
"""Start and end, in samples."""
LongPause = tuple[int, int]
"""A long pause: behind how many samples of sound, and how many samples it lasts."""


def on_the_clock(seconds: float, pauses: Sequence[LongPause]) -> float:
    """The time that a player shows behind so many seconds of sound: long pauses are not part of the sound."""
    return seconds + sum(length for position, length in pauses if position <= seconds * RATE) / RATE


@dataclass(frozen=True, slots=True)
class Hearing:
    """Which tracks and channels of a recording are used, and whether they are mixed."""

    separate: bool = False
    """Whether each channel, or each of several tracks, is a voice of its own, where there are two to eight."""
    tracks: tuple[int, ...] | None = None
    """Numbers of sound tracks, counted from 1; None lets the engine choose."""
    as_they_are: bool = False
    """Whether every channel is a voice as it stands: the file was written by `part_audio.py`."""


MIXED = Hearing()
"""For a recording, unless the job's options say otherwise."""
VOICES = Hearing(as_they_are=True)
"""For the file of a part."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the file said about itself."""

    container: str
    codec: str
    rate: int
    channels: int
    declared_seconds: float | None
    """Where its sound ends by the header, in seconds; None where that is not known, or cannot be relied on."""
