"""What the orchestrator measures: the queue, the machines and what they cost, and the deliveries that wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from services.common.domain.metrics import (
    AUDIO_WAITING,
    DOLLARS,
    LAUNCHES_REFUSED,
    MACHINES,
    OLDEST_DELIVERY,
    OLDEST_WAIT,
)
from services.common.domain.prices import ADDRESS_AND_DISK, dollars_per_hour
from services.common.domain.times import HOUR_MS, SECOND_MS
from services.common.metrics import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.machines import Slot
    from services.common.domain.records import Delivery, Part
    from services.common.domain.states import Waiting


def refused(waiting: Waiting) -> None:
    """Count a launch that was refused, by what jobs wait for."""
    measure({LAUNCHES_REFUSED: 1}, Reason=waiting.value)


def machine_ended(slot: Slot, now: int) -> None:
    """Measure what the machine of a slot has cost that is free now; `now`: epoch milliseconds."""
    price = dollars_per_hour(slot.instance_type or "", slot.market)
    if price is not None:
        hours = (now - slot.times.get("launched", slot.taken_at)) / HOUR_MS
        measure({DOLLARS: round(hours * (price + ADDRESS_AND_DISK), 6)})


def waiting(now: int, queue: Sequence[Part], overdue: Delivery | None) -> None:
    """Measure what waits.

    Args:
        now: epoch milliseconds.
        queue: all parts that wait, whatever for.
        overdue: the delivery that is overdue longest; None: none is.

    """
    measure(
        {
            OLDEST_WAIT: _seconds(now - min((part.created_at for part in queue), default=now)),
            AUDIO_WAITING: round(sum(part.seconds for part in queue), 1),
            OLDEST_DELIVERY: _seconds(now - overdue.due_at) if overdue else 0,
        }
    )


def machines(slots: Sequence[Slot]) -> None:
    """Measure what machines there are, if any; `slots`: all that are taken."""
    states = Counter(slot.status for slot in slots)
    if states:
        measure({metric: states[status] for status, metric in MACHINES.items()})


def _seconds(milliseconds: int) -> float:
    return max(0, milliseconds) / SECOND_MS
