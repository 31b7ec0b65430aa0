"""How many machines are wanted although nothing is queued, and until when they wait for work. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.domain.times import MINUTE_MS

STAY_MS = 3 * MINUTE_MS
"""How long a machine is told at most to wait for work. Every sweep tells it anew, so a machine that is forgotten goes
after this time, whatever the sweep has told it."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Machines that are wanted although nothing is queued. The lowest slots hold them."""

    machines: int = 0
    stay_until: int = 0
    """Until when they wait for work, epoch milliseconds."""


NOTHING = Expected()


def together(*expectations: Expected) -> Expected:
    """What is expected for several reasons at once: machines that one of them wants serve the others too."""
    return Expected(
        machines=max((expected.machines for expected in expectations), default=0),
        stay_until=max((expected.stay_until for expected in expectations if expected.machines), default=0),
    )
