"""Looks after jobs with few requests, since all that a key's holders do shares one limit."""

from __future__ import annotations

import math
import time
from itertools import islice
from typing import TYPE_CHECKING

from services.cli.api.client import path
from services.cli.errors import RefusedError
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.cli.api.client import Api
    from services.cli.recordings.recording import Recording

ALONE = 3
"""Most jobs that are read alone. Of further ones, pages of the list tell."""
PAGE = 100
MAX_PAGES = 5
SOON_SECONDS, OFTEN_SECONDS, SELDOM_SECONDS = 1.0, 2.0, 5.0
"""Between looks: after an upload, near an end, and otherwise at most."""
SHARE_OF_ESTIMATE = 0.05
AWAITED = JobStatus.AWAITING_UPLOAD


class Watch:
    """Looks after the jobs of one run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._turn = 0
        """Whose it is of those that no page has shown."""

    def look(self, recordings: Sequence[Recording]) -> dict[Recording, RefusedError]:
        """Read how far the jobs are; returns those that cannot be read any more.

        Raises:
            UnreachableError: the service is gone, or fails.
            RefusedError: it does not let this client read its jobs.

        """
        unlisted = self._read_list(recordings) if len(recordings) > ALONE else set(recordings)
        foremost = sorted((one for one in recordings if not one.has_ended), key=_rank)[:ALONE]
        # One that no page has shown is never forgotten: they are read in turn, one a look.
        further = [one for one in recordings if one in unlisted and one not in foremost]
        self._turn += 1
        lost = {}
        for recording in [*foremost, *(further and [further[self._turn % len(further)]])]:
            try:
                job = self._api.get(path("jobs", recording.job_id))
            except RefusedError as error:
                lost[recording] = error
            else:
                recording.see(job, time.monotonic(), alone=True)
        return lost

    def _read_list(self, recordings: Sequence[Recording]) -> set[Recording]:
        """Read the newest jobs; returns the recordings whose jobs are not among them."""
        unlisted = {one.job_id: one for one in recordings}
        for job in islice(self._api.pages("/api/jobs", "jobs", limit=PAGE), PAGE * MAX_PAGES):
            if recording := unlisted.pop(job["job_id"], None):
                recording.see(job, time.monotonic(), alone=False)
            if not unlisted:
                break
        return set(unlisted.values())


def pause(recordings: Sequence[Recording]) -> float:
    """Seconds between two looks at the jobs: the fewer, the sooner something may happen; infinite if there are none."""
    if len(recordings) > ALONE:
        return SELDOM_SECONDS
    return min(map(_pause, recordings), default=math.inf)


def _pause(recording: Recording) -> float:
    estimate: int | None = recording.progress.get("estimated_seconds")
    if estimate is not None:
        return min(max(OFTEN_SECONDS, estimate * SHARE_OF_ESTIMATE), SELDOM_SECONDS)
    # The service is about to notice an upload of this run.
    awaited = recording.source is not None and recording.job.get("status", AWAITED) == AWAITED
    return OFTEN_SECONDS if awaited else SELDOM_SECONDS


def _rank(recording: Recording) -> bool:
    """Those that a machine has come first; otherwise they stay in order."""
    return recording.job.get("status") != JobStatus.RUNNING
