"""Every change of a job. Pure.

A change that is announced, and an update by the client, raise the job's `sequence`. The store then requires the
sequence that was read (`services/common/store/changes.py`), so each number is given once, and what was changed later
has the larger number, whatever the clocks of the writers say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.domain.lifecycle.change import Change, UnreadChange
from services.common.domain.prices import together
from services.common.domain.records import Job
from services.common.domain.states import JobTransition

_WAITS_NO_LONGER: Mapping[str, None] = {"waiting": None, "waiting_reason": None}
_BEFORE_THE_QUEUE = frozenset({"created", "uploaded"})
"""The stages that stay as they are when a job is queued again."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ends: exactly one of `result` and `error`."""

    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None
    """Of this attempt: it is added to what the job has cost before."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A recording that has arrived in the bucket, for a run of its job. Times are epoch milliseconds."""

    etag: str
    size: int
    """Bytes."""
    modified: int
    """S3's LastModified, epoch milliseconds in whole seconds; 0 if it is not known."""
    uploaded: int
    """When it was uploaded, as S3's event says."""
    queued: int
    expires_at: int
    """Epoch seconds after which DynamoDB deletes the job."""

    def fields(self, job: Job, times: Mapping[str, int]) -> dict[str, Any]:
        """The fields that the recording sets in `job`; `times` are the stages that the job has reached before."""
        return {
            "source_etag": self.etag,
            "source_bytes": self.size,
            "source_modified": self.modified,
            "times": {**times, "uploaded": self.uploaded, "queued": self.queued},
            **_in_sequence(job, self.queued),
            "expires_at": self.expires_at,
        }


def arrive(job: Job, arrival: Arrival) -> Change[Job]:
    """The awaited recording has come, and the job is queued."""
    fields = {**arrival.fields(job, job.times), "multipart": None}
    return Change(before=job, transition=JobTransition.ARRIVE, set=fields)


def renew_upload(job: Job, *, until: int, multipart: Mapping[str, Any] | None) -> Change[Job]:
    """The upload is awaited until `until` at least, as an upload in parts if `multipart` names one that has begun.

    No message tells of it, and no job shows it, so the sequence stays.
    """
    fields = {"upload_expires_at": max(until, job.upload_expires_at or 0), "multipart": multipart}
    return Change(before=job, transition=JobTransition.RENEW_UPLOAD, set=fields)


def expire(job: Job, now: int) -> Change[Job]:
    """The recording was not uploaded in time."""
    return Change(before=job, transition=JobTransition.EXPIRE, set=_in_sequence(job, now))


def wait(waiting: str | None, reason: str | None) -> UnreadChange:
    """It is noted why a queued job has no machine yet; None: a machine comes."""
    return UnreadChange(transition=JobTransition.WAIT, set={"waiting": waiting, "waiting_reason": reason})


def note_upload(job: Job, *, etag: str, modified: int) -> Change[Job]:
    """An upload is noted of which no run is made; `modified` is S3's LastModified of it."""
    return Change(before=job, transition=JobTransition.NOTE_UPLOAD, set={"source_etag": etag, "source_seen": modified})


def start(job: Job, times: Mapping[str, int], announced: int | None = None) -> Change[Job]:
    """A part of the job is claimed.

    Args:
        job: as it was read.
        times: the stages that the job reaches with that.
        announced: the time of the announcement, or its sequence. None: it is not announced, as for a further part of a
            job that runs; then the sequence stays, so that claims of several parts do not conflict.

    """
    reached = {f"times.{stage}": moment for stage, moment in times.items()}
    numbered = {} if announced is None else _in_sequence(job, announced)
    return Change(before=job, transition=JobTransition.START, set={**_WAITS_NO_LONGER, **reached, **numbered})


def interrupt(job: Job, now: int) -> Change[Job]:
    """The job's only part goes back to the queue, and the job with it; `now` may be the announcement's sequence."""
    return Change(before=job, transition=JobTransition.INTERRUPT, set=_in_sequence(job, now))


