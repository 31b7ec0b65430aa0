"""Times: epoch milliseconds in the table, RFC 3339 in UTC for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """The time by this machine's clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000


def rfc3339(milliseconds: int) -> str:
    """Epoch milliseconds as text, such as `2026-11-23T16:51:07.250Z`."""
    moment = datetime.fromtimestamp(milliseconds / SECOND_MS, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def extended_expiry(
    created_at: int, expires_at: int | None, now: int, retention_days: int, longest_retention_days: int
) -> int | None:
    """The TTL attribute of a job that somebody works on: it is kept as if it were new, up to its longest time.

    Args:
        created_at: of the job, epoch milliseconds.
        expires_at: its present TTL attribute, epoch seconds, which is never shortened; None: it is kept for good.
        now: epoch milliseconds.
        retention_days: how long a new job is kept.
        longest_retention_days: how long a job is kept at most.

    """
    if expires_at is None:
        return None
    return max(expires_at, min(expiry(now, retention_days), expiry(created_at, longest_retention_days)))


def expiry(milliseconds: int, days: int) -> int:
    """The TTL attribute, in epoch seconds, of an item that is kept for `days` after that time."""
    return (milliseconds + days * DAY_MS) // SECOND_MS
