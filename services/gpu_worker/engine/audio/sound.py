"""What the rest of the engine knows of a recording's sound: its rate, its pauses, and how it is listened to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RATE = 16_000
"""Samples a second that the models hear."""

Span = tuple[int, int]
"""Start and end, in samples."""
Pause = tuple[int, int]
"""A long pause: behind how many samples of sound, and how many samples it lasts."""


def on_the_clock(seconds: float, pauses: Sequence[Pause]) -> float:
    """The time that a player shows behind so many seconds of sound: long pauses are not part of the sound."""
    return seconds + sum(length for position, length in pauses if position <= seconds * RATE) / RATE


@dataclass(frozen=True, slots=True)
class Hearing:
    """What of a recording is listened to."""

    separate: bool = False
    """Each channel, or each of several tracks, as a voice of its own, where there are two to eight."""
    tracks: tuple[int, ...] | None = None
    """Sound tracks, counted from 1; None: what the engine finds right."""
    as_they_are: bool = False
    """All channels as they are: the file is one that we wrote, of voices."""


MIXED = Hearing()
"""How a recording is listened to unless somebody asks otherwise."""
VOICES = Hearing(as_they_are=True)
"""How a part's own file is listened to."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the file said about itself."""

    container: str
    codec: str
    rate: int
    channels: int
    declared_seconds: float | None
    """Where its sound ends by the header; None where that does not say, or cannot be relied on."""
