"""Uploads that nobody made in time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from services.common.domain.events import EventType, compose
from services.common.domain.states import JobStatus
from services.common.store.events import Announcement

if TYPE_CHECKING:
    from services.common.domain.events import Places
    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Jobs expired by one sweep; the next takes more."""


class Expiry:
    """Closes jobs whose upload is overdue; one that comes after all is taken in nevertheless."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places

    def overdue(self, now: int) -> list[str]:
        """Ids of jobs whose upload should have come by now."""
        return self._store.jobs.overdue_uploads(now, PAGE)

    def expire(self, job_id: str, now: int) -> bool:
        """Close a job; False if its upload has come after all."""
        job = self._store.jobs.get(job_id)
        if job is None or job.status is not JobStatus.AWAITING_UPLOAD:
            return False
        after = replace(job, status=JobStatus.EXPIRED)
        event = compose(after, EventType.EXPIRED, serial=str(job.generation), now=now, places=self._places)
        announcement = Announcement(event, job.source_key, self._store.callbacks.of_job(job))
        expired = self._store.jobs.expire(after, announcement)
        log.info("job.expired", job_id=job.job_id, expired=expired)
        return expired
