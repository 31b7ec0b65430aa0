"""How long a recording is before anybody has looked into it, and how much of the queue it takes."""

from __future__ import annotations

BYTES_PER_SECOND = 16_000
"""Of a recording of unknown length: 128 kbit/s, what phones and recorders write. WAV is overestimated, opus under."""
TURN_MS_PER_SECOND = 200
"""Queue taken by a second of audio: five times slower than real time's hundredfold, so that a client's backlog
stretches far into the future and a newcomer's file is next (docs/decisions/queue.md)."""
MIN_TURN_MS = 1_000


def estimated_seconds(size: int) -> float:
    """Length of a recording of `size` bytes, in seconds, until it is known."""
    return size / BYTES_PER_SECOND


def turn(seconds: float) -> int:
    """Milliseconds of its client's queue that a recording takes."""
    return max(MIN_TURN_MS, round(seconds * TURN_MS_PER_SECOND))
