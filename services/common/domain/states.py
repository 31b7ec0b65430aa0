"""The states of jobs, parts and slots, and all transitions between them.

Every condition of a write on a status is made from these tables (`services/common/store/changes.py`), and
docs/states.md draws them.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


class JobStatus(StrEnum):
    """The states of a job. Why a queued job waits is a field (`Job.waiting`), not a state."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class PartStatus(StrEnum):
    """The states of a part, the unit that a worker claims."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class SlotStatus(StrEnum):
    """The states of a slot that is taken; a free slot has no item at all."""

    LAUNCHING = "launching"
    RUNNING = "running"
    LEAVING = "leaving"


class DeliveryStatus(StrEnum):
    """The states of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    """No attempt is left."""
    DROPPED = "dropped"
    """The callback is gone or disabled."""


class CallbackStatus(StrEnum):
    """The states of a callback. Events are sent to active ones."""

    PENDING = "pending"
    """Its owner has yet to answer a challenge."""
    ACTIVE = "active"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why a callback was disabled."""

    GONE = "gone"
    """Its receiver answered 410."""
    FAILING = "failing"
    """Nothing could be delivered for days."""


class Waiting(StrEnum):
    """Why a queued job has no machine yet."""

    CAPACITY = "capacity"
    IMAGE = "image"
    BREAKER = "breaker"
    QUOTA = "quota"


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED})

OPEN = frozenset({PartStatus.QUEUED, PartStatus.RUNNING})
"""The states of a part that needs more work. It is in the index `due`; an ended job has no such part."""

_AWAITED = frozenset({JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED})
_QUEUED, _RUNNING = frozenset({JobStatus.QUEUED}), frozenset({JobStatus.RUNNING})
_TAKEN = frozenset(SlotStatus)


class Transition(Enum):
    """A transition: its words in the diagram, the states from which it leads, and the state after it.

    If the state after it is None, the state stays the same, and only other fields of the record change.
    """

    def __init__(self, words: str, sources: AbstractSet[StrEnum], target: StrEnum | None = None) -> None:
        self.words = words
        self.sources = sources
        self.target = target

    def allows(self, status: StrEnum) -> bool:
        """Whether the transition leads from this state."""
        return status in self.sources


class JobTransition(Transition):
    """All transitions of a job. A job begins as `awaiting_upload` or, from a plain upload, as `queued`."""

    ARRIVE = "its recording comes, be it late", _AWAITED, JobStatus.QUEUED
    EXPIRE = "no recording came in time", frozenset({JobStatus.AWAITING_UPLOAD}), JobStatus.EXPIRED
    RENEW_UPLOAD = "its upload gets a fresh form or fresh links", frozenset({JobStatus.AWAITING_UPLOAD})
    WAIT = "why it waits is noted", _QUEUED
    NOTE_UPLOAD = (
        "an upload is noted of which no run is made",
        frozenset({JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.CANCELED}),
    )
    START = "a part is claimed", _QUEUED | _RUNNING, JobStatus.RUNNING
    SPLIT = "its recording is cut into parts", _RUNNING
    COUNT = "one of its parts is done", _RUNNING
    INTERRUPT = "its only part goes back to the queue", _RUNNING, JobStatus.QUEUED
    COMPLETE = "the part that decides is done", _RUNNING, JobStatus.COMPLETED
    FAIL = "a part of it fails", _RUNNING, JobStatus.FAILED
    CANCEL = (
        "canceled by its client",
        frozenset({JobStatus.AWAITING_UPLOAD, JobStatus.QUEUED, JobStatus.RUNNING}),
        JobStatus.CANCELED,
    )
    RETRY = "retried by its client", frozenset({JobStatus.FAILED}), JobStatus.QUEUED
    ANNOTATE = "its client updates its reference, metadata or names", frozenset(JobStatus)
    CORRECT = "somebody corrects its text", frozenset({JobStatus.COMPLETED})
    TELL_CORRECTION = "its newest correction is announced", frozenset({JobStatus.COMPLETED})
    BEGIN_ANEW = (
        "its recording is uploaded once more",
        frozenset({JobStatus.FAILED, JobStatus.CANCELED}),
        JobStatus.QUEUED,
    )


class PartTransition(Transition):
    """All transitions of a part. A part begins as `queued`."""

    CLAIM = "claimed: next attempt, a lease", frozenset({PartStatus.QUEUED}), PartStatus.RUNNING
    BEAT = "a heartbeat", frozenset({PartStatus.RUNNING})
    SPLIT = "shared with further parts", frozenset({PartStatus.RUNNING})
    GIVE_BACK = "given back by its worker", frozenset({PartStatus.RUNNING}), PartStatus.QUEUED
    TAKE_AWAY = "taken away from a silent worker", frozenset({PartStatus.RUNNING}), PartStatus.QUEUED
    FINISH = "finished", frozenset({PartStatus.RUNNING}), PartStatus.DONE
    FAIL = "failed, and its job with it", frozenset({PartStatus.RUNNING}), PartStatus.FAILED
    CLOSE = "closed, as its job has ended", OPEN, PartStatus.CANCELED
    RETRY = "its failed job is retried", frozenset(PartStatus) - {PartStatus.DONE}, PartStatus.QUEUED
    BEGIN_ANEW = "its job begins anew", frozenset(PartStatus), PartStatus.QUEUED


class SlotTransition(Transition):
    """All transitions of a slot. It is taken as `launching`, and freed once its machine is gone."""

    NAME = "EC2 names the machine", _TAKEN
    REPORT = "the machine reports", _TAKEN, SlotStatus.RUNNING
    LEAVE = "the machine takes no more work", _TAKEN, SlotStatus.LEAVING
    LOOK_AGAIN = "the sweep comes back later", _TAKEN
    STAY = "it is told until when to wait for work", _TAKEN - {SlotStatus.LEAVING}


class DeliveryTransition(Transition):
    """Every transition of a delivery that does not show the lease of its sender. A delivery begins as `pending`."""

    TAKE = "a sender takes it, for one attempt", frozenset({DeliveryStatus.PENDING})
    POSTPONE = "its next attempt is put off", frozenset({DeliveryStatus.PENDING})


class CallbackTransition(Transition):
    """Every transition of a callback. It begins as `active`, or as `pending` if a challenge is to be answered."""

    ACTIVATE = "its receiver answers the challenge", frozenset({CallbackStatus.PENDING}), CallbackStatus.ACTIVE
    DISABLE = "nothing is sent there any more", frozenset({CallbackStatus.ACTIVE}), CallbackStatus.DISABLED
    ENABLE = "its client enables it again", frozenset({CallbackStatus.DISABLED}), CallbackStatus.ACTIVE
