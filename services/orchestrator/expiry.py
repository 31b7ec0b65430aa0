"""Expires jobs whose recording was not uploaded in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from services.common.source_object import SourceObjects
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Most jobs that one sweep expires; the next sweep takes more."""


class Expiry:
    """Closes jobs whose upload is overdue. A form's upload that comes later is taken in nevertheless."""

    def __init__(self, store: Store, announcer: Announcer, recordings: SourceObjects) -> None:
        self._store = store
        self._announcer = announcer
        self._recordings = recordings

    def overdue(self, now: int) -> list[str]:
        """The ids of at most `PAGE` jobs whose upload should have come by now."""
        return self._store.jobs.overdue_uploads(now, PAGE)

    def expire(self, job_id: str, now: int) -> bool:
        """Expire a job, and give up its upload in parts; False if it has come or is awaited for longer."""
        job = self._store.jobs.get(job_id)
        if job is None or job.status is not JobStatus.AWAITING_UPLOAD or (job.upload_expires_at or 0) > now:
            return False
        change = job_changes.expire(job, now)
        expired = self._store.jobs.expire(change, self._announcer.tell(change.after, EventType.EXPIRED, now))
        log.info("job.expired", job_id=job.job_id, expired=expired)
        if expired:
            self._recordings.give_up(job)
        return expired
