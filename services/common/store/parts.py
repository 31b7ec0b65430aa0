"""Parts: the queue, and what is being worked on. How they change hands is in `leases.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.records import Part
from services.common.domain.retry_policy import LONGEST_WAIT_MS
from services.common.domain.states import OPEN, PartStatus
from services.common.store import keys
from services.common.store.codec import from_item, known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.common.store.table import Table

MAX_PARTS = 70
"""Of one recording: so many fit one transaction, with the job, its event and its deliveries."""


class Parts:
    """The part items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str, part_id: str) -> Part | None:
        item = self._table.get(keys.part(job_id, part_id))
        return from_item(Part, item) if item else None

    def of_job(self, job_id: str) -> list[Part]:
        return list(known(Part, self._table.items(keys.of_job(job_id), keys.PARTS)))

    def open_of(self, job_id: str) -> list[Part]:
        """Those that somebody works on or is still to take."""
        return [part for part in self.of_job(job_id) if part.status in OPEN]

    def queue(self) -> Iterator[Part]:
        """What waits, in the order in which it is to be taken."""
        return known(Part, self._table.due(keys.Due.QUEUED))

    def ready(self, now: int, limit: int) -> list[Part]:
        """The first `limit` of the queue that may be claimed now; those that rest hide nobody behind them.

        A part over which a process died comes after all that were queued by then, and before those that came later.
        """
        ready: list[Part] = []
        last: list[Part] = []
        for part in known(Part, self._table.due(keys.Due.QUEUED, page=limit)):
            if part.behind and now < part.behind + LONGEST_WAIT_MS:
                last.append(part)
            elif part.not_before <= now:
                ready.append(part)
            if len(ready) == limit:
                break
        return [part for part in last if all(other.created_at > part.behind for other in ready)] + ready

    def running(self, limit: int | None = None) -> Iterator[Part]:
        """What is being worked on, as the index shows it."""
        return known(Part, self._table.due(keys.Due.RUNNING, limit=limit))

    def overdue(self, now: int) -> Iterator[Part]:
        """Running parts whose lease has ended, by the index."""
        return known(Part, self._table.due(keys.Due.RUNNING, before=now))

    def already(self, part: Part, status: PartStatus) -> bool:
        """Whether an earlier try of ours, whose reply was lost, has done it: an attempt is never anyone else's."""
        current = self.get(part.job_id, part.part_id)
        return current is not None and current.attempt == part.attempt and current.status is status
