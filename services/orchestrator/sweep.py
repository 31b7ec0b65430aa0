"""Every minute: for each kind of thing that is overdue, its one step. Recovery and fleet first, then deliveries.

Each step is conditional, so two sweeps at once do no harm. Without anything overdue nothing is written. A step that
fails, or an item of it, keeps no other from being done; the sweep fails at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import structlog

from services.orchestrator.bulkheads import Bulkheads
from services.orchestrator.drain import Drain
from services.orchestrator.fleet import WHOLE_QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.common.erasure import Erasure
    from services.common.store.store import Store
    from services.common.webhooks.dispatch import Dispatcher
    from services.orchestrator.expiry import Expiry
    from services.orchestrator.fleet import Fleet
    from services.orchestrator.reaper import Reaper
    from services.orchestrator.reconciliation import Reconciliation
    from services.orchestrator.recovery import Recovery

log = structlog.get_logger()
STANDSTILL_BEATS = 2.5
"""Heartbeats that must be missing, beyond the lease, before a part is taken away."""

ERASURES = 20
"""Seen to by one sweep; the next takes more."""
DELIVERIES_SECONDS = 25
"""Of the function's time that expiries, erasures and the search leave to deliveries: the last try begins five later."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The steps of one deployment's sweep."""

    store: Store
    recovery: Recovery
    reaper: Reaper
    fleet: Fleet
    expiry: Expiry
    erasure: Erasure
    reconciliation: Reconciliation
    dispatcher: Callable[[], Dispatcher]
    """Made only when something is to be sent: it brings an HTTP client along."""
    clock: Callable[[], int]
    wait: Callable[[float], None]
    heartbeat_seconds: float

    def run(self, seconds_left: Callable[[], float]) -> dict[str, int]:
        """One sweep; returns how much of each kind was done.

        Raises:
            SweepFailedError: something failed; all else was done nevertheless.

        """
        bulkheads = Bulkheads()

        def in_time() -> bool:
            return seconds_left() > DELIVERIES_SECONDS

        recovered = bulkheads.step("recovery", lambda: self._recover(bulkheads))
        freed = bulkheads.step("reaper", lambda: bulkheads.each(self.reaper.due(self.clock()), lambda step: step()))
        refused = bulkheads.step("fleet", lambda: self.fleet.ensure(self.clock(), seen=WHOLE_QUEUE))
        expired = bulkheads.step("expiry", lambda: self._expire(bulkheads, in_time))
        erased = bulkheads.step("erasure", lambda: self._erase(bulkheads, in_time))
        found = bulkheads.step("search", lambda: self.reconciliation.run(self.clock(), in_time))
        sent = bulkheads.step("deliveries", lambda: self._deliver(seconds_left))
        done = {
            "recovered": recovered or 0,
            "freed": freed or 0,
            "expired": expired or 0,
            "erased": erased or 0,
            "found": found or 0,
            "sent": sent or 0,
        }
        if any(done.values()):
            log.info("sweep.done", **done, waiting=refused.waiting.value if refused else None)
        bulkheads.close()
        return done

    def _recover(self, bulkheads: Bulkheads) -> int:
        suspects = self.recovery.suspects(self.clock())
        if not suspects:
            return 0
        self.wait(STANDSTILL_BEATS * self.heartbeat_seconds)
        return bulkheads.each(suspects, lambda suspect: self.recovery.take_away(suspect, self.clock()))

    def _expire(self, bulkheads: Bulkheads, in_time: Callable[[], bool]) -> int:
        now = self.clock()
        overdue = takewhile(lambda _: in_time(), self.expiry.overdue(now))
        return bulkheads.each(overdue, lambda job_id: self.expiry.expire(job_id, now))

    def _erase(self, bulkheads: Bulkheads, in_time: Callable[[], bool]) -> int:
        """Erasures that broke off, and the second search after each."""
        now = self.clock()
        overdue = takewhile(lambda _: in_time(), self.store.tombstones.overdue(now, ERASURES))
        return bulkheads.each(overdue, lambda tombstone: self.erasure.finish(tombstone, now) is not None)

    def _deliver(self, seconds_left: Callable[[], float]) -> int:
        if not any(self.store.deliveries.overdue(self.clock(), limit=1)):
            return 0
        return Drain(self.store.deliveries, self.dispatcher(), self.clock).run(seconds_left)
