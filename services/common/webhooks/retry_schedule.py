"""The schedule of retries: when a failed delivery is tried again, and when it is given up. Pure."""

from __future__ import annotations

MINUTE, HOUR = 60, 3_600
GAPS_SECONDS = (0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""The gaps before attempts 1 to 10: 75.6 hours in all, so that a receiver that breaks on Friday is still tried on
Monday."""
MAX_ATTEMPTS = len(GAPS_SECONDS)
JITTER = 0.2
"""Largest share by which a gap is made longer or shorter at random, so that deliveries do not all return at once."""


def next_attempt_at(
    *, failed_attempts: int, now_ms: int, uniform: float, retry_after_seconds: float | None = None
) -> int | None:
    """The time of the next attempt, epoch milliseconds; None if the message is given up.

    Args:
        failed_attempts: how many attempts have failed, the last one included; at least 1.
        now_ms: epoch milliseconds.
        uniform: a random number in [0, 1), for the jitter.
        retry_after_seconds: what the receiver asked for. It can make the gap longer, up to two steps of the schedule,
            and never shorter.

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
