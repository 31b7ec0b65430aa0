"""How a worker looks at the queue and claims parts of it; every call is retried while AWS does not answer."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from services.common.domain.errors import InvalidOptionError, ModelUnavailableError
from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.options import Options
from services.common.domain.states import JobStatus
from services.common.settings import SettingsError
from services.common.store.codec import UnknownVersionError
from services.gpu_worker.part.claim import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.retrying import Retrying
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
CANDIDATES = 10
"""How many queued parts are looked at for one claim, as other workers may take the first ones."""


class Claimer:
    """Claims parts for one worker."""

    def __init__(
        self,
        *,
        store: Store,
        announcer: Announcer,
        settings: WorkerSettings,
        identity: Identity,
        presence: Presence,
        clock: Callable[[], int],
        lease_ends: Callable[[], int],
        retrying: Retrying,
        models_now: Callable[[], Sequence[str]],
    ) -> None:
        """The claims of one worker.

        Args:
            store: the table.
            announcer: makes the events of jobs that start.
            settings: of the worker.
            identity: of the worker, by which its claims are fenced.
            presence: knows the stages of this machine's start.
            clock: epoch milliseconds.
            lease_ends: when a lease that is taken now ends, in epoch milliseconds.
            retrying: makes the calls of AWS.
            models_now: reads which models the deployment has.

        """
        self._store = store
        self._announcer = announcer
        self._settings = settings
        self._identity = identity
        self._presence = presence
        self._clock = clock
        self._lease_ends = lease_ends
        self._retrying = retrying
        self._models_now = models_now
        self._models: Sequence[str] = settings.models

    def candidates(self) -> Iterator[tuple[Part, Job | None]]:
        """Parts that may be taken, with their jobs; jobs of a version that is not known here are skipped."""
        for part in self._retrying(lambda: self._store.parts.ready(self._clock(), CANDIDATES)):
            try:
                yield part, self._retrying(partial(self._store.jobs.get, part.job_id))
            except UnknownVersionError as error:
                log.warning("job.left_alone", job_id=part.job_id, error=error)

    def close(self, part: Part) -> None:
        """Take a part of an ended job off the queue, where it would hide others; a late index may show such a part."""
        if self._retrying(lambda: self._store.leases.close(part)):
            log.warning("part.closed", job_id=part.job_id, part=part.part_id)

    def options(self, job: Job) -> tuple[Options, InvalidOptionError | None]:
        """The job's options, completed, and what is wrong with them, for which the job fails once it is claimed."""
        options, wrong = self._parsed(job)
        if not isinstance(wrong, ModelUnavailableError):
            return options, wrong
        # The deployment may have got the model after this worker started.
        with suppress(SettingsError, ClientError):
            self._models = self._retrying(self._models_now)
        return self._parsed(job)

    def _parsed(self, job: Job) -> tuple[Options, InvalidOptionError | None]:
        try:
            return Options.parse(job.options, self._models), None
        except InvalidOptionError as error:
            return Options.parse({}, self._models), error

    def claim(self, job: Job, part: Part, options: Options) -> Claim | None:
        """Claim a part; None if another worker was faster, or the job needs no more work."""
        first = job.status is JobStatus.QUEUED
        now = self._clock()
        times = {"claimed": now} | self._machine_times(job) if first else {}
        # The event is sent once in each run of the job, however often it is interrupted.
        announced = first and "claimed" not in job.times
        running = job_changes.start(job, times, now if announced else None).after
        announcement = None
        if announced:
            announcement = self._retrying(lambda: self._announcer.tell(running, EventType.STARTED, now))
        asked: dict[int, float] = {}

        def ask() -> Part | None:
            # If several tries are made, the lease that the table holds shows which of them was written.
            lease_ends = self._lease_ends()
            asked.setdefault(lease_ends, time.monotonic())
            return self._store.leases.claim(
                part, job, owner=self._identity.owner, lease_ends=lease_ends, started=announcement, times=times
            )

        mine = self._retrying(ask)
        if mine is None:
            return None
        log.info("part.claimed", job_id=job.job_id, part=part.part_id, attempt=mine.attempt)
        return Claim(
            running,
            mine,
            options,
            confirmed=asked.get(mine.due_at, min(asked.values())),
            turn=part.due_at,
            heartbeat_seconds=self._settings.heartbeat_seconds,
        )

    def _machine_times(self, job: Job) -> dict[str, int]:
        """The stages of this machine's start that this job has waited for, in epoch milliseconds."""
        asked = job.times.get("queued", job.created_at)
        return {stage: moment for stage, moment in self._presence.machine_times().items() if moment >= asked}
