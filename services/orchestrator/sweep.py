"""Every minute: for each kind of thing that is overdue, its one step. Recovery and fleet first, then deliveries.

Each step is conditional, so two sweeps at once do no harm. Without anything overdue nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

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
    from services.orchestrator.recovery import Recovery
    from services.orchestrator.search import Search

log = structlog.get_logger()
STANDSTILL_BEATS = 2.5
"""Heartbeats that must be missing, beyond the lease, before a part is taken away."""

ERASURES = 20
"""Seen to by one sweep; the next takes more."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The steps of one deployment's sweep."""

    store: Store
    recovery: Recovery
    reaper: Reaper
    fleet: Fleet
    expiry: Expiry
    erasure: Erasure
    search: Search
    dispatcher: Callable[[], Dispatcher]
    """Made only when something is to be sent: it brings an HTTP client along."""
    clock: Callable[[], int]
    wait: Callable[[float], None]
    heartbeat_seconds: float

    def run(self, seconds_left: Callable[[], float]) -> dict[str, int]:
        """One sweep; returns how much of each kind was done."""
        recovered = self._recover()
        freed = self.reaper.run(self.clock())
        refused = self.fleet.ensure(self.clock(), seen=WHOLE_QUEUE)
        expired = self.expiry.run(self.clock())
        erased = self._erase()
        found = self.search.run(self.clock(), seconds_left)
        sent = self._deliver(seconds_left)
        done = {
            "recovered": recovered,
            "freed": freed,
            "expired": expired,
            "erased": erased,
            "found": found,
            "sent": sent,
        }
        if any(done.values()):
            log.info("sweep.done", **done, waiting=refused.waiting.value if refused else None)
        return done

    def _recover(self) -> int:
        suspects = self.recovery.suspects(self.clock())
        if not suspects:
            return 0
        self.wait(STANDSTILL_BEATS * self.heartbeat_seconds)
        return sum(self.recovery.take_away(suspect, self.clock()) for suspect in suspects)

    def _erase(self) -> int:
        """Erasures that broke off, and the second search after each."""
        now = self.clock()
        return sum(
            self.erasure.finish(grave, now) is not None for grave in self.store.tombstones.overdue(now, ERASURES)
        )

    def _deliver(self, seconds_left: Callable[[], float]) -> int:
        if not any(self.store.deliveries.overdue(self.clock(), limit=1)):
            return 0
        return Drain(self.store.deliveries, self.dispatcher(), self.clock).run(seconds_left)
