"""The API's settings, from its environment."""

from __future__ import annotations

from services.common.domain.progress import START_SECONDS
from services.common.settings import CommonSettings, Words


class ApiSettings(CommonSettings):
    """Terraform sets everything that has no default; a test holds the two together."""

    unrecorded_models: Words = ()
    """Those of `models` that the lock of models does not hold; machines must not fetch them. Also `speakers`, if
    the deployment tells no speakers apart."""
    max_upload_bytes: int = 5_000_000_000
    """Largest upload by presigned form: S3's own limit is 5 GB."""
    max_upload_gb: int = 50
    """Largest upload in parts, in units of 10^9 bytes."""
    longest_retention_days: int = 365
    """Days for which a job is kept at most that somebody works on."""
    upload_minutes: int = 60
    """Minutes for which the form and the links of an upload are valid."""
    early_launch_queue_url: str = ""
    """The orchestrator's queue, to which a registration is told so that a machine may start before the recording is
    there; empty: it is told to nobody."""
    early_launch_seconds: float = 600
    """How long after its registration an upload is expected, and a machine may wait for it."""
    page: bool = True
    """Whether `/` is a page on which people work with their recordings."""
    link_seconds: int = 300
    """Seconds for which a link to a transcript is valid."""
    recording_link_seconds: int = 3600
    """Seconds for which the links are valid from which a recording is played."""
    start_seconds: float = START_SECONDS
    """How long a machine takes to take a job, if it must start first: for estimates."""
    log_retention_days: int | None = None
    """Days for which logs are kept, for the receipts of erasures; None if it is not known."""
