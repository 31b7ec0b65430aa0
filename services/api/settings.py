"""What the API is told by its environment."""

from __future__ import annotations

from services.common.settings import CommonSettings, Words


class ApiSettings(CommonSettings):
    """Terraform sets everything that has no default; a test holds the two together."""

    unrecorded_models: Words = ()
    """Those of `models` that the lock does not know, so that no machine may fetch them."""
    max_upload_bytes: int = 5_000_000_000
    """Largest upload by presigned POST: S3's own limit is 5 GB."""
    upload_minutes: int = 60
    """How long a presigned upload is good for."""
    link_seconds: int = 300
    """How long a link to a transcript is good for."""
    log_retention_days: int | None = None
    """How long logs are kept, for the receipts of erasures; None where nobody says."""
