"""Queues parts again whose worker fell silent.

A part over which workers died too often fails with its job, and a part whose job has ended or is gone is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.retry_policy import exhausted, exhaustion_error
from services.common.domain.states import TERMINAL, PartStatus
from services.common.store.leases import JobChangedError

if TYPE_CHECKING:
    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store

log = structlog.get_logger()


class Recovery:
    """Takes parts away from silent workers, if two looks find the same heartbeat counter."""

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self._store = store
        self._announcer = announcer

    def suspects(self, now: int) -> list[Part]:
        """Running parts whose lease has ended, with their present heartbeat counters (consistent read)."""
        found = [self._store.parts.get(part.job_id, part.part_id) for part in self._store.parts.overdue(now)]
        return [part for part in found if part and part.status is PartStatus.RUNNING and part.due_at <= now]

    def take_away(self, suspect: Part, now: int) -> bool:
        """Queue the part again if its heartbeat counter stands still since `suspect` was read.

        The part fails with its job if its tries are used up, and is closed if its job has ended or is gone.

        Returns False if the part has changed since: then its worker lives.
        """
        job = self._store.jobs.get(suspect.job_id)
        while job and job.status not in TERMINAL:
            try:
                return self._take_away(suspect, job, now)
            except JobChangedError as changed:
                job = changed.job
        return self._close(suspect)

    def _take_away(self, suspect: Part, job: Job, now: int) -> bool:
        after = part_changes.take_away(suspect, now).after
        if exhausted(after.deaths, after.losses):
            return self._give_up(suspect, job, now)
        taken = self._store.leases.take_away(
            suspect,
            now=now,
            job=job if job.parts == 1 else None,
            interrupted=self._announcer.interrupted(job, suspect, now),
        )
        log.warning(
            "part.recovered" if taken else "part.alive",
            job_id=suspect.job_id,
            part=suspect.part_id,
            attempt=suspect.attempt,
            deaths=after.deaths,
            losses=after.losses,
        )
        return taken

    def _close(self, part: Part) -> bool:
        closed = self._store.leases.close(part)
        if closed:
            log.warning("part.closed", job_id=part.job_id, part=part.part_id)
        return closed

    def _give_up(self, part: Part, job: Job, now: int) -> bool:
        error = exhaustion_error(part_changes.take_away(part, now).after.deaths).describe()
        ending = job_changes.end(job, job_changes.Outcome(error=error), {"failed": now}, now)
        announcement = self._announcer.tell(ending.after, EventType.FAILED, now)
        given_up = self._store.endings.give_up(part, ending, announcement)
        log.error("job.failed", job_id=job.job_id, code=error["code"], given_up=given_up)
        return given_up
