"""From uploads to queued jobs: one conditional write each, however often S3 tells of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import structlog

from services.common.domain import objects
from services.common.domain.clock import expiry
from services.common.domain.events import EventType, compose
from services.common.domain.ids import upload_job_id
from services.common.domain.queueing import estimated_seconds, turn
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.store.events import Announcement
from services.common.store.jobs import queued

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.common.domain.events import Places
    from services.common.domain.records import Callback
    from services.common.store.callbacks import ClientView
    from services.common.store.store import Store
    from services.orchestrator.uploads import Upload

log = structlog.get_logger()


@dataclass(frozen=True)
class _Arrival:
    """An upload and the job that it makes, or that has waited for it."""

    upload: Upload
    job: Job
    awaited: bool


@dataclass(frozen=True)
class Taken:
    """What became of an upload: a new job, none because it had one already, or an error, which may pass."""

    upload: Upload
    job: Job | None = None
    error: Exception | None = None


class Intake:
    """One batch of uploads at a time."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places

    def take(self, uploads: Iterable[Upload], now: int) -> list[Taken]:
        """Queue a job for every upload that has none yet; what goes wrong with one does not touch the others."""
        taken: list[Taken] = []
        by_client: dict[str, list[_Arrival]] = defaultdict(list)
        clients: dict[str, ClientView] = {}
        for upload in uploads:
            try:
                arrival = self._arrival(upload, now, clients)
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked is told, and it comes again
                taken.append(Taken(upload, error=error))
            else:
                if arrival:
                    by_client[arrival.job.client_id].append(arrival)
                else:
                    taken.append(Taken(upload))
        for client_id, arrivals in by_client.items():
            taken += self._queue(client_id, arrivals, clients, now)
        return taken

    def _arrival(self, upload: Upload, now: int, clients: dict[str, ClientView]) -> _Arrival | None:
        """Whose upload this is; None if it has been taken in before, or its job was erased."""
        client_id, job_id = objects.upload_job(upload.key)
        job = self._store.jobs.get(job_id) if job_id else None
        if job and job.source_key == upload.key:
            if job.status in {JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED}:
                return _Arrival(upload, job, awaited=True)
            if job.source_etag in {upload.etag, ""}:  # known, or canceled before it came
                return None
        if client_id and job_id and not job and self._erased(upload, client_id, job_id, now):
            return None
        owner = client_id if client_id and self._client(client_id, clients).known else objects.DEFAULT_CLIENT
        return _Arrival(upload, self._plain(upload, owner, now), awaited=False)

    def _erased(self, upload: Upload, client_id: str, job_id: str, now: int) -> bool:
        """Whether the job that this was uploaded for has been erased: then the upload is erased too."""
        grave = self._store.tombstones.get(job_id)
        if grave is None or grave.client_id != client_id:
            return False
        self._store.tombstones.reopen(grave, source_key=upload.key, source_etag=upload.etag, now=now)
        log.warning("intake.ignored", code="JOB_ERASED", job_id=job_id)
        return True

    def _client(self, client_id: str, clients: dict[str, ClientView]) -> ClientView:
        if client_id not in clients:
            clients[client_id] = self._store.callbacks.view(client_id)
        return clients[client_id]

    def _plain(self, upload: Upload, client_id: str, now: int) -> Job:
        return Job(
            job_id=upload_job_id(self._places.bucket, upload.key, upload.etag),
            client_id=client_id,
            status=JobStatus.QUEUED,
            created_at=now,
            source_key=upload.key,
            file_name=upload.key.rsplit("/", 1)[-1],
        )

    def _queue(
        self, client_id: str, arrivals: Sequence[_Arrival], clients: dict[str, ClientView], now: int
    ) -> list[Taken]:
        """One client's arrivals, each at its place in the queue."""
        turns = [turn(estimated_seconds(arrival.upload.size)) for arrival in arrivals]
        try:
            callbacks = self._client(client_id, clients).callbacks
            first = self._store.turns.take(client_id, sum(turns), now)
        except Exception as error:  # noqa: BLE001 - as above
            return [Taken(arrival.upload, error=error) for arrival in arrivals]
        taken = []
        for arrival, start in zip(arrivals, accumulate(turns[:-1], initial=first), strict=True):
            try:
                taken.append(Taken(arrival.upload, self._queue_one(arrival, callbacks, start, now)))
            except Exception as error:  # noqa: BLE001 - as above
                taken.append(Taken(arrival.upload, error=error))
        return taken

    def _queue_one(self, arrival: _Arrival, callbacks: Sequence[Callback], start: int, now: int) -> Job | None:
        job = queued(
            arrival.job,
            etag=arrival.upload.etag,
            size=arrival.upload.size,
            uploaded=arrival.upload.uploaded,
            now=now,
            expires_at=expiry(now, self._places.retention_days),
        )
        if job.own_callback:
            callbacks = self._store.callbacks.of_job(job)
        event = compose(job, EventType.QUEUED, serial=str(job.generation), now=now, places=self._places)
        write = self._store.jobs.arrive if arrival.awaited else self._store.jobs.take_in
        new = write(
            job,
            Announcement(event, job.source_key, callbacks),
            seconds=estimated_seconds(arrival.upload.size),
            due_at=start,
        )
        log.info("job.queued" if new else "job.known", job_id=job.job_id, bytes=job.source_bytes)
        return job if new else None
