"""Erases a job: the recording, everything made of it, and everything written about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common import source_object
from services.common.domain import object_keys
from services.common.domain.ids import upload_job_id
from services.common.domain.times import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from services.common.domain.records import Job
    from services.common.source_object import SourceObject
    from services.common.store.store import Store
    from services.common.store.tombstones import Tombstone

log = structlog.get_logger()
SECOND_LOOK_MS = 20 * MINUTE_MS
"""A worker that had the job may write until it meets the fence; after this long it has."""
RETRY_MS = 5 * MINUTE_MS
"""When what could not be deleted is tried again."""
_NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}


class Deletions(NamedTuple):
    """What came of one kind of object or record."""

    deleted: int = 0
    left: int = 0
    """Could not be deleted, or not even looked for."""


class Erasure:
    """One deployment's eraser; every step may be repeated."""

    def __init__(self, store: Store, s3: S3Client, bucket: str) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket

    def erase(self, job: Job, now: int) -> Tombstone | None:
        """Turn the job into a tombstone and delete what belonged to it; None if somebody else erases it already."""
        if not self._store.tombstones.put(job, now):
            return None
        tombstone = self._store.tombstones.get(job.job_id)
        return self.finish(tombstone, now) if tombstone else None

    def finish(self, tombstone: Tombstone, now: int) -> Tombstone | None:
        """Delete whatever is still there; the receipt adds up what all looks find, by kind."""
        deletions = {
            "recording": self._attempt(lambda: self._delete_recording(tombstone)),
            "results": self._attempt(lambda: self._delete_below(object_keys.results(tombstone.job_id))),
            "work": self._attempt(lambda: self._delete_below(object_keys.work(tombstone.job_id))),
            "records": Deletions(self._store.tombstones.delete_items(tombstone.job_id)),
        }
        found = {kind: deletion.deleted for kind, deletion in deletions.items()}
        left = sum(deletion.left for deletion in deletions.values())
        again = next_look(tombstone, now, left=left)
        # A recording that never came may still come to its key: that is all for which the key is kept.
        forget = again is None or not (left or tombstone.source_etag == "")
        self._store.tombstones.settle(tombstone, found, look_again_at=again, forget=forget)
        log.info("job.erased", job_id=tombstone.job_id, **found, left=left, final=again is None)
        return self._store.tombstones.get(tombstone.job_id)

    def _attempt(self, delete: Callable[[], Deletions]) -> Deletions:
        """One erasure's trouble is not the sweep's."""
        try:
            return delete()
        except (ClientError, BotoCoreError) as error:
            log.warning("erasure.failed", error=error)
            return Deletions(left=1)

    def erase_late_upload(self, tombstone: Tombstone, key: str, etag: str, now: int) -> None:
        """Delete what was uploaded for a job that is erased, and count it; something else that lies there now stays."""
        if self._delete(key, etag):
            self._store.tombstones.count_late(tombstone, now)
            log.info("job.erased", job_id=tombstone.job_id, recording=1, late=True)

    def _delete_recording(self, tombstone: Tombstone) -> Deletions:
        """What lies where the recording lay, unless it is another's: put in its place, and a job of its own."""
        there = source_object.look(self._s3, self._bucket, tombstone.source_key) if tombstone.source_key else None
        if (
            tombstone.source_key is None
            or there is None
            or self._belongs_to_another(tombstone, tombstone.source_key, there)
        ):
            return Deletions()
        return Deletions(deleted=int(self._delete(tombstone.source_key, there.etag)))

    def _belongs_to_another(self, tombstone: Tombstone, key: str, there: SourceObject) -> bool:
        """Whether this is not the erased job's: what has its key of the API, and no job yet, is."""
        if not tombstone.covers(there.modified):
            return True
        if there.etag == tombstone.source_etag:
            return False
        if object_keys.upload_job(key) != (tombstone.client_id, tombstone.job_id):
            return True
        return self._store.jobs.get(upload_job_id(self._bucket, key, there.etag)) is not None

    def _delete(self, key: str, etag: str) -> bool:
        """Delete this very object; False if it is not there."""
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key, IfMatch=f'"{etag}"')
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NOT_THERE:
                return False
            raise
        return True

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
    """When to search once more: None, never, is only for what is gone and cannot come back.

    By the clock, not by who has looked before: two first looks at once are no second one.
    """
    if left:
        return now + RETRY_MS
    last = max(tombstone.erased_at + SECOND_LOOK_MS, tombstone.upload_expires_at or 0)
    return last if now < last else None
