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


def expiry(milliseconds: int, days: int) -> int:
    """The TTL attribute, in epoch seconds, of an item that is kept for `days` after that time."""
    return (milliseconds + days * DAY_MS) // SECOND_MS
