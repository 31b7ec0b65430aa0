"""What AWS measures by itself, read from the emulator (`services/local/emulator/measures.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from services.local.cloudwatch.data_points import DataPoint, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

MEASURES_PATH = "/_local/measures"
"""The path under which the emulator tells what was measured since it was last asked."""
THROTTLES_PATH = "/_local/throttles"
"""The path under which it is told what DynamoDB throttles."""


def measured(endpoint: str, now: int) -> list[DataPoint]:
    """The data points since the last call; queues as they are at `now`, epoch milliseconds."""
    reply = httpx.get(f"{endpoint}{MEASURES_PATH}", params={"now": now}, trust_env=False).raise_for_status()
    return [
        DataPoint(
            series=Series.of(one["namespace"], one["name"], one["dimensions"]),
            at=one["at"],
            value=one["value"],
            unit=one["unit"],
        )
        for one in reply.json()
    ]


def throttle(endpoint: str, *, reads: Sequence[str | None] = (), writes: Sequence[str | None] = ()) -> None:
    """Let DynamoDB throttle these indexes from now on, None being the table itself, and nothing else."""
    told = {"reads": list(reads), "writes": list(writes)}
    httpx.post(f"{endpoint}{THROTTLES_PATH}", json=told, trust_env=False).raise_for_status()
