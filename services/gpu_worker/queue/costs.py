"""The cost of jobs: each one's share of the machine's time, including the boot, at the price of its market."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from services.common.domain.prices import dollars_per_hour
from services.gpu_worker.queue.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gpu_worker.machine.identity import Identity

_HOUR_SECONDS = 3_600
"""Prices are for an hour."""


class Costs:
    """The costs of one machine, shared among the parts on it. Safe to use from several threads."""

    def __init__(self, identity: Identity, clock: Callable[[], int]) -> None:
        """`clock`: epoch milliseconds."""
        self._identity = identity
        self._clock = clock
        self._lock = threading.Lock()
        self._meter = Meter(self._now())

    def launched(self, at: int) -> None:
        """Count from the machine's launch, in epoch milliseconds; to be called before the first `enter`."""
        self._meter = Meter(at / 1_000)

    def enter(self, name: str) -> None:
        """Note that the part of this name is on the machine from now on."""
        with self._lock:
            self._meter.enter(name, self._now())

    def leave(self, name: str) -> None:
        """Note that the part of this name has left the machine."""
        with self._lock:
            self._meter.leave(name, self._now())

    def idle(self) -> None:
        """Note that nothing was there to do until now: no job pays for that time, nor for a boot that it came after."""
        with self._lock:
            self._meter.share(self._now())

    def so_far(self, name: str) -> dict[str, Any]:
        """The cost as a job shows it: seconds, market and, for a machine with a known price, the price and dollars."""
        with self._lock:
            seconds = self._meter.so_far(name, self._now())
        machine = self._identity.machine
        price = dollars_per_hour(machine.instance_type, self._identity.market) if machine else None
        cost: dict[str, Any] = {"machine_seconds": round(seconds, 1), "market": self._identity.market}
        if machine and price is not None:
            cost |= {
                "instance_type": machine.instance_type,
                "dollars_per_hour": price,
                "dollars": round(seconds * price / _HOUR_SECONDS, 6),
            }
        return cost

    def _now(self) -> float:
        return self._clock() / 1_000
