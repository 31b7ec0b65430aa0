"""Once an hour: uploads held against jobs, since S3 may lose an event. Page after page, from a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain import objects
from services.common.domain.clock import DAY, HOUR, MINUTE, SECOND
from services.common.domain.ids import upload_job_id
from services.common.domain.objects import UPLOADS
from services.orchestrator.uploads import Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from services.common.store.store import Store
    from services.orchestrator.intake import Intake

log = structlog.get_logger()
PAGE = 200
"""Objects looked at before the cursor is written down."""
WINDOW_MS = 2 * MINUTE
"""Of each hour, in which a search begins: wide enough that one of the sweeps meets it."""
YOUNG_MS = 10 * MINUTE
"""Younger objects' events may still be on their way."""


class Search:
    """Finds uploads that nobody told of."""

    def __init__(self, store: Store, s3: S3Client, bucket: str, intake: Intake, retention_days: int) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._intake = intake
        self._retention_ms = retention_days * DAY

    def run(self, now: int, in_time: Callable[[], bool]) -> int:
        """Look at pages while there is time, if it is that of a search; returns how many lost uploads were taken in.

        Only a search of several pages is written down: an idle deployment writes nothing.
        """
        cursor = self._store.fleet.search_cursor()
        under_way = cursor is not None or now % HOUR < WINDOW_MS
        found = 0
        while under_way and in_time():
            cursor, lost = self._page(cursor, now)
            found += lost
            under_way = cursor is not None
        return found

    def _page(self, cursor: str | None, now: int) -> tuple[str | None, int]:
        """One page, from `cursor`; returns the next one's, None after the last, and how many uploads were lost."""
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=UPLOADS, MaxKeys=PAGE, StartAfter=cursor or UPLOADS)
        contents = page.get("Contents", [])
        lost = [
            upload
            for upload in map(_upload, contents)
            if YOUNG_MS <= now - upload.uploaded < self._retention_ms and not self._known(upload)
        ]
        taken = self._intake.take(lost, now)
        for one in taken:
            if one.error:
                log.error("search.failed", error=str(one.error))
        found = sum(one.job is not None for one in taken)
        if found:
            log.warning("search.found", jobs=found)
        after = contents[-1]["Key"] if page.get("IsTruncated") else None
        self._store.fleet.move_search(cursor, after)
        return after, found

    def _known(self, upload: Upload) -> bool:
        """Whether an upload has its job, or is none; one that a job still waits for is intake's to judge."""
        if upload.key.endswith("/"):
            return True
        _, job_id = objects.upload_job(upload.key)
        if job_id and self._store.jobs.known(job_id, etag=upload.etag):
            return True
        return self._store.jobs.known(upload_job_id(self._bucket, upload.key, upload.etag))


def _upload(entry: ObjectTypeDef) -> Upload:
    return Upload(
        key=entry["Key"],
        etag=entry["ETag"].strip('"'),
        size=entry["Size"],
        uploaded=round(entry["LastModified"].timestamp() * SECOND),
    )
