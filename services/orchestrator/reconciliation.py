"""Compares uploads with jobs once an hour, since S3 may lose an event: page after page, from a cursor.

Each search lists all keys, which costs one call for `PAGE` of them, but asks the table only about the objects that the
one before cannot have seen (`services/common/domain/search.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.domain.object_keys import UPLOADS
from services.common.domain.search import Search
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

        A search begins in the first minutes of an hour (`WINDOW_MS`), or goes on from its cursor. If another sweep
        moves the cursor meanwhile, that sweep goes on alone.
        """
        seen = self._store.fleet.search()
        search = seen or Search()
        if not search.under_way:
            if not search.is_due(now) or now % HOUR_MS >= WINDOW_MS:
                return 0
            search = search.begin(now)
        found = 0
        while in_time():
            search, lost = self._page(search, now)
            found += lost
            if not self._store.fleet.move_search(seen, search) or not search.under_way:
                break
            seen = search
        return found

    def _page(self, search: Search, now: int) -> tuple[Search, int]:
        """Compare one page, from the cursor on.

        Returns the search after it, and how many uploads were lost.
        """
        page = self._s3.list_objects_v2(
            Bucket=self._bucket, Prefix=UPLOADS, MaxKeys=PAGE, StartAfter=search.cursor or UPLOADS
        )
        contents = page.get("Contents", [])
        oldest = max(search.newer_than, now - self._retention_ms)
        uploads = [
            upload
            for upload in map(_upload, contents)
            if not upload.key.endswith("/") and oldest < upload.uploaded <= now - YOUNG_MS
        ]
        taken = self._intake.take(uploads, now)
        errors = [one.error for one in taken if one.error and not isinstance(one.error, UnknownVersionError)]
        for error in errors:
            log.error("search.failed", error=error)
        found = sum(one.job is not None for one in taken)
        if found:
            log.warning("search.found", jobs=found)
        cursor = contents[-1]["Key"] if page.get("IsTruncated") else ""
        return search.move(cursor, failed=bool(errors)), found


def _upload(entry: ObjectTypeDef) -> Upload:
    modified = int(entry["LastModified"].timestamp()) * SECOND_MS
    return Upload(
        key=entry["Key"],
        etag=entry["ETag"].strip('"'),
        size=entry["Size"],
        uploaded=modified,
        modified=modified,
    )
