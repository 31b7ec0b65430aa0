"""When a message that did not get through is tried again, and when it is given up."""

from __future__ import annotations

MINUTE, HOUR = 60, 3_600
GAPS_SECONDS = (0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Before attempt 1, 2, … 10: 75.6 hours in all; a receiver that breaks on a Friday is met again on Monday."""
MAX_ATTEMPTS = len(GAPS_SECONDS)
JITTER = 0.2
"""A gap is stretched or shrunk by up to this share, so that what failed together does not return together."""


def next_attempt_at(
    *, failed_attempts: int, now_ms: int, uniform: float, retry_after_seconds: float | None = None
) -> int | None:
    """Epoch milliseconds of the next attempt; None when the message is given up.

    :param failed_attempts: how many there were, the one that just failed included; at least 1.
    :param uniform: a random number in [0, 1).
    :param retry_after_seconds: what the receiver asked for. It is heard between one and two steps of the
        schedule: nobody can ask to be flooded, nor keep a message for ever.
    """
    if failed_attempts < 1:
        raise ValueError("An attempt must have failed before there is a next one.")
    if failed_attempts >= MAX_ATTEMPTS:
        return None
    step = GAPS_SECONDS[failed_attempts]
    gap = step * (1 + JITTER * (2 * uniform - 1))
    if retry_after_seconds is not None:
        following = GAPS_SECONDS[failed_attempts + 1] if failed_attempts + 1 < MAX_ATTEMPTS else step
        gap = max(gap, min(retry_after_seconds, step + following))
    return now_ms + round(gap * 1_000)
