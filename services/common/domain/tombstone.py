"""What is left of an erased job for some days: its id, its client and the receipt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.domain.times import SECOND_MS


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """What is kept of an erased job. Times are epoch milliseconds, but for `expires_at`, which is in seconds."""

    job_id: str
    client_id: str
    erased_at: int
    source_key: str | None = None
    """The recording's key; None once the recording is gone and cannot come any more."""
    source_etag: str | None = None
    """The recording's ETag; empty if it had not been uploaded yet."""
    multipart: Mapping[str, Any] | None = None
    """The upload in parts that had begun, as in the job: each search aborts it, since S3 may still have been taking a
    part at the abort before. None once nothing can come any more, or if there was none."""
    upload_expires_at: int | None = None
    """Until when the recording of a job of the API may still be uploaded, epoch milliseconds."""
    until: int | None = None
    """Epoch milliseconds: an upload with a later LastModified is a new recording. None: an earlier release wrote
    this."""
    expires_at: int | None = None
    receipt: Mapping[str, Any] | None = None
    """`{kind: how many were deleted}`; None: an earlier release erased the job, and no search has been made since."""
    due_kind: str | None = None

    @property
    def final(self) -> bool:
        """Whether no further search will be made."""
        return self.due_kind is None

    def covers(self, moment: int) -> bool:
        """Whether an upload with this LastModified (epoch milliseconds) is erased with the job."""
        end = (self.expires_at or 0) * SECOND_MS if self.until is None else self.until
        return moment <= end
