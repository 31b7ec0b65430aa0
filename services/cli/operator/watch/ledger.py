"""The jobs of today and their ends, read again and again at little cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.cli.operator.bill import Bill
from services.cli.operator.days import last_days
from services.cli.operator.watch.snapshot import End, end
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.states import TERMINAL
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from services.cli.operator.days import Days
    from services.common.domain.records import Job
    from services.common.store.store import Store

LAG_MS = MINUTE_MS
"""A job that is younger may not be the last of its moment that the index shows."""


class Ledger:
    """What today's jobs have cost, and which jobs ended within the last hour.

    What is before the first job that has not ended is not read again. So a failed job that is retried counts as failed,
    until tomorrow or until somebody looks anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._days: Days | None = None
        self._settled = Bill()
        self._read_until: dict[str, Job] = {}
        """The last settled job of each client."""
        self._ends: dict[str, End] = {}
        self.today = Bill()

    def read(self, now: int) -> None:
        """Read what may have changed; `now`: epoch milliseconds."""
        days = last_days(1, datetime.fromtimestamp(now / SECOND_MS, UTC).astimezone().date())
        if days != self._days:
            self._days, self._settled, self._read_until = days, Bill(), {}
        self.today = replace(self._settled)
        for client in {one.client_id for one in self._store.clients.all()} | {DEFAULT_CLIENT}:
            self._read(client, days, now)
        self._ends = {name: ended for name, ended in self._ends.items() if ended.ended_at > now - HOUR_MS}

    def ends(self) -> list[End]:
        """The jobs that ended within the last hour, the latest first."""
        return sorted(self._ends.values(), key=lambda ended: ended.ended_at, reverse=True)

    def _read(self, client: str, days: Days, now: int) -> None:
        since = self._read_until.get(client, min(days.since, now - HOUR_MS))
        is_settled = True
        for job in self._store.jobs.made_between(client, since, days.until):
            is_settled = is_settled and job.status in TERMINAL and job.created_at < now - LAG_MS
            for bill in (self.today, self._settled) if is_settled else (self.today,):
                if job.created_at >= days.since:
                    bill.add(job, 0)
            if is_settled:
                self._read_until[client] = job
            if ended := end(job):
                self._ends[job.job_id] = ended
