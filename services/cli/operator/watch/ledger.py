"""The jobs of today and their ends, read again and again at little cost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.cli.operator.bill import Bill
from services.cli.operator.days import last_days
from services.cli.operator.watch.snapshot import End, end
from services.common.domain.states import TERMINAL
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.cli.operator.days import Days
    from services.common.domain.records import Job
    from services.common.store.store import Store

LAG_MS = MINUTE_MS
"""A job that is younger may not be the last of its moment that the index shows."""
MOST_CLIENTS = 50
"""Whose jobs are read at once, after the first time: where there are more, they take turns."""


@dataclass(kw_only=True)
class _Account:
    """The jobs of one client."""

    settled: Bill = field(default_factory=Bill)
    """Of today's jobs before the first one that has not ended."""
    last: Job | None = None
    """The last of those, behind which the next read begins."""
    today: Bill = field(default_factory=Bill)


class Ledger:
    """What today's jobs have cost, and which jobs ended within the last hour.

    What has settled is not read again. So a failed job that is retried counts as failed, until tomorrow or until
    somebody begins to watch anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._days: Days | None = None
        self._accounts: dict[str, _Account] = {}
        self._turn = 0
        self._ends: dict[str, End] = {}

    def read(self, now: int, clients: Collection[str] = ()) -> None:
        """Read what may have changed.

        Args:
            now: epoch milliseconds.
            clients: whose jobs are read; without any, those are read whose turn it is.

        """
        days = last_days(1, datetime.fromtimestamp(now / SECOND_MS, UTC).astimezone().date())
        if days != self._days:
            self._days, self._accounts = days, {}
        for client in clients or self._whose_turn():
            self._read(client, days, now)
        self._ends = {name: ended for name, ended in self._ends.items() if ended.ended_at > now - HOUR_MS}

    def today(self) -> Bill:
        """The bill of all clients."""
        everything = Bill()
        for account in self._accounts.values():
            everything.join(account.today)
        return everything

    def ends(self) -> list[End]:
        """The jobs that ended within the last hour, the latest first."""
        return sorted(self._ends.values(), key=lambda ended: ended.ended_at, reverse=True)

    def _whose_turn(self) -> list[str]:
        clients = self._store.clients.names()
        known = [client for client in clients if client in self._accounts]
        self._turn = self._turn + MOST_CLIENTS if self._turn + MOST_CLIENTS < len(known) else 0
        return [*(client for client in clients if client not in self._accounts), *known[self._turn :][:MOST_CLIENTS]]

    def _read(self, client: str, days: Days, now: int) -> None:
        account = self._accounts.setdefault(client, _Account())
        account.today = replace(account.settled)
        is_settled = True
        for job in self._store.jobs.made_between(client, account.last or min(days.since, now - HOUR_MS), days.until):
            is_settled = is_settled and job.status in TERMINAL and job.created_at < now - LAG_MS
            if is_settled:
                account.last = job
            if job.created_at >= days.since:
                for bill in (account.today, account.settled) if is_settled else (account.today,):
                    bill.add(job, 0)
            if (ended := end(job)) and ended.ended_at > now - HOUR_MS:
                self._ends[job.job_id] = ended
