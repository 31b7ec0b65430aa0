"""Deletes recordings and results whose job is gone, once a day, page after page, from a cursor.

An object lives as long as its job. The table deletes jobs by itself when they expire, and correcting a text makes its
job expire later; S3's own rules know nothing of that, and are the last resort (`longest_retention_days`). So whatever
is older than `retention_days` and belongs to no job is deleted here. An item that another release wrote counts as a
job, and so does a tombstone, whose erasure looks after its objects.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import ClientError

from services.common import source_object
from services.common.domain.ids import upload_job_id
from services.common.domain.metrics import UNDELETED
from services.common.domain.object_keys import UPLOADS
from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.domain.walk import Walk, jobs_named_by
from services.common.erasure import Deletions
from services.common.metrics import measure
from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Objects that are looked at before the cursor is stored. To delete as many recordings takes some seconds, and a page
is not begun unless the sweep has time."""


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
            walk, done = self._page(walk, now - self._retention_ms)
            deleted += done.deleted
            if not self._store.fleet.move_walk(seen, walk):
                break
            if done.left:
                measure({UNDELETED: done.left})
            if not walk.cursor:
                break
            seen = walk
        return deleted

    def _page(self, walk: Walk, before: int) -> tuple[Walk, Deletions]:
        """Look at one page, from the cursor on; returns the walk after it, and what came of its deletions.

        `before`: only what is dated before that may be deleted, epoch milliseconds.
        """
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=walk.prefix, StartAfter=walk.cursor, MaxKeys=PAGE)
        contents = page.get("Contents", [])
        recordings = walk.prefix == UPLOADS
        deleted = left = 0
        for jobs, group in groupby(self._old(contents, before), key=lambda old: old.jobs):
            objects = list(group)
            # Just before each deletion: the same recording may be uploaded again, and become the same job.
            if not any(map(self._is_there, jobs)):
                done = self._delete_recordings(objects, before) if recordings else self._delete_results(objects)
                deleted, left = deleted + done.deleted, left + done.left
        if deleted or left:
            log.info("leftovers.deleted", objects=deleted, left=left)
        moved = walk.move(contents[-1]["Key"] if page.get("IsTruncated") else None)
        return moved, Deletions(deleted, left)

    def _old(self, contents: Iterable[ObjectTypeDef], before: int) -> Iterator[_Old]:
        for entry in contents:
            if int(entry["LastModified"].timestamp()) * SECOND_MS < before:
                key, etag = entry["Key"], entry["ETag"].strip('"')
                yield _Old(key, etag, jobs_named_by(key, upload_job_id(self._bucket, key, etag)))

    def _is_there(self, job_id: str) -> bool:
        """Whether there is anything under the id of a job."""
        try:
            return self._store.tombstones.job_or_tombstone(job_id) is not None
        except UnknownVersionError:
            return True

    def _delete_recordings(self, objects: Sequence[_Old], before: int) -> Deletions:
        """Delete these very objects, but none that was uploaded again since it was listed.

        The same bytes have the same ETag, so S3's own condition does not see that.
        """
        deleted = left = 0
        for old in objects:
            try:
                there = source_object.look(self._s3, self._bucket, old.key)
                if there and there.modified < before:
                    deleted += source_object.delete(self._s3, self._bucket, old.key, old.etag)
            except ClientError as error:
                log.warning("leftovers.failed", error=error)
                left += 1
        return Deletions(deleted, left)

    def _delete_results(self, objects: Sequence[_Old]) -> Deletions:
        """Delete the results of one job in one call.

        There is no condition on their ETags, for which S3 wants the right to read them, and the orchestrator reads no
        transcripts. It needs none: a job that begins at this very moment writes its results later than this takes.
        """
        keys = [old.key for old in objects]
        try:
            reply = self._s3.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        except ClientError as error:
            log.warning("leftovers.failed", error=error)
            return Deletions(left=len(keys))
        left = len(reply.get("Errors", []))
        return Deletions(len(keys) - left, left)
