"""What the hourly search for lost uploads remembers. Times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.common.domain.times import DAY_MS, HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search under way, and those that were completed.

    A search goes through all keys, and asks the table only about objects that are newer than `newer_than`. It is
    completed once it has come to the end and nothing has failed: only then may the next one leave out what this one has
    compared. The defaults are those of a deployment that has not searched yet. Version 0.1.0 kept a cursor only, and
    compared all objects each time.
    """

    cursor: str = ""
    """The key up to which the search under way has compared objects; empty: none is under way."""
    began: int = 0
    """When the search under way began, or the last one."""
    full: bool = True
    """Whether it compares all objects."""
    failed: bool = False
    """Whether an upload could not be taken in, so that the next search must look at it again."""
    last: int = 0
    """When the last completed search began."""
    last_full: int = 0
    """When the last completed one of all objects began."""

    @property
    def under_way(self) -> bool:
        return self.cursor != ""

    @property
    def newer_than(self) -> int:
        """The date after which an object may have been missed.

        S3 dates an object when its upload begins, so an hour is left for the upload. An upload in parts that took
        longer is found by the next search of all objects.
        """
        return 0 if self.full else self.last - HOUR_MS

    def is_due(self, now: int) -> bool:
        """Whether the last one began in an earlier hour."""
        return now // HOUR_MS > self.began // HOUR_MS

    def begin(self, now: int) -> Search:
        """The search that begins now; one a day compares all objects."""
        full = now // HOUR_MS - self.last_full // HOUR_MS >= DAY_MS // HOUR_MS
        return replace(self, began=now, full=full, failed=False)

    def move(self, cursor: str, *, failed: bool) -> Search:
        """The search after one more page.

        Args:
            cursor: the page's last key; empty: it was the last page.
            failed: whether an upload of the page could not be taken in.

        """
        moved = replace(self, cursor=cursor, failed=self.failed or failed)
        if moved.under_way or moved.failed:
            return moved
        return replace(moved, last=self.began, last_full=self.began if self.full else self.last_full)
