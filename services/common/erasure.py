"""Erases a job: the recording, everything made of it, and everything written about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import ClientError

from services.common.domain import objects
from services.common.domain.clock import MINUTE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from services.common.domain.records import Job
    from services.common.store.store import Store
    from services.common.store.tombstones import Tombstone

log = structlog.get_logger()
SECOND_LOOK_MS = 20 * MINUTE
"""A worker that had the job may write until it meets the fence; after this long it has."""


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
        grave = self._store.tombstones.get(job.job_id)
        return self.finish(grave, now) if grave else None

    def finish(self, grave: Tombstone, now: int) -> Tombstone | None:
        """Delete whatever is still there; the receipt adds up what all passes found."""
        before = dict(grave.receipt or {"objects": 0, "items": 0})
        receipt = {
            "objects": before["objects"] + self._delete_objects(grave),
            "items": before["items"] + self._store.tombstones.delete_items(grave.job_id),
        }
        # By the clock, not by who has looked before: two first looks at once are no second one.
        second = grave.erased_at + SECOND_LOOK_MS
        again = second if now < second else None
        self._store.tombstones.settle(grave, receipt, look_again_at=again)
        log.info("job.erased", job_id=grave.job_id, **receipt, final=again is None)
        return self._store.tombstones.get(grave.job_id)

    def _delete_objects(self, grave: Tombstone) -> int:
        deleted = self._delete_source(grave) if grave.source_key else 0
        for prefix in (f"{objects.RESULTS}{grave.job_id}/", f"{objects.WORK}{grave.job_id}/"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                keys: list[ObjectIdentifierTypeDef] = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
                if keys:
                    reply = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                    deleted += len(keys) - len(reply.get("Errors", []))
        return deleted

    def _delete_source(self, grave: Tombstone) -> int:
        """The recording, unless another was put in its place: that one is a job of its own."""
        same: dict[str, Any] = {"IfMatch": f'"{grave.source_etag}"'} if grave.source_etag else {}
        try:
            self._s3.head_object(Bucket=self._bucket, Key=grave.source_key or "", **same)
            self._s3.delete_object(Bucket=self._bucket, Key=grave.source_key or "", **same)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {404, 412}:
                return 0
            raise
        return 1
