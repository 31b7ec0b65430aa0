"""Machines for uploads that are on their way: at most one in all, and only for clients whose uploads come."""

from __future__ import annotations

from functools import cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING

from services.common.domain.states import JobStatus
from services.orchestrator.expected import NOTHING, STAY_MS, Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.common.domain.records import Job
    from services.common.store.store import Store

LOOKED_AT = 100
"""Awaited uploads that one sweep looks at, those first that expire last."""
LATEST = 30
"""Jobs of a client that are looked at, the newest first."""
NEVER_CAME = 3
"""After so many registered uploads in a row that never came, no machine waits for a client."""
MOST_AWAITED = 20
"""If nothing is known of a client yet, and so many of its uploads are awaited at once, no machine waits for it: else it
could keep one for ever by registering many jobs and uploading none."""


class Registrations:
    """Decides whether a machine is wanted for uploads that were registered and have not come yet."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def announced(self, job_ids: Iterable[str], now: int) -> Expected:
        """What is expected for the jobs that the API told of. Nothing is for those that have ended or are old."""
        return self._expected((job for job_id in job_ids if (job := self._store.jobs.get(job_id))), now)

    def expected(self, now: int) -> Expected:
        """What is expected for all uploads that are awaited, for the sweep; `now`: epoch milliseconds."""
        return self._expected(self._store.jobs.awaited_uploads(LOOKED_AT), now)

    def _expected(self, jobs: Iterable[Job], now: int) -> Expected:
        awaited = sorted((job for job in jobs if is_expected(job, now)), key=attrgetter("expected_until"), reverse=True)
        trusted = cache(partial(self._trusted, now=now))
        last = next((job for job in awaited if trusted(job.client_id)), None)
        return Expected(machines=1, stay_until=min(last.expected_until, now + STAY_MS)) if last else NOTHING

    def _trusted(self, client_id: str, now: int) -> bool:
        return uploads_come(list(self._store.jobs.of_client(client_id, limit=LATEST)), now)


def is_expected(job: Job, now: int) -> bool:
    """Whether the job's upload is awaited, and registered so recently that a machine may wait for it."""
    return job.status is JobStatus.AWAITING_UPLOAD and now < job.expected_until


def uploads_come(jobs: Sequence[Job], now: int) -> bool:
    """Whether a client's uploads usually come after their registration. Without a sign against it they do.

    `jobs`: the client's, newest first. Those of plain uploads were never registered, and say nothing.
    """
    outcomes = [_came(job, now) for job in jobs if job.upload_expires_at is not None]
    known = [came for came in outcomes if came is not None]
    if len(known) >= NEVER_CAME:
        return any(known[:NEVER_CAME])
    return outcomes.count(None) < MOST_AWAITED


def _came(job: Job, now: int) -> bool | None:
    """Whether a registered upload has come; None: it may still come in time."""
    if job.status is JobStatus.AWAITING_UPLOAD:
        return False if 0 < job.expected_until <= now else None
    return bool(job.source_etag)
