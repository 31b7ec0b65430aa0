"""Compares uploads with jobs once an hour, since S3 may lose an event: page after page, from a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.object_keys import UPLOADS
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.store.codec import UnknownVersionError
from services.orchestrator.s3_events import Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from services.common.store.store import Store
    from services.orchestrator.intake import Intake

log = structlog.get_logger()
PAGE = 200
"""Objects that are compared before the cursor is stored."""
WINDOW_MS = 2 * MINUTE_MS
"""The beginning of each hour, in which a search begins: wide enough that one of the sweeps falls into it."""
YOUNG_MS = 10 * MINUTE_MS
"""Age from which objects are compared: the events of younger ones may still be on their way."""


class Reconciliation:
    """Finds uploads whose event was lost, and takes them in."""

    def __init__(self, store: Store, s3: S3Client, bucket: str, intake: Intake, retention_days: int) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._intake = intake
        self._retention_ms = retention_days * DAY_MS

    def run(self, now: int, in_time: Callable[[], bool]) -> int:
        """Compare page after page while there is time; returns how many lost uploads were taken in.

        A search begins in the first minutes of an hour (`WINDOW_MS`), or goes on from its cursor. The cursor is
        stored only if a search has several pages: an idle deployment writes nothing.
        """
        cursor = self._store.fleet.search_cursor()
        under_way = cursor is not None or now % HOUR_MS < WINDOW_MS
        found = 0
        while under_way and in_time():
            cursor, lost = self._page(cursor, now)
            found += lost
            under_way = cursor is not None
        return found

    def _page(self, cursor: str | None, now: int) -> tuple[str | None, int]:
        """Compare one page, from `cursor` on.

        Returns the next page's cursor (None after the last), and how many were lost.
        """
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=UPLOADS, MaxKeys=PAGE, StartAfter=cursor or UPLOADS)
        contents = page.get("Contents", [])
        uploads = [upload for upload in map(_upload, contents) if self._may_be_lost(upload, now)]
        taken = self._intake.take(uploads, now)
        for one in taken:
            if one.error and not isinstance(one.error, UnknownVersionError):
                log.error("search.failed", error=one.error)
        found = sum(one.job is not None for one in taken)
        if found:
            log.warning("search.found", jobs=found)
        after = contents[-1]["Key"] if page.get("IsTruncated") else None
        self._store.fleet.move_search(cursor, after)
        return after, found

    def _may_be_lost(self, upload: Upload, now: int) -> bool:
        return not upload.key.endswith("/") and YOUNG_MS <= now - upload.uploaded < self._retention_ms


def _upload(entry: ObjectTypeDef) -> Upload:
    modified = int(entry["LastModified"].timestamp()) * SECOND_MS
    return Upload(
        key=entry["Key"],
        etag=entry["ETag"].strip('"'),
        size=entry["Size"],
        uploaded=modified,
        modified=modified,
    )
