"""Everything that is stored of one job, and what of it is lost. Times are epoch milliseconds.

The sweep sees to whatever is in the index `due`, and to nothing else. So a job that has not ended must be in it itself
or by one of its parts, and so must a delivery that is pending. An event must have a delivery for each callback that
listened to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from services.common.domain.events import DIRECT, MAX_LISTENERS, listeners
from services.common.domain.states import OPEN, TERMINAL, DeliveryStatus, JobStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from services.common.domain.records import Callback, Delivery, Event, Job, Part

CLOCKS_MS = 10 * MINUTE_MS
"""How far the clocks may be apart by which events and changes of callbacks are dated."""


class Lost(StrEnum):
    """The kinds of what may be lost."""

    JOB = "job"
    """It has not ended, or its correction is to be announced, and nobody will see to it."""
    DELIVERY = "delivery"
    """An event has none for a callback that listened, or it is pending and nobody will send it."""
    UPLOAD = "upload"
    """It has no job."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One thing that is lost; `about` says which, by ids."""

    kind: Lost
    about: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A job with all that lies beside it."""

    job: Job
    due: frozenset[str] = frozenset()
    """What of it is in the index `due`: the ids of parts, `event/callback` of deliveries, and the job's own id."""
    parts: Sequence[Part] = ()
    events: Sequence[Event] = ()
    deliveries: Sequence[Delivery] = ()
    callbacks: Sequence[Callback] = ()
    """Those that were registered for this job alone."""

    def losses(self, registered: Sequence[Callback], *, since: int, now: int) -> Iterator[Loss]:
        """What is lost of the job.

        Args:
            registered: its client's callbacks.
            since: only events that happened later are looked at.
            now: events that DynamoDB may delete within an hour are not looked at: it may have begun to.

        """
        if not self._is_seen_to():
            yield Loss(kind=Lost.JOB, about={"job_id": self.job.job_id, "status": self.job.status.value})
        for event in self.events:
            ends = (event.expires_at or now) * SECOND_MS
            if event.created_at > since and ends > now + HOUR_MS and event.type not in DIRECT:
                yield from self._undelivered(event, registered)
        for delivery in self.deliveries:
            if delivery.status is DeliveryStatus.PENDING and delivery_name(delivery) not in self.due:
                yield self._loss(delivery.event_id, delivery.callback_id)

    def _is_seen_to(self) -> bool:
        job = self.job
        if job.status is JobStatus.AWAITING_UPLOAD or job.tell_correction_at is not None:
            return job.job_id in self.due
        if job.status in TERMINAL:
            return True
        return any(part.status in OPEN and part.part_id in self.due for part in self.parts)

    def _undelivered(self, event: Event, registered: Sequence[Callback]) -> Iterator[Loss]:
        there = {delivery.callback_id for delivery in self.deliveries if delivery.event_id == event.event_id}
        heard = listeners(event, self.job, [*self.callbacks, *registered])[: MAX_LISTENERS + 1]
        for callback in heard:
            since = callback.listens_since or callback.created_at
            if since + CLOCKS_MS < event.created_at and callback.callback_id not in there:
                yield self._loss(event.event_id, callback.callback_id)

    def _loss(self, event_id: str, callback_id: str) -> Loss:
        about = {"job_id": self.job.job_id, "event_id": event_id, "callback_id": callback_id}
        return Loss(kind=Lost.DELIVERY, about=about)


def delivery_name(delivery: Delivery) -> str:
    """The name of a delivery within its job."""
    return f"{delivery.event_id}/{delivery.callback_id}"
