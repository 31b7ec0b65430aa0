"""Erases a job: its recording, everything that was made of it, and all records about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common import source_object
from services.common.domain import object_keys
from services.common.domain.errors import ChangedMeanwhileError
from services.common.domain.ids import upload_job_id
from services.common.domain.times import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from services.common.domain.records import Job
    from services.common.domain.tombstone import Tombstone
    from services.common.source_object import SourceObject
    from services.common.store.store import Store

log = structlog.get_logger()
SECOND_LOOK_MS = 20 * MINUTE_MS
"""When a second search is made. A worker that had the job may write until it meets the fence, which takes less."""
RETRY_MS = 5 * MINUTE_MS
"""After how long objects are tried again that could not be deleted."""
TRIES = 3
"""How often it is tried to replace a job by its tombstone, if its upload is renewed at the same moment."""


class Deletions(NamedTuple):
    """What came of the deletion of one kind of object or record."""

    deleted: int = 0
    left: int = 0
    """How many could not be deleted; 1 if the search itself failed."""


class Erasure:
    """Erases jobs of one deployment. Every step is idempotent."""

    def __init__(self, store: Store, s3: S3Client, bucket: str) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket

    def erase(self, job: Job, now: int) -> Tombstone | None:
        """Replace the job by a tombstone and delete what belongs to it; None if it is being erased already.

        Raises:
            ChangedMeanwhileError: its upload was renewed at each of `TRIES` tries.

        """
        for _ in range(TRIES):
            if self._store.tombstones.put(job, now):
                tombstone = self._store.tombstones.get(job.job_id)
                return self.finish(tombstone, now) if tombstone else None
            found = self._store.jobs.get(job.job_id)
            if found is None:
                return None
            job = found
        raise ChangedMeanwhileError

    def finish(self, tombstone: Tombstone, now: int) -> Tombstone | None:
        """Delete everything that is still there; the receipt adds up, by kind, what all searches delete."""
        # Before the search for the recording: until then it may still become one.
        aborted = self._attempt(lambda: self._abort_multipart(tombstone))
        deletions = {
            "recording": self._attempt(lambda: self._delete_recording(tombstone)),
            "results": self._attempt(lambda: self._delete_below(object_keys.results(tombstone.job_id))),
            "work": self._attempt(lambda: self._delete_below(object_keys.work(tombstone.job_id))),
            "records": Deletions(self._store.tombstones.delete_items(tombstone.job_id)),
        }
        found = {kind: deletion.deleted for kind, deletion in deletions.items()}
        left = aborted.left + sum(deletion.left for deletion in deletions.values())
        again = next_look(tombstone, now, left=left)
        # The key of the recording is kept until the recording was found and deleted, or nothing can come any more.
        forget = again is None or (found["recording"] > 0 and not left)
        self._store.tombstones.settle(tombstone, found, look_again_at=again, forget=forget)
        log.info("job.erased", job_id=tombstone.job_id, **found, left=left, final=again is None)
        return self._store.tombstones.get(tombstone.job_id)

    def _attempt(self, delete: Callable[[], Deletions]) -> Deletions:
        """Run one deletion.

        An error of AWS is logged and counts as something left, so that the rest of the erasure goes on.
        """
        try:
            return delete()
        except (ClientError, BotoCoreError) as error:
            log.warning("erasure.failed", error=error)
            return Deletions(left=1)

    def erase_late_upload(self, tombstone: Tombstone, key: str, etag: str, now: int) -> None:
        """Delete an object that was uploaded for an erased job, and count it.

        Another object under the same key stays.
        """
        if source_object.delete(self._s3, self._bucket, key, etag):
            self._store.tombstones.count_late(tombstone, now)
            log.info("job.erased", job_id=tombstone.job_id, recording=1, late=True)

    def _delete_recording(self, tombstone: Tombstone) -> Deletions:
        """Delete the object under the recording's key, unless it belongs to another job."""
        there = source_object.look(self._s3, self._bucket, tombstone.source_key) if tombstone.source_key else None
        if (
            tombstone.source_key is None
            or there is None
            or self._belongs_to_another(tombstone, tombstone.source_key, there)
        ):
            return Deletions()
        gone = source_object.delete(self._s3, self._bucket, tombstone.source_key, there.etag)
        return Deletions(deleted=int(gone))

    def _abort_multipart(self, tombstone: Tombstone) -> Deletions:
        if tombstone.source_key and tombstone.multipart:
            upload_id = tombstone.multipart["upload_id"]
            source_object.abort_multipart(self._s3, self._bucket, tombstone.source_key, upload_id)
        return Deletions()

    def _belongs_to_another(self, tombstone: Tombstone, key: str, there: SourceObject) -> bool:
        """Whether the object under the recording's key does not belong to the erased job.

        The recording of the job belongs to it. So does any object under a key that the API gave to the job, unless
        another job was made of the object.
        """
        if not tombstone.covers(there.modified):
            return True
        if there.etag == tombstone.source_etag:
            return False
        if object_keys.upload_job(key) != (tombstone.client_id, tombstone.job_id):
            return True
        return self._store.jobs.get(upload_job_id(self._bucket, key, there.etag)) is not None

    def _delete_below(self, prefix: str) -> Deletions:
        deleted = left = 0
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            keys: list[ObjectIdentifierTypeDef] = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
            if keys:
                reply = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                refused = len(reply.get("Errors", []))
                deleted, left = deleted + len(keys) - refused, left + refused
        return Deletions(deleted, left)


def next_look(tombstone: Tombstone, now: int, *, left: int) -> int | None:
    """When to search once more, epoch milliseconds; None if everything is gone and nothing can come any more.

    This depends on the time alone and not on how many searches were made: two searches at the same moment count as one.

    Args:
        tombstone: of the erased job.
        now: epoch milliseconds.
        left: how many objects could not be deleted.

    """
    if left:
        return now + RETRY_MS
    last = max(tombstone.erased_at + SECOND_LOOK_MS, tombstone.upload_expires_at or 0)
    return last if now < last else None
