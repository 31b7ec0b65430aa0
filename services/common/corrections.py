"""Keeps corrections: each is an object of its own in the bucket, and the job names the newest one.

A version is written before the job names it, so what a job names is always there. A process that dies in between, or a
rival who saves first, leaves a gap in the numbers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.domain.errors import ChangedMeanwhileError, CorrectedMeanwhileError
from services.common.domain.lifecycle import job_changes
from services.common.domain.times import extended_expiry, rfc3339
from services.common.domain.versions import QUIET_MS, Version, described, digest
from services.common.store import keys
from services.common.store.callbacks import prolonging
from services.common.store.changes import update
from services.common.store.operations import ConditionFailedError
from services.common.transcript.corrected import corrected
from services.common.transcript.formats import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mypy_boto3_s3 import S3Client

    from services.common.domain.corrections import Change
    from services.common.domain.records import Job
    from services.common.store.operations import Operation
    from services.common.store.store import Store
    from services.common.transcript.transcript import Transcript

log = structlog.get_logger()
MEDIA_TYPE = "application/json"
TRIES = 3
"""How often the job is written, if it changes at the same moment in another way."""
NUMBERS = 16
"""How many numbers are tried. Each is further from the one before than that was, so few tries pass many gaps."""
_TAKEN = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}
_NO_VERSION = "NoSuchKey"


class Keeping(NamedTuple):
    """For how many days jobs are kept: new ones, and at most those that somebody works on."""

    days: int
    longest_days: int


class Corrections:
    """The corrections of one deployment."""

    def __init__(self, store: Store, s3: S3Client, bucket: str, keeping: Keeping) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._keeping = keeping

    def read(self, job: Job, number: int) -> Version | None:
        """A version of a completed job, from 1 on; None if there is none of this number.

        Raises:
            ValueError: another release wrote it.

        """
        if not 0 < number <= newest(job):
            return None
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=object_keys.correction(job.place, number))
        except ClientError as error:
            if error.response["Error"]["Code"] != _NO_VERSION:
                raise
            return None
        return Version.from_bytes(reply["Body"].read())

    def save(
        self, job: Job, changes: tuple[Change, ...], words: Callable[[], Transcript], *, base: int, by: str, now: int
    ) -> Job | None:
        """Save a correction as the newest version.

        If it is the newest already, as after a lost reply, nothing is written.

        Args:
            job: as it was read; it is completed.
            changes: all changes against the machine's words.
            words: reads these, only if they are needed.
            base: the number of the version that the changes were made from.
            by: `corrections.BY_CLIENT`, or the id of a share.
            now: epoch milliseconds.

        Returns:
            The job after that; None if it is gone.

        Raises:
            InvalidCorrectionError: the changes do not fit the machine's words.
            CorrectedMeanwhileError: `base` is not the newest version.
            ChangedMeanwhileError: the job changed at each of `TRIES` tries.

        """
        asked = digest(changes)
        if _is_newest(job, base, asked):
            return job
        if newest(job) != base:
            raise CorrectedMeanwhileError(newest(job))
        annotations = annotations_of(job)
        text = render(corrected(words(), changes), "txt", annotations)
        version, document = self._write(job, changes, annotations, by=by, now=now)
        correction = {
            "number": version.number,
            "changed_at": now,
            "by": by,
            "base": base,
            "changes": asked,
            **described(document),
            "text": described(text),
        }
        try:
            after = self._name(job, correction, now)
        except (CorrectedMeanwhileError, ChangedMeanwhileError):
            self._take_back(job, version.number)
            raise
        if after is None or newest(after) != version.number:
            self._take_back(job, version.number)
        return after

    def _write(
        self, job: Job, changes: tuple[Change, ...], annotations: Mapping[str, Any], *, by: str, now: int
    ) -> tuple[Version, bytes]:
        """Write the version under the next number, or one behind it that is free; returns it with its document."""
        base = newest(job)
        for gap in range(NUMBERS):
            version = Version(
                number=base + 2**gap,
                base=base,
                changed_at=rfc3339(now),
                by=by,
                annotations=annotations,
                changes=changes,
            )
            document = version.to_bytes()
            key = object_keys.correction(job.place, version.number)
            try:
                self._s3.put_object(
                    Bucket=self._bucket, Key=key, Body=document, ContentType=MEDIA_TYPE, IfNoneMatch="*"
                )
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _TAKEN:
                    raise
                continue
            return version, document
        raise ChangedMeanwhileError

    def _name(self, job: Job, correction: Mapping[str, Any], now: int) -> Job | None:
        """Let the job name a version that was written as the newest one.

        Returns the job after that, also if the same request has saved it at the same moment; None if it is gone.
        """
        base, prolongs = newest(job), job.own_callback is not None
        for _ in range(TRIES):
            expires_at = extended_expiry(job.created_at, job.expires_at, now, *self._keeping)
            change = job_changes.correct(job, correction, tell_at=now + QUIET_MS, expires_at=expires_at, now=now)
            operations: list[Operation] = [update(change)]
            if prolongs and job.own_callback:
                own = keys.callback(job.client_id, job.own_callback, job.job_id)
                operations.append(prolonging(own, expires_at))
            try:
                self._store.commit(operations)
            except ConditionFailedError:
                read = self._store.jobs.get(job.job_id)
            else:
                return change.after
            if read is None or _is_newest(read, base, correction["changes"]):
                return read
            if newest(read) != base:
                raise CorrectedMeanwhileError(newest(read))
            # If the job is as it was, the callback is not: it is gone.
            prolongs &= read.sequence != job.sequence
            job = read
        raise ChangedMeanwhileError

    def _take_back(self, job: Job, number: int) -> None:
        """Delete a version that no job names. Nobody reads it, so it does no harm if this fails."""
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=object_keys.correction(job.place, number))
        except (ClientError, BotoCoreError) as error:
            log.warning("correction.left", job_id=job.job_id, number=number, error=error)


def _is_newest(job: Job, base: int, asked: str) -> bool:
    """Whether the newest correction of a job was made upon `base`, with changes of the digest `asked`."""
    return job.correction is not None and (job.correction["base"], job.correction["changes"]) == (base, asked)


def newest(job: Job) -> int:
    """The number of a job's newest correction; 0: there is none."""
    return job.correction["number"] if job.correction else 0
