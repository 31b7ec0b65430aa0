"""What the API tells the orchestrator of a registered job, so that a machine may start before its recording is there.

Pure. The API decides until when a machine may wait for the upload, and writes it on the job (`Job.expected_until`).
"""

from __future__ import annotations

import json

from services.common.domain.times import SECOND_MS

KIND, VERSION = "registered", 1
UPLOAD_BYTES_PER_SECOND = 1_250_000
"""The pace at which an upload of a known size is expected to come: 10 Mbit/s, the slower side of what an office or a
mobile line sends at."""


def expected_until(now: int, size: int | None, seconds: float) -> int:
    """Until when a machine may wait for an upload that is registered now, epoch milliseconds.

    0: no machine waits, since the upload's size says that it takes longer.

    Args:
        now: epoch milliseconds.
        size: of the upload, in bytes; None: it is not known.
        seconds: how long after its registration an upload is expected.

    """
    if size is not None and size > seconds * UPLOAD_BYTES_PER_SECOND:
        return 0
    return now + round(seconds * SECOND_MS)


def message(job_id: str) -> str:
    """The message that tells the orchestrator of a registered job."""
    return json.dumps({"kind": KIND, "version": VERSION, "job_id": job_id})


def registered_job(body: object) -> str | None:
    """The job that a message tells of; None if it is another message, or one of a version that is not known.

    `body`: the message's JSON, as it was parsed.
    """
    if not isinstance(body, dict) or (body.get("kind"), body.get("version")) != (KIND, VERSION):
        return None
    job_id = body.get("job_id")
    return job_id if isinstance(job_id, str) and job_id else None
