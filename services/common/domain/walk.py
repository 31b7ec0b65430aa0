"""How far the daily walk through the bucket is. Times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.common.domain.object_keys import RESULTS, UPLOADS, upload_job
from services.common.domain.times import DAY_MS

PREFIXES = (RESULTS, UPLOADS)
"""What is walked through, in the order of its keys. S3's own rule is enough for `work/`: it serves nobody once old."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A walk through all keys below `PREFIXES`, page after page."""

    cursor: str = ""
    """The key up to which objects were looked at; empty: no walk is under way."""
    began: int = 0
    """When the walk under way began, or the last one; 0: there was none."""

    def is_due(self, now: int) -> bool:
        """Whether the last one began on an earlier day."""
        return now // DAY_MS > self.began // DAY_MS

    def begin(self, now: int) -> Walk:
        """The walk that begins now."""
        return replace(self, cursor=PREFIXES[0], began=now)

    @property
    def prefix(self) -> str:
        """The prefix in which the cursor is."""
        return next(prefix for prefix in PREFIXES if self.cursor.startswith(prefix))

    def move(self, last: str | None) -> Walk:
        """The walk after a page whose last key is `last`; None: it was the prefix's last page."""
        if last is not None:
            return replace(self, cursor=last)
        following = PREFIXES[PREFIXES.index(self.prefix) + 1 :]
        return replace(self, cursor=following[0] if following else "")


def jobs_named_by(key: str, made_of_it: str) -> frozenset[str]:
    """The ids of all jobs to which an object may belong.

    Args:
        key: of an object below one of `PREFIXES`.
        made_of_it: the id that the job of a plain upload of this very object has.

    """
    if not key.startswith(UPLOADS):
        return frozenset({key.split("/")[1]})
    _, job_id = upload_job(key)
    return frozenset({made_of_it, job_id} if job_id else {made_of_it})
