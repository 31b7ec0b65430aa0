"""Looks after jobs with few requests, since all that a key's holders do shares one limit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from services.cli.api.client import path
from services.cli.errors import RefusedError
from services.common.domain.states import TERMINAL, JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.cli.api.client import Api
    from services.cli.recordings.progress.recording import Recording

ALONE = 3
"""Most jobs that are read alone. Of further ones, pages of the list tell."""
PAGE = 100
MAX_PAGES = 5
SOON_SECONDS, OFTEN_SECONDS, SELDOM_SECONDS = 1.0, 2.0, 5.0
"""Between looks: after an upload, near an end, and otherwise at most."""
SHARE_OF_ESTIMATE = 0.05
AWAITED = JobStatus.AWAITING_UPLOAD


@dataclass(kw_only=True)
class Look:
    """What one look at the jobs has found."""

    lost: dict[Recording, RefusedError] = field(default_factory=dict)
    """Those that cannot be read any more."""
    _seen: list[tuple[Recording, dict[str, Any], float, bool]] = field(default_factory=list)
    """Each with its job, when that was read, and whether it was read alone."""

    def see(self, recording: Recording, job: dict[str, Any], *, alone: bool) -> None:
        """Note what the API shows now."""
        self._seen.append((recording, job, time.monotonic(), alone))

    def take_in(self) -> None:
        """Let the recordings know."""
        for recording, job, now, alone in self._seen:
            recording.see(job, now, alone=alone)

    def statuses(self, recordings: Sequence[Recording]) -> dict[Recording, str | None]:
        """Of their jobs, as they are known now."""
        known = {one: one.job for one in recordings} | {one: job for one, job, _, _ in self._seen}
        return {one: job.get("status") for one, job in known.items()}


class Watch:
    """Looks after the jobs of one run. A look changes no recording, so that any thread may take it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._turn = 0
        """Whose it is of those that no page has shown."""

    def look(self, recordings: Sequence[Recording]) -> Look:
        """Read how far the jobs are.

        Raises:
            UnreachableError: the service is gone, or fails.
            RefusedError: it does not let this client read its jobs.

        """
        look = Look()
        unlisted = self._read_list(recordings, look) if len(recordings) > ALONE else set(recordings)
        status = look.statuses(recordings)
        going = [one for one in recordings if status[one] not in TERMINAL]
        # Those that a machine has come first; otherwise they stay in order.
        foremost = sorted(going, key=lambda one: status[one] != JobStatus.RUNNING)[:ALONE]
        # One that no page has shown is never forgotten: they are read in turn, one a look.
        further = [one for one in recordings if one in unlisted and one not in foremost]
        self._turn += 1
        for recording in [*foremost, *(further and [further[self._turn % len(further)]])]:
            try:
                job = self._api.get(path("jobs", recording.job_id))
            except RefusedError as error:
                look.lost[recording] = error
            else:
                look.see(recording, job, alone=True)
        return look

    def _read_list(self, recordings: Sequence[Recording], look: Look) -> set[Recording]:
        """Read the newest jobs; returns the recordings whose jobs are not among them."""
        unlisted = {one.job_id: one for one in recordings}
        for job in islice(self._api.pages("/api/jobs", "jobs", limit=PAGE), PAGE * MAX_PAGES):
            if recording := unlisted.pop(job["job_id"], None):
                look.see(recording, job, alone=False)
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
