"""How far a job is, and when its text may be expected. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.common.domain.records import MERGE_PART, Job, Part
from services.common.domain.stages import SPEED, STAGES
from services.common.domain.states import TERMINAL, JobStatus, PartStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS

ALMOST = 0.99
"""The largest fraction of a job that is not completed."""
START_SECONDS = sum(stage.public_image for stage in STAGES[1:-1])
"""From the queue to the claim, if a machine must start. The API does not know the image, so it expects the public one,
which takes longer."""
FIXED_SECONDS = STAGES[-1].public_image - MINUTE_MS / SECOND_MS / SPEED
"""What any recording takes after its claim, however short it is: fetching, reading, writing the results."""
TRUSTED_AFTER_SECONDS = 30.0
"""After so many seconds of work, the pace so far counts as much as the assumed `SPEED`."""
SLOWEST, FASTEST = 1.0, 4 * SPEED
"""Paces that are believed, in seconds of audio a second. What seems to be faster was done by an earlier attempt."""


class ProgressStage(StrEnum):
    """What a job is waiting for, or what is being done with it."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    """It waits for a machine, or for the parts of other jobs that come before it."""
    STARTING = "starting"
    """It comes next: a machine has been asked for, starts, or takes the job as soon as it has room."""
    READING = "reading"
    """A machine has claimed it and has no text of it yet."""
    TRANSCRIBING = "transcribing"
    MERGING = "merging"
    """All parts of a long recording have their text, and one is made of them."""
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is."""

    stage: ProgressStage
    fraction: float | None
    """Share of the audio whose text is done, 0 to 1, and 1 only of a completed job; None: not known."""
    estimated_seconds: int | None = None
    """Until the text is there; None: nothing tells."""
    queue_position: int | None = None
    """1: the next. None: not in the queue, or not known."""


def progress(
    job: Job,
    parts: Sequence[Part] | None = None,
    *,
    now: int,
    ahead: int | None = None,
    start_seconds: float = START_SECONDS,
) -> Progress:
    """How far a job is.

    Args:
        job: as it was read.
        parts: all of its parts. None: they were not read, and less is known.
        now: epoch milliseconds.
        ahead: how many parts stand before a queued job; None: not known.
        start_seconds: from the queue to the claim, if a machine must start.

    """
    queued = job.status is JobStatus.QUEUED
    return Progress(
        stage=_stage(job, parts or (), now, ahead),
        fraction=_fraction(job, parts),
        estimated_seconds=None if parts is None else _estimate(job, parts, now, ahead, start_seconds),
        queue_position=ahead + 1 if queued and ahead is not None else None,
    )


def _stage(job: Job, parts: Sequence[Part], now: int, ahead: int | None) -> ProgressStage:
    if job.status in TERMINAL:
        return ProgressStage.ENDED
    if job.status is JobStatus.AWAITING_UPLOAD:
        return ProgressStage.AWAITING_UPLOAD
    if job.status is JobStatus.QUEUED:
        comes_next = ahead == 0 and not job.waiting and not _rest(parts, now)
        return ProgressStage.STARTING if comes_next else ProgressStage.QUEUED
    if job.parts_done == job.parts:
        return ProgressStage.MERGING
    has_no_text = parts and not any(map(_done, parts))
    return ProgressStage.READING if has_no_text else ProgressStage.TRANSCRIBING


def _fraction(job: Job, parts: Sequence[Part] | None) -> float | None:
    if job.status is JobStatus.COMPLETED:
        return 1.0
    if parts is not None:
        done, total = _audio(parts)
    elif job.parts > 1:
        done, total = job.parts_done, job.parts
    elif job.status is JobStatus.RUNNING or job.generation or "claimed" in job.times:
        return None
    else:
        return 0.0
    return min(round(done / total, 3), ALMOST) if total else 0.0


def _estimate(job: Job, parts: Sequence[Part], now: int, ahead: int | None, start_seconds: float) -> int | None:
    done, total = _audio(parts)
    match job.status:
        case JobStatus.QUEUED if ahead is not None and not job.waiting:
            # How long the others are is not known: they are taken to be as long as this one.
            before = _until_claimed(job, parts, now, start_seconds)
            seconds = before + FIXED_SECONDS + (ahead + 1) * (total - done) / SPEED
        case JobStatus.RUNNING if merge := next((part for part in parts if part.part_id == MERGE_PART), None):
            seconds = FIXED_SECONDS - _since(merge.created_at, now)
        case JobStatus.RUNNING:
            worked = _since(job.times.get("claimed", now), now)
            seconds = max(0.0, FIXED_SECONDS - worked) + (total - done) / _pace(done, worked)
        case _:
            return None
    return math.ceil(max(0.0, seconds))


def _until_claimed(job: Job, parts: Sequence[Part], now: int, start_seconds: float) -> float:
    """Seconds until a machine takes the queued job. One that was interrupted is expected to need another machine."""
    waited = 0.0 if "claimed" in job.times else _since(job.times.get("queued", now), now)
    return max(0.0, start_seconds - waited, _rest(parts, now))


def _rest(parts: Sequence[Part], now: int) -> float:
    """Seconds for which no machine may take the job's parts, since the last attempt at them failed."""
    until = min((part.not_before for part in parts if part.status is PartStatus.QUEUED), default=0)
    return max(0, until - now) / SECOND_MS


def _pace(done: float, worked: float) -> float:
    """Seconds of audio a second, after `done` seconds of audio in `worked` seconds."""
    if not done:
        return SPEED
    believed = min(done, FASTEST * worked) + SPEED * TRUSTED_AFTER_SECONDS
    return max(SLOWEST, believed / (worked + TRUSTED_AFTER_SECONDS))


def _audio(parts: Sequence[Part]) -> tuple[float, float]:
    """Seconds of audio whose text is done, and of all."""
    return sum(map(_done, parts)), sum(part.seconds for part in parts)


def _done(part: Part) -> float:
    if part.status is PartStatus.DONE:
        return part.seconds
    return part.seconds * min(max(part.progress, 0.0), 1.0)


def _since(moment: int, now: int) -> float:
    return max(0, now - moment) / SECOND_MS
