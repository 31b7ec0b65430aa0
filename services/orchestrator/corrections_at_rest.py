"""Announces corrections once nobody has corrected the transcript for some minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.lifecycle import job_changes

if TYPE_CHECKING:
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Most corrections that one sweep announces; the next sweep takes more."""


class CorrectionsAtRest:
    """Announces the newest correction of each job, whatever became of the page on which it was made."""

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self._store = store
        self._announcer = announcer

    def overdue(self, now: int) -> list[str]:
        """The ids of at most `PAGE` jobs whose newest correction is to be announced by now."""
        return self._store.jobs.overdue_corrections(now, PAGE)

    def tell(self, job_id: str, now: int) -> bool:
        """Announce a job's newest correction.

        False if it was corrected again meanwhile, so that it is announced later, or was announced already, or is gone.
        """
        job = self._store.jobs.get(job_id)
        if job is None or job.tell_correction_at is None or job.tell_correction_at > now:
            return False
        telling = job_changes.tell_correction(job, now)
        told = self._store.jobs.tell_correction(telling, self._announcer.corrected(telling.after, now))
        log.info("job.corrected", job_id=job_id, told=told)
        return told
