"""What machines cost, in dollars an hour in eu-north-1, so that a job can say what it cost.

These prices are of November 2026 and may have changed (docs/deploy.md says how to look them up); AWS's bill is what
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOLLARS_PER_HOUR: dict[tuple[str, str], float] = {
    ("g4dn.xlarge", "spot"): 0.19,
    ("g4dn.xlarge", "on-demand"): 0.558,
    ("g4dn.2xlarge", "spot"): 0.28,
    ("g4dn.2xlarge", "on-demand"): 0.798,
    ("g5.xlarge", "spot"): 0.44,
    ("g5.xlarge", "on-demand"): 1.067,
}

ADDRESS_AND_DISK = 0.02
"""What a machine's public address and its disk cost, in dollars an hour, rounded up. Jobs do not count it."""

MARKETS = ("spot", "on-demand", "own")
"""How a machine was bought; a person's own box has no price."""


def dollars_per_hour(instance_type: str, market: str) -> float | None:
    """The price of a machine, in dollars an hour; None if it is not known, as for a person's own box."""
    return DOLLARS_PER_HOUR.get((instance_type, market))


def together(earlier: Mapping[str, Any], further: Mapping[str, Any]) -> dict[str, Any]:
    """What two attempts have cost, each as a job shows it. Type, market and price are those of the further one.

    There are dollars only if both have some: those of one alone would look like all.
    """
    if not earlier or not further:
        return {**earlier, **further}
    added = {"machine_seconds", "dollars"}
    others = {name: value for name, value in further.items() if name not in added}
    return others | {name: round(earlier[name] + further[name], 6) for name in added & earlier.keys() & further.keys()}
