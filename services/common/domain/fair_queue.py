"""Estimates how long a recording is before it was read, and how much of the queue it takes. Pure."""

from __future__ import annotations

BYTES_PER_SECOND = 16_000
"""For a recording of unknown length: 128 kbit/s, as phones and recorders write. WAV is overestimated, Opus
underestimated."""
TURN_MS_PER_SECOND = 200
"""Milliseconds of the queue that a second of audio takes. That is five times as fast as real time, but far slower
than machines work, so a client's backlog reaches far into the future, and another client's file comes next
(docs/decisions/queue.md)."""
MIN_TURN_MS = 1_000


def estimated_seconds(size: int) -> float:
    """The estimated length, in seconds, of a recording of `size` bytes."""
    return size / BYTES_PER_SECOND


def turn(seconds: float) -> int:
    """The milliseconds of its client's queue that a recording of this length takes."""
    return max(MIN_TURN_MS, round(seconds * TURN_MS_PER_SECOND))
