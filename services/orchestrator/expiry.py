"""Expires jobs whose recording was not uploaded in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Most jobs that one sweep expires; the next sweep takes more."""


class Expiry:
    """Closes jobs whose upload is overdue. An upload that comes later is taken in nevertheless."""

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self._store = store
        self._announcer = announcer

    def overdue(self, now: int) -> list[str]:
        """The ids of at most `PAGE` jobs whose upload should have come by now."""
        return self._store.jobs.overdue_uploads(now, PAGE)

    def expire(self, job_id: str, now: int) -> bool:
        """Expire a job; False if its upload has come meanwhile."""
        job = self._store.jobs.get(job_id)
        if job is None or job.status is not JobStatus.AWAITING_UPLOAD:
            return False
        change = job_changes.expire(job, now)
        expired = self._store.jobs.expire(change, self._announcer.tell(change.after, EventType.EXPIRED, now))
        log.info("job.expired", job_id=job.job_id, expired=expired)
        return expired