def end(job: Job, outcome: Outcome, times: Mapping[str, int], now: int) -> Change[Job]:
    """The job is completed or has failed; `times` are the stages that this attempt has reached."""
    return Change(
        before=job,
        transition=JobTransition.FAIL if outcome.error else JobTransition.COMPLETE,
        set={
            "result": outcome.result,
            "error": outcome.error,
            "cost": together(job.cost, outcome.cost or {}),
            "times": {**job.times, **times},
            **_WAITS_NO_LONGER,
            **_in_sequence(job, now),
        },
    )


def cancel(job: Job, now: int, *, seen: int) -> Change[Job]:
    """The job is canceled.

    `seen`: S3's LastModified of the object at the job's key, which is canceled too; 0: there is none.
    """
    fields = {"times.canceled": now, "source_seen": max(job.source_seen, seen), **_WAITS_NO_LONGER}
    return Change(before=job, transition=JobTransition.CANCEL, set={**fields, **_in_sequence(job, now)})


def retry(job: Job, now: int) -> Change[Job]:
    """A failed job runs again. The stages after its upload belong to the run before, and are removed."""
    fields = {"generation": job.generation + 1, "error": None, "times": {**_before_the_queue(job), "queued": now}}
    return Change(before=job, transition=JobTransition.RETRY, set={**fields, **_in_sequence(job, now)})


def annotate(job: Job, annotations: Mapping[str, Any], now: int) -> Change[Job]:
    """The client updates its own words on the job.

    `annotations` are any of `reference`, `metadata` and `names`, checked (`annotations.py`). No message tells of it.
    The sequence is raised nevertheless, so that nobody who has read the earlier words can write a message with them.
    """
    return Change(before=job, transition=JobTransition.ANNOTATE, set={**annotations, **_in_sequence(job, now)})


def correct(job: Job, correction: Mapping[str, Any], *, tell_at: int, expires_at: int | None, now: int) -> Change[Job]:
    """Somebody has corrected the text.

    The sequence is raised, so that nobody who has read the correction before can announce it as the newest.

    Args:
        job: as it was read.
        correction: the newest one, as `Job.correction` has it.
        tell_at: when it is announced, unless another one follows before; epoch milliseconds.
        expires_at: until when the job is kept from now on, epoch seconds.
        now: epoch milliseconds.

    """
    fields = {"correction": correction, "tell_correction_at": tell_at, "expires_at": expires_at}
    return Change(before=job, transition=JobTransition.CORRECT, set={**fields, **_in_sequence(job, now)})


def tell_correction(job: Job, now: int) -> Change[Job]:
    """The newest correction is announced."""
    fields = {"tell_correction_at": None, **_in_sequence(job, now)}
    return Change(before=job, transition=JobTransition.TELL_CORRECTION, set=fields)


def begin_anew(job: Job, arrival: Arrival) -> Change[Job]:
    """A job that ended without a text runs again with the recording that was uploaded once more.

    Earlier work is not used.
    """
    return Change(
        before=job,
        transition=JobTransition.BEGIN_ANEW,
        set={
            "generation": job.generation + 1,
            "edition": job.edition + 1,
            "error": None,
            "source_seen": 0,
            "parts": 1,
            "parts_done": 0,
            **arrival.fields(job, _before_the_queue(job)),
        },
    )


def _in_sequence(job: Job, now: int) -> dict[str, int]:
    return {"sequence": max(now, job.sequence + 1)}


def _before_the_queue(job: Job) -> dict[str, int]:
    return {stage: moment for stage, moment in job.times.items() if stage in _BEFORE_THE_QUEUE}


def split_job(job: Job, parts: int) -> Change[Job]:
    """The job's recording is split into so many parts."""
    return Change(before=job, transition=JobTransition.SPLIT, set={"parts": parts})


def count_part(job: Job, cost: Mapping[str, Any]) -> Change[Job]:
    """One more part of the job is done; `cost` is that of the attempt which has done it."""
    fields = {"parts_done": job.parts_done + 1, "cost": together(job.cost, cost)}
    return Change(before=job, transition=JobTransition.COUNT, set=fields)
