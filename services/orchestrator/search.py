"""Once an hour: uploads held against jobs, since S3 may lose an event. A page at a time, from a cursor."""

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
"""Objects looked at by one sweep."""
PAGE_SECONDS = 20
"""What a page may take."""
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

    def run(self, now: int, seconds_left: Callable[[], float]) -> int:
        """Look at the next page, if it is time; returns how many lost uploads were taken in.

        Only a search of several pages is written down: an idle deployment writes nothing.
        """
        cursor = self._store.fleet.search_cursor()
        if seconds_left() < PAGE_SECONDS or (cursor is None and now % HOUR >= WINDOW_MS):
            return 0
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=UPLOADS, MaxKeys=PAGE, StartAfter=cursor or UPLOADS)
        contents = page.get("Contents", [])
        lost = [
            upload
            for upload in map(_upload, contents)
            if YOUNG_MS <= now - upload.uploaded < self._retention_ms and not self._known(upload)
        ]
        found = [taken for taken in self._intake.take(lost, now) if taken.job]
        if found:
            log.warning("search.found", jobs=len(found))
        self._store.fleet.move_search(cursor, contents[-1]["Key"] if page.get("IsTruncated") else None)
        return len(found)

    def _known(self, upload: Upload) -> bool:
        """Whether an upload has its job, or is none; one that belongs to an awaited job is intake's to judge."""
        if upload.key.endswith("/"):
            return True
        _, job_id = objects.upload_job(upload.key)
        return job_id is None and self._store.jobs.known(upload_job_id(self._bucket, upload.key, upload.etag))


def _upload(entry: ObjectTypeDef) -> Upload:
    return Upload(
        key=entry["Key"],
        etag=entry["ETag"].strip('"'),
        size=entry["Size"],
        uploaded=round(entry["LastModified"].timestamp() * SECOND),
    )
