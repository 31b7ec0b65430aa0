"""Deletes recordings and results whose job is gone, once a day, page after page, from a cursor.

An object lives as long as its job. The table deletes jobs by itself when they expire, and correcting a text makes its
job expire later; S3's own rules know nothing of that, and are the last resort (`longest_retention_days`). So whatever
is older than `retention_days` and belongs to no job is deleted here. An item that another release wrote counts as a
job, and so does a tombstone, whose erasure looks after its objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import ClientError

from services.common.domain.ids import upload_job_id
from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.domain.walk import Walk, jobs_named_by
from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 500
"""Objects that are looked at before the cursor is stored."""


class _Old(NamedTuple):
    """An object that is older than jobs are kept, and the jobs to which it may belong."""

    key: str
    etag: str
    jobs: frozenset[str]


class Leftovers:
    """Finds and deletes the objects of one deployment that belong to no job any more."""

    def __init__(self, store: Store, s3: S3Client, bucket: str, retention_days: int) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._retention_ms = retention_days * DAY_MS

    def run(self, now: int, in_time: Callable[[], bool]) -> int:
        """Go on with today's walk while there is time; returns how many objects were deleted.

        If another sweep moves the cursor meanwhile, that sweep goes on alone.
        """
        seen = self._store.fleet.walk()
        walk = seen or Walk()
        if not walk.cursor:
            if not walk.is_due(now):
                return 0
            walk = walk.begin(now)
        deleted = 0
        while in_time():
            walk, done = self._page(walk, now)
            deleted += done
            if not self._store.fleet.move_walk(seen, walk) or not walk.cursor:
                break
            seen = walk
        return deleted

    def _page(self, walk: Walk, now: int) -> tuple[Walk, int]:
        """Look at one page, from the cursor on; returns the walk after it, and how many objects were deleted."""
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=walk.prefix, StartAfter=walk.cursor, MaxKeys=PAGE)
        contents = page.get("Contents", [])
        old = list(self._old(contents, now))
        there = {job_id for job_id in frozenset[str]().union(*(each.jobs for each in old)) if self._is_there(job_id)}
        left = [each for each in old if not each.jobs & there]
        deleted = sum(map(self._delete, left))
        if left:
            log.info("leftovers.deleted", objects=deleted, left=len(left) - deleted)
        return walk.move(contents[-1]["Key"] if page.get("IsTruncated") else None), deleted

    def _old(self, contents: list[ObjectTypeDef], now: int) -> Iterator[_Old]:
        for entry in contents:
            modified = int(entry["LastModified"].timestamp()) * SECOND_MS
            if modified < now - self._retention_ms:
                key, etag = entry["Key"], entry["ETag"].strip('"')
                yield _Old(key, etag, jobs_named_by(key, upload_job_id(self._bucket, key, etag)))

    def _is_there(self, job_id: str) -> bool:
        """Whether there is anything under the id of a job."""
        try:
            return self._store.tombstones.job_or_tombstone(job_id) is not None
        except UnknownVersionError:
            return True

    def _delete(self, old: _Old) -> bool:
        """Delete this very object; False if another one is there by now, or S3 refuses, and tomorrow's walk tries."""
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=old.key, IfMatch=f'"{old.etag}"')
        except ClientError as error:
            log.warning("leftovers.failed", error=error)
            return False
        return True
