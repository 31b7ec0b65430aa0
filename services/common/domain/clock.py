"""Time as it is written: epoch milliseconds in the table, RFC 3339 in UTC for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now_ms() -> int:
    """This machine's idea of the time, in milliseconds."""
    return time.time_ns() // 1_000_000


def rfc3339(milliseconds: int) -> str:
    """`2026-11-23T16:51:07.250Z`."""
    moment = datetime.fromtimestamp(milliseconds / SECOND, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expiry(milliseconds: int, days: int) -> int:
    """The TTL attribute (epoch seconds) of something that lives `days` from then."""
    return (milliseconds + days * DAY) // SECOND
