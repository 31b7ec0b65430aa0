"""The states of jobs and parts and the ways between them: written once, here, and enforced again as a condition
on every write (`services/common/store`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobStatus(StrEnum):
    """What has become of a job; why a queued one waits is a field (`Job.waiting`), not a state."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class PartStatus(StrEnum):
    """What has become of a part, the unit that a worker claims."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class SlotStatus(StrEnum):
    """A slot that is free has no item at all."""

    LAUNCHING = "launching"
    RUNNING = "running"
    LEAVING = "leaving"


class Waiting(StrEnum):
    """Why a queued job has no machine yet."""

    CAPACITY = "capacity"
    IMAGE = "image"
    BREAKER = "breaker"
    QUOTA = "quota"


JOB_TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.AWAITING_UPLOAD: frozenset({JobStatus.QUEUED, JobStatus.EXPIRED, JobStatus.CANCELED}),
    JobStatus.EXPIRED: frozenset({JobStatus.QUEUED}),
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELED}),
    JobStatus.RUNNING: frozenset({JobStatus.QUEUED, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED}),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.CANCELED: frozenset({JobStatus.QUEUED}),
}

TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED})

WITHOUT_TEXT = frozenset({JobStatus.FAILED, JobStatus.CANCELED})
"""Of a job that begins anew when its recording is uploaded once more."""

OPEN = frozenset({PartStatus.QUEUED, PartStatus.RUNNING})
"""Of a part that somebody must still see to: it is due, and no part of an ended job may be."""


def sources(target: JobStatus) -> list[str]:
    """The states from which `target` may be entered, sorted: the guard of the write that enters it."""
    return sorted(state for state, targets in JOB_TRANSITIONS.items() if target in targets)
