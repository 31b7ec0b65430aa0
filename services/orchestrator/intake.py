"""From uploads to queued jobs: one conditional write for each, however often S3 sends its event."""

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
from services.common.domain.tombstone import Tombstone
from services.orchestrator.upload_meaning import Meaning, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_s3 import S3Client

    from services.common.domain.records import Callback
    from services.common.erasure import Erasure
    from services.common.store.announcements import Announcer
    from services.common.store.commands import Commands
    from services.common.store.store import Store
    from services.orchestrator.s3_events import Upload
    from services.orchestrator.upload_owners import Owner, Owners

log = structlog.get_logger()
ROUNDS = 3
"""How often an upload is judged whose job changes at the same moment. After that, SQS delivers the message again."""


class _ChangedError(Exception):
    """The job has changed since it was read."""


@dataclass(frozen=True)
class _JudgedUpload:
    """An upload, what it means, and its job: a new one, the one that has waited for it, or the one that begins anew."""

    upload: Upload
    modified: int
    meaning: Meaning
    job: Job
    beside: Job | None = None
    """The job that was registered for this key and that the upload does not change."""


@dataclass(frozen=True)
class Taken:
    """What became of an upload: a queued job, no job because there is nothing to do, or an error that may pass."""

    upload: Upload
    job: Job | None = None
    error: Exception | None = None


