"""The sweep: every minute, it does the next step for everything that is overdue, in a fixed order.

All writes are conditional, so two sweeps at once do no harm. If nothing is overdue, nothing is written but, once an
hour, what the search remembers and how far the audit is, and once a day, how far the walk is. If a step or one of its
items fails, all others are still done, and the sweep fails at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import structlog

from services.common.domain.metrics import SWEEPS
from services.common.metrics import measure
from services.orchestrator import measuring
from services.orchestrator.bulkheads import Bulkheads
from services.orchestrator.drain import Drain
from services.orchestrator.expected import NOTHING, together
from services.orchestrator.fleet import WHOLE_QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.common.domain.records import Part
    from services.common.erasure import Erasure
    from services.common.store.store import Store
    from services.common.webhooks.dispatch import Dispatcher
    from services.orchestrator.audit import Auditor
    from services.orchestrator.corrections_at_rest import CorrectionsAtRest
    from services.orchestrator.expected import Expected
    from services.orchestrator.expiry import Expiry
    from services.orchestrator.fleet import Fleet
    from services.orchestrator.leftovers import Leftovers
    from services.orchestrator.reaper import Reaper
    from services.orchestrator.reconciliation import Reconciliation
    from services.orchestrator.recovery import Recovery

log = structlog.get_logger()
STANDSTILL_BEATS = 2.5
"""Heartbeats that must be missing after the lease has ended before a part is taken away."""

ERASURES = 20
"""Most erasures that one sweep goes on with; the next sweep takes more."""
DELIVERIES_SECONDS = 25
"""Seconds of the function's time that the steps from the expiries on leave to deliveries. The last delivery may begin
until five seconds later (`LAST_TRY_SECONDS` in `drain.py`)."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The steps of one deployment's sweep."""

    store: Store
    recovery: Recovery
    reaper: Reaper
    fleet: Fleet
    expectations: Sequence[Callable[[int], Expected]]
    """Each says which machines are wanted at that time (epoch milliseconds) although nothing is queued."""
    expiry: Expiry
    corrections: CorrectionsAtRest
    erasure: Erasure
    reconciliation: Reconciliation
    leftovers: Leftovers
    auditor: Auditor
    dispatcher: Callable[[], Dispatcher]
    """Makes the dispatcher, only when a delivery is due: its HTTP client is slow to import."""
    clock: Callable[[], int]
    wait: Callable[[float], None]
    heartbeat_seconds: float

    def run(self, seconds_left: Callable[[], float]) -> dict[str, int]:
        """Run one sweep; returns how many items of each kind were done.

        `seconds_left` says how much of the function's time is left.

        Raises:
            SweepFailedError: a step or an item failed; all others were done nevertheless.

        """
        bulkheads = Bulkheads()

        def in_time() -> bool:
            return seconds_left() > DELIVERIES_SECONDS

        recovered = bulkheads.step("recovery", lambda: self._recover(bulkheads))
        freed = bulkheads.step("reaper", lambda: bulkheads.each(self.reaper.due(self.clock()), lambda step: step()))
        expected = self._expected(bulkheads)
        queue = bulkheads.step("queue", lambda: list(islice(self.store.parts.queue(), WHOLE_QUEUE))) or []
        refused = bulkheads.step("fleet", lambda: self.fleet.ensure(self.clock(), whole=queue, expected=expected))
        bulkheads.step("measuring", lambda: self._measure(queue))
        expired = bulkheads.step("expiry", lambda: self._expire(bulkheads, in_time))
        corrected = bulkheads.step("corrections", lambda: self._tell_corrections(bulkheads, in_time))
        erased = bulkheads.step("erasure", lambda: self._erase(bulkheads, in_time))
        found = bulkheads.step("search", lambda: self.reconciliation.run(self.clock(), in_time))
        deleted = bulkheads.step("leftovers", lambda: self.leftovers.run(self.clock(), in_time))
        lost = bulkheads.step("audit", lambda: self.auditor.run(self.clock(), in_time))
        sent = bulkheads.step("deliveries", lambda: self._deliver(seconds_left))
        done = {
            "recovered": recovered or 0,
            "freed": freed or 0,
            "expired": expired or 0,
            "corrected": corrected or 0,
            "erased": erased or 0,
            "found": found or 0,
            "deleted": deleted or 0,
            "lost": lost or 0,
            "sent": sent or 0,
        }
        if any(done.values()):
            log.info("sweep.done", **done, waiting=refused.waiting.value if refused else None)
        # Also if a step has failed: then the sweep is not silent, and its failure has an alarm of its own.
        measure({SWEEPS: 1})
        bulkheads.close()
        return done

    def _recover(self, bulkheads: Bulkheads) -> int:
        suspects = self.recovery.suspects(self.clock())
        if not suspects:
            return 0
        self.wait(STANDSTILL_BEATS * self.heartbeat_seconds)
        return bulkheads.each(suspects, lambda suspect: self.recovery.take_away(suspect, self.clock()))

    def _expected(self, bulkheads: Bulkheads) -> Expected:
        now = self.clock()
        return together(*(bulkheads.step("expectation", partial(each, now)) or NOTHING for each in self.expectations))

    def _measure(self, queue: Sequence[Part]) -> None:
        now = self.clock()
        overdue = next(iter(self.store.deliveries.overdue(now, limit=1)), None)
        measuring.waiting(now, queue, overdue)
        measuring.machines(self.store.slots.all())

    def _expire(self, bulkheads: Bulkheads, in_time: Callable[[], bool]) -> int:
        now = self.clock()
        overdue = takewhile(lambda _: in_time(), self.expiry.overdue(now))
        return bulkheads.each(overdue, lambda job_id: self.expiry.expire(job_id, now))

    def _tell_corrections(self, bulkheads: Bulkheads, in_time: Callable[[], bool]) -> int:
        now = self.clock()
        overdue = takewhile(lambda _: in_time(), self.corrections.overdue(now))
        return bulkheads.each(overdue, lambda job_id: self.corrections.tell(job_id, now))

    def _erase(self, bulkheads: Bulkheads, in_time: Callable[[], bool]) -> int:
        """Finish erasures that were interrupted, and do the later search that follows each erasure."""
        now = self.clock()
        overdue = takewhile(lambda _: in_time(), self.store.tombstones.overdue(now, ERASURES))
        return bulkheads.each(overdue, lambda tombstone: self.erasure.finish(tombstone, now) is not None)

    def _deliver(self, seconds_left: Callable[[], float]) -> int:
        if not any(self.store.deliveries.overdue(self.clock(), limit=1)):
            return 0
        return Drain(self.store.deliveries, self.dispatcher(), self.clock).run(seconds_left)
