"""Looks at the deployment: a few bounded reads of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli.operator.watch.ledger import Ledger
from services.cli.operator.watch.snapshot import Snapshot, machines, queue
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS
from services.common.store import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Part
    from services.common.store.store import Store

MOST_QUEUED, MOST_RUNNING, MOST_ENDS = 500, 100, 50
LEDGER_MS = 10 * SECOND_MS
"""The jobs of today are read so seldom: they cost a read for each client."""


class Looking:
    """Looks, one after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self._ledger_at = 0

    def look(self, now: int) -> Snapshot:
        """What the deployment does now; `now`: epoch milliseconds."""
        if now - self._ledger_at >= LEDGER_MS:
            self._ledger.read(now)
            self._ledger_at = now
        queued = list(self._store.parts.queue(limit=MOST_QUEUED))
        running = list(self._store.parts.running(limit=MOST_RUNNING))
        boxes = {box["sk"].removeprefix(keys.OWN_BOXES): str(box["host"]) for box in self._store.fleet.own_boxes(now)}
        found, dollars = machines(self._store.slots.all(), boxes, running, now)
        ends = self._ledger.ends()
        completed = [end for end in ends if end.status == JobStatus.COMPLETED]
        return Snapshot(
            at=now,
            queue=queue(queued, now, most=MOST_QUEUED, waiting_reason=self._reason(queued)),
            machines=found,
            dollars_an_hour=round(dollars, 4),
            ended=ends[:MOST_ENDS],
            jobs_an_hour=len(completed),
            audio_seconds_an_hour=round(sum(end.audio_seconds or 0 for end in completed), 1),
            today=self._ledger.today.to_json(),
        )

    def _reason(self, queued: Sequence[Part]) -> str | None:
        """Why the part that has waited longest has no machine."""
        if not queued:
            return None
        job = self._store.jobs.get(min(queued, key=lambda part: part.created_at).job_id)
        return job.waiting_reason if job else None