class Intake:
    """Takes uploads in, one batch at a time."""

    def __init__(
        self,
        store: Store,
        s3: S3Client,
        announcer: Announcer,
        commands: Commands,
        erasure: Erasure,
        *,
        owners: Callable[[], Owners],
    ) -> None:
        """`owners`: makes the clients of one batch."""
        self._store = store
        self._s3 = s3
        self._announcer = announcer
        self._commands = commands
        self._places = announcer.places
        self._erasure = erasure
        self._owners = owners

    def take(self, uploads: Iterable[Upload], now: int) -> list[Taken]:
        """Queue a job for every upload that needs one; a failure of one upload does not touch the others.

        If a job changes at the same moment, its upload is judged again, `ROUNDS` times at most.
        """
        taken: list[Taken] = []
        for _ in range(ROUNDS):
            some = self._take_once(uploads, now)
            taken += [one for one in some if not isinstance(one.error, _ChangedError)]
            uploads = [one.upload for one in some if isinstance(one.error, _ChangedError)]
            if not uploads:
                break
        return taken + [Taken(upload, error=_ChangedError()) for upload in uploads]

    def _take_once(self, uploads: Iterable[Upload], now: int) -> list[Taken]:
        taken: list[Taken] = []
        by_client: dict[str, list[_JudgedUpload]] = defaultdict(list)
        owners = self._owners()
        for upload in uploads:
            try:
                judged = self._judged(upload, now, owners)
            except Exception as error:  # noqa: BLE001 - the caller gets the error, and the message comes again
                taken.append(Taken(upload, error=error))
            else:
                if judged:
                    by_client[judged.job.client_id].append(judged)
                else:
                    taken.append(Taken(upload))
        for client_id, judged_uploads in by_client.items():
            taken += self._queue(owners.named(client_id), judged_uploads, now)
        return taken

    def _judged(self, upload: Upload, now: int, owners: Owners) -> _JudgedUpload | None:
        """The upload with its meaning and its job; None if there is nothing to queue."""
        modified = self._last_modified(upload)
        if modified is None:
            # The object was deleted, or overwritten by another one, for which S3 sends an event of its own.
            log.warning("intake.ignored", code="NOT_THERE")
            return None
        bound = self._job_of_key(upload.key)
        found = self._job_of(upload, bound)
        meaning = judge(upload.etag, modified, found) if found else Meaning.NEW
        match meaning, found:
            case Meaning.NEW, _:
                job = self._job_of_plain_upload(upload, now, owners.of(upload.key))
                return _JudgedUpload(upload, modified, meaning, job, bound if isinstance(bound, Job) else None)
            case ((Meaning.AWAITED | Meaning.AGAIN), Job()):
                return _JudgedUpload(upload, modified, meaning, found)
            case Meaning.NOTED, Job():
                if not self._store.jobs.note_upload(found, etag=upload.etag, modified=modified):
                    raise _ChangedError
            case Meaning.ERASED, Tombstone():
                log.warning("intake.ignored", code="JOB_ERASED", job_id=found.job_id)
                self._erasure.erase_late_upload(found, upload.key, upload.etag, now)
        return None

    def _last_modified(self, upload: Upload) -> int | None:
        """S3's LastModified of this very object, epoch milliseconds; None if it is not there any more."""
        if upload.modified is not None:
            return upload.modified
        there = source_object.look(self._s3, self._places.bucket, upload.key)
        return there.modified if there and there.etag == upload.etag else None

    def _job_of(self, upload: Upload, bound: Job | Tombstone | None) -> Job | Tombstone | None:
        """The job of this upload: the one that was registered for its key, or else the one made of this very object.

        Where neither exists, `bound` is returned: a job that has taken another object, a tombstone, or None.
        """
        if isinstance(bound, Job) and (bound.awaits_upload or bound.source_etag in {upload.etag, ""}):
            return bound
        own = self._store.tombstones.job_or_tombstone(upload_job_id(self._places.bucket, upload.key, upload.etag))
        return own or bound

    def _job_of_key(self, key: str) -> Job | Tombstone | None:
        """The job that was registered over the API for this key.

        If that job is erased: its tombstone, for any key in the job's folder.
        """
        client_id, job_id = object_keys.upload_job(key)
        match self._store.tombstones.job_or_tombstone(job_id) if job_id else None:
            case Job(source_key=source_key) as job if source_key == key:
                return job
            case Tombstone(client_id=owner) as tombstone if owner == client_id:
                return tombstone
        return None

    def _job_of_plain_upload(self, upload: Upload, now: int, owner: Owner) -> Job:
        return Job(
            job_id=upload_job_id(self._places.bucket, upload.key, upload.etag),
            client_id=owner.client_id,
            status=JobStatus.QUEUED,
            created_at=now,
            source_key=upload.key,
            file_name=upload.key.rsplit("/", 1)[-1],
            **owner.defaults,
        )

    def _queue(self, owner: Owner, judged_uploads: Sequence[_JudgedUpload], now: int) -> list[Taken]:
        """Queue the uploads of one client, each at its place in the fair queue."""
        turns = [turn(estimated_seconds(judged.upload.size)) for judged in judged_uploads]
        try:
            callbacks = owner.callbacks
            first = self._store.turns.take(owner.client_id, sum(turns), now)
        except Exception as error:  # noqa: BLE001 - as above
            return [Taken(judged.upload, error=error) for judged in judged_uploads]
        taken = []
        for judged, start in zip(judged_uploads, accumulate(turns[:-1], initial=first), strict=True):
            try:
                taken.append(Taken(judged.upload, self._queue_one(judged, callbacks, start, now)))
            except Exception as error:  # noqa: BLE001 - as above
                taken.append(Taken(judged.upload, error=error))
        return taken

    def _queue_one(self, judged: _JudgedUpload, callbacks: Sequence[Callback], start: int, now: int) -> Job:
        upload, again = judged.upload, judged.meaning is Meaning.AGAIN
        recording = Arrival(
            etag=upload.etag,
            size=upload.size,
            modified=judged.modified,
            uploaded=upload.uploaded,
            queued=now,
            expires_at=expiry(now, self._places.retention_days),
        )
        seconds = estimated_seconds(upload.size)
        if judged.meaning is Meaning.NEW:
            job = replace(judged.job, **recording.fields(judged.job, judged.job.times))
            told = self._announcer.tell(job, EventType.QUEUED, now, callbacks=callbacks)
            new = self._store.jobs.take_in(job, told, seconds=seconds, due_at=start, beside=judged.beside)
        else:
            change = begin_anew(judged.job, recording) if again else arrive(judged.job, recording)
            job = change.after
            # A job of the API may have a callback of its own.
            told = self._announcer.tell(job, EventType.QUEUED, now, callbacks=None if job.own_callback else callbacks)
            begin = self._commands.begin_anew if again else self._store.jobs.arrive
            new = begin(change, told, seconds=seconds, due_at=start)
        if not new:
            raise _ChangedError
        log.info("job.queued", job_id=job.job_id, bytes=job.source_bytes, again=again)
        if judged.meaning is Meaning.NEW:
            for one in job.left_out or ():
                log.warning("intake.default_left_out", job_id=job.job_id, option=one["option"], code=one["code"])
        return job
