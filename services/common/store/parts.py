"""Parts: reads of the queue and of the parts that are being worked on. Claims and leases are in `leases.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.records import Part
from services.common.domain.retry_policy import LONGEST_WAIT_MS
from services.common.domain.states import OPEN, PartStatus
from services.common.store import keys
from services.common.store.codec import from_item, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.common.store.table import Table

MAX_PARTS = 70
"""Most parts of one recording: they fit one transaction with the job, its event and its deliveries."""


MOST_COUNTED = 499
"""Most parts that are counted before a place in the queue."""


def ready_of(queue: Iterable[Part], now: int, limit: int) -> list[Part]:
    """The first `limit` parts of a queue that may be claimed now.

    Parts that must wait (`not_before`) are left out, and those behind them are read instead. A part over which a
    process died comes after all parts that were queued by then, and before those that came later.
    """
    ready: list[Part] = []
    last: list[Part] = []
    for part in queue:
        if part.behind and now < part.behind + LONGEST_WAIT_MS:
            last.append(part)
        elif part.not_before <= now:
            ready.append(part)
        if len(ready) == limit:
            break
    return [part for part in last if all(other.created_at > part.behind for other in ready)] + ready


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
        """The parts of a job that are queued or running."""
        return [part for part in self.of_job(job_id) if part.status in OPEN]

    def queue(self, limit: int | None = None) -> Iterator[Part]:
        """The queued parts, in the order in which they are to be claimed."""
        return known(Part, self._table.due(keys.Due.QUEUED, limit=limit))

    def ahead_of(self, parts: Sequence[Part]) -> int | None:
        """How many parts of all jobs stand in the queue before the first of these, as the index shows it: it may lag.

        Parts that rest are counted too, though others pass them. None: more than `MOST_COUNTED`, or none of these is in
        the queue.
        """
        turns = [part.due_at for part in parts if part.status is PartStatus.QUEUED]
        if not turns:
            return None
        ahead = self._table.count_due(keys.Due.QUEUED, before=min(turns), limit=MOST_COUNTED + 1)
        return ahead if ahead <= MOST_COUNTED else None

    def ready(self, now: int, limit: int) -> list[Part]:
        """The first `limit` parts of the queue that may be claimed now, in the order of `ready_of`."""
        return ready_of(known(Part, self._table.due(keys.Due.QUEUED, page=limit)), now, limit)

    def running(self, limit: int | None = None) -> Iterator[Part]:
        """The running parts, as the index shows them: it may lag."""
        return known(Part, self._table.due(keys.Due.RUNNING, limit=limit))

    def overdue(self, now: int) -> Iterator[Part]:
        """Running parts whose lease has ended, as the index shows them: it may lag."""
        return known(Part, self._table.due(keys.Due.RUNNING, before=now))

    def already(self, part: Part, status: PartStatus) -> bool:
        """Whether an earlier write by the same claim, whose reply was lost, has given the part this status.

        No other claim has the same attempt.
        """
        current = self.get(part.job_id, part.part_id)
        return current is not None and current.attempt == part.attempt and current.status is status
