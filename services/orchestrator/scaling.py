"""Decides how many machines there should be, and on which market. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.domain.stages import SPEED
from services.common.domain.states import SlotStatus
from services.common.domain.times import MINUTE_MS
from services.common.store.slots import slot_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Self

    from services.common.domain.machines import Breaker, Slot
    from services.common.domain.records import Part

TARGET_SECONDS = 600.0
"""Seconds in which the queue should be done, if the operator's limit allows that many machines."""
SILENT_BOOTS = 3
"""After so many machines in a row that never reported, the breaker opens: nothing is launched for `BREAK_MS`."""
BREAK_MS = 30 * MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What waits in the queue. Parts that are being worked on are not counted: they have a machine already."""

    parts: int
    seconds: float
    """Seconds of audio, estimated from bytes where the length is not known yet."""
    oldest_wait_ms: int = 0

    @classmethod
    def of(cls, queue: Sequence[Part], fresh: Sequence[float], now: int) -> Self:
        """What these queued parts are at `now`, epoch milliseconds.

        `fresh`: seconds of audio of each part queued a moment ago, which `queue` may lack.
        """
        return cls(
            parts=max(len(queue), len(fresh)),
            seconds=max(sum(part.seconds for part in queue), sum(fresh)),
            oldest_wait_ms=max((now - part.created_at for part in queue), default=0),
        )


NO_DEMAND = Demand(parts=0, seconds=0)
"""Nothing waits."""


def wanted_machines(demand: Demand, max_workers: int) -> int:
    """How many machines the queue needs: none if it is empty, and never more than it has parts."""
    if demand.parts == 0:
        return 0
    by_time = math.ceil(demand.seconds / (SPEED * TARGET_SECONDS))
    return min(max(1, by_time), demand.parts, max_workers)


def staying(slots: Mapping[str, Slot]) -> list[Slot]:
    """The slots whose machines do not leave, the lowest first."""
    return [slot for _, slot in sorted(slots.items()) if slot.status is not SlotStatus.LEAVING]


def next_slot(wanted: int, slots: Mapping[str, Slot], max_workers: int) -> str | None:
    """The slot to fill next, or None if there are enough machines or no slot is free.

    For w machines only the lowest w slots may be filled, so that two processes that decide at once contend for the same
    slot. A machine that leaves takes no more work, but it is still a machine: its slot is taken until it is gone.
    """
    leaving = sum(slot.status is SlotStatus.LEAVING for slot in slots.values())
    if len(slots) - leaving >= wanted:
        return None
    allowed = min(wanted + leaving, max_workers)
    return next((name for name in map(slot_name, range(allowed)) if name not in slots), None)


def market_after_refusal(demand: Demand, on_demand_after_minutes: float) -> str | None:
    """The market to ask once the spot market refuses: on-demand, if that is allowed and the wait was long enough."""
    allowed = on_demand_after_minutes > 0 and demand.oldest_wait_ms >= on_demand_after_minutes * MINUTE_MS
    return "on-demand" if allowed else None


def mended(breaker: Breaker, slots: Collection[Slot]) -> bool:
    """Whether the breaker may close, since a machine has reported.

    A machine counts only if it was launched after the breaker's pause or, if the account kept a machine from starting,
    after the end of that one. Older machines prove nothing.
    """
    if breaker.silent_boots >= SILENT_BOOTS:
        since = breaker.open_until
    elif breaker.waiting:
        since = breaker.open_until - BREAK_MS
    else:
        return False
    return any(slot.owner is not None and slot.taken_at >= since for slot in slots)


def launches_allowed(breaker: Breaker | None, slots: Collection[Slot], now: int) -> bool:
    """Whether another machine may be launched.

    After its pause, an open breaker allows one machine at a time, as a trial.
    """
    if breaker is None or breaker.silent_boots < SILENT_BOOTS:
        return True
    return now >= breaker.open_until and all(slot.owner is not None for slot in slots)
