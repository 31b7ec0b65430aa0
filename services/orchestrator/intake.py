"""From uploads to queued jobs: one conditional write each, however often S3 tells of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import structlog

from services.common import source_object
from services.common.domain import object_keys
from services.common.domain.events import EventType
from services.common.domain.fair_queue import estimated_seconds, turn
from services.common.domain.ids import upload_job_id
from services.common.domain.lifecycle.job_changes import Arrival, arrive, begin_anew
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import expiry
from services.common.store.tombstones import Tombstone
from services.orchestrator.upload_meaning import Meaning, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mypy_boto3_s3 import S3Client

    from services.common.domain.records import Callback
    from services.common.erasure import Erasure
    from services.common.store.announcements import Announcer
    from services.common.store.callbacks import ClientView
    from services.common.store.commands import Commands
    from services.common.store.store import Store
    from services.orchestrator.s3_events import Upload

log = structlog.get_logger()
ROUNDS = 3
"""In which an upload is judged whose job changes all the time; then S3's message has to come again."""


class _ChangedError(Exception):
    """The job is another since it was read."""


@dataclass(frozen=True)
class _Arrival:
    """An upload and the job that it makes, that has waited for it, or that it begins anew."""

    upload: Upload
    modified: int
    meaning: Meaning
    job: Job
    beside: Job | None = None
    """The job whose key it has, and which it leaves alone."""


@dataclass(frozen=True)
class Taken:
    """What became of an upload: a job in the queue, none because nothing is to be done, or an error, which may pass."""

    upload: Upload
    job: Job | None = None
    error: Exception | None = None


class Intake:
    """One batch of uploads at a time."""

    def __init__(self, store: Store, s3: S3Client, announcer: Announcer, commands: Commands, erasure: Erasure) -> None:
        self._store = store
        self._s3 = s3
        self._announcer = announcer
        self._commands = commands
        self._places = announcer.places
        self._erasure = erasure

    def take(self, uploads: Iterable[Upload], now: int) -> list[Taken]:
        """Queue a job for every upload that wants one; what goes wrong with one does not touch the others.

        A job that changed at the same moment is read again.
        """
        taken: list[Taken] = []
        for _ in range(ROUNDS):
            some = self._round(uploads, now)
            taken += [one for one in some if not isinstance(one.error, _ChangedError)]
            uploads = [one.upload for one in some if isinstance(one.error, _ChangedError)]
            if not uploads:
                break
        return taken + [Taken(upload, error=_ChangedError()) for upload in uploads]

    def _round(self, uploads: Iterable[Upload], now: int) -> list[Taken]:
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
        """The upload with its job; None if there is nothing to queue."""
        modified = self._modified(upload)
        if modified is None:
            # Deleted, or written over by another, of which S3 tells too.
            log.warning("intake.ignored", code="NOT_THERE")
            return None
        bound = self._bound(upload.key)
        found = self._found(upload, bound)
        meaning = judge(upload.etag, modified, found) if found else Meaning.NEW
        match meaning, found:
            case Meaning.NEW, _:
                beside = bound if isinstance(bound, Job) else None
                return _Arrival(upload, modified, meaning, self._plain(upload, now, clients), beside)
            case ((Meaning.AWAITED | Meaning.AGAIN), Job()):
                return _Arrival(upload, modified, meaning, found)
            case Meaning.NOTED, Job():
                if not self._store.jobs.note_upload(found, etag=upload.etag, modified=modified):
                    raise _ChangedError
            case Meaning.ERASED, Tombstone():
                log.warning("intake.ignored", code="JOB_ERASED", job_id=found.job_id)
                self._erasure.late(found, upload.key, upload.etag, now)
        return None

    def _modified(self, upload: Upload) -> int | None:
        """S3's date of this very object; None if it is not there any more."""
        if upload.modified is not None:
            return upload.modified
        there = source_object.look(self._s3, self._places.bucket, upload.key)
        return there.modified if there and there.etag == upload.etag else None

    def _found(self, upload: Upload, bound: Job | Tombstone | None) -> Job | Tombstone | None:
        """Whose upload this is: the job's that it was registered for, or else the one of these very bytes."""
        if isinstance(bound, Job) and (bound.awaits_upload or bound.source_etag in {upload.etag, ""}):
            return bound
        own = self._store.tombstones.under(upload_job_id(self._places.bucket, upload.key, upload.etag))
        return own or bound

    def _bound(self, key: str) -> Job | Tombstone | None:
        """The job of the API that was given this key, or into whose folder, now that it is erased, this was put."""
        client_id, job_id = object_keys.upload_job(key)
        match self._store.tombstones.under(job_id) if job_id else None:
            case Job(source_key=source_key) as job if source_key == key:
                return job
            case Tombstone(client_id=owner) as grave if owner == client_id:
                return grave
        return None

    def _client(self, client_id: str, clients: dict[str, ClientView]) -> ClientView:
        if client_id not in clients:
            clients[client_id] = self._store.callbacks.view(client_id)
        return clients[client_id]

    def _plain(self, upload: Upload, now: int, clients: dict[str, ClientView]) -> Job:
        client_id, _ = object_keys.upload_job(upload.key)
        owner = client_id if client_id and self._client(client_id, clients).known else object_keys.DEFAULT_CLIENT
        return Job(
            job_id=upload_job_id(self._places.bucket, upload.key, upload.etag),
            client_id=owner,
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

    def _queue_one(self, arrival: _Arrival, callbacks: Sequence[Callback], start: int, now: int) -> Job:
        upload, again = arrival.upload, arrival.meaning is Meaning.AGAIN
        recording = Arrival(
            etag=upload.etag,
            size=upload.size,
            modified=arrival.modified,
            uploaded=upload.uploaded,
            queued=now,
            expires_at=expiry(now, self._places.retention_days),
        )
        seconds = estimated_seconds(upload.size)
        if arrival.meaning is Meaning.NEW:
            job = replace(arrival.job, **recording.fields(arrival.job.times))
            told = self._announcer.tell(job, EventType.QUEUED, now, callbacks=callbacks)
            new = self._store.jobs.take_in(job, told, seconds=seconds, due_at=start, beside=arrival.beside)
        else:
            change = begin_anew(arrival.job, recording) if again else arrive(arrival.job, recording)
            job = change.after
            # A job of the API may have a callback of its own.
            told = self._announcer.tell(job, EventType.QUEUED, now, callbacks=None if job.own_callback else callbacks)
            begin = self._commands.begin_anew if again else self._store.jobs.arrive
            new = begin(change, told, seconds=seconds, due_at=start)
        if not new:
            raise _ChangedError
        log.info("job.queued", job_id=job.job_id, bytes=job.source_bytes, again=again)
        return job
