"""Announcements of changes: an event and its deliveries, as operations of the transaction that makes the change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.common.domain.events import MAX_LISTENERS, EventType, compose, correction_data, listeners
from services.common.domain.lifecycle import job_changes
from services.common.domain.records import Delivery
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.domain.events import Places
    from services.common.domain.records import Callback, Event, Job, Part
    from services.common.store.callbacks import Callbacks


@dataclass(frozen=True)
class Announcement:
    """An event and its deliveries to the callbacks that listen to it."""

    event: Event
    job: Job | None
    """To which the event happened; None: it happened to a callback."""
    callbacks: Sequence[Callback]
    sender: str | None = None
    """The process that makes the first attempt at each delivery; None leaves it to the sweep."""
    sender_until: int = 0
    """When the sender's lease ends, epoch milliseconds."""
    due_at: int | None = None
    """When deliveries that have no sender are due, epoch milliseconds. None: at the time of the event, which may lie
    ahead of this machine's clock."""
    deliveries: Sequence[Delivery] = field(init=False)

    def __post_init__(self) -> None:
        # One more than a client may have, for the job's own callback.
        chosen = listeners(self.event, self.job, self.callbacks)[: MAX_LISTENERS + 1]
        made = tuple(delivery_of(self.event, callback) for callback in chosen)
        if self.sender:
            made = tuple(replace(delivery, owner=self.sender, due_at=self.sender_until) for delivery in made)
        elif self.due_at is not None:
            made = tuple(replace(delivery, due_at=self.due_at) for delivery in made)
        object.__setattr__(self, "deliveries", made)

    @property
    def sequence(self) -> int:
        """The event's sequence, which its job takes with the change that is announced."""
        return self.event.created_at

    def operations(self) -> list[Operation]:
        """The operations that join the transaction: the event, which must be new, and its deliveries."""
        deliveries = [Put(item=item_of(delivery)) for delivery in self.deliveries]
        return [Put(item=item_of(self.event), when=ABSENT), *deliveries]


class Announcer:
    """Makes the announcements of jobs, for one deployment."""

    def __init__(self, callbacks: Callbacks, places: Places) -> None:
        self._callbacks = callbacks
        self.places = places

    def interrupted(self, job: Job, part: Part, now: int) -> Announcement | None:
        """The announcement that a job of one part goes back to the queue with it.

        None for a job of several parts, which goes on with the others.
        """
        if job.parts > 1:
            return None
        back = job_changes.interrupt(job, now).after
        return self.tell(back, EventType.INTERRUPTED, now, attempt=part.attempt)

    def corrected(self, job: Job, now: int) -> Announcement:
        """The announcement of the newest correction of a job, which is as it is after the change."""
        assert job.correction
        told = {"correction": correction_data(job, self.places)}
        return self.tell(job, EventType.CORRECTED, now, serial=str(job.correction["number"]), extra=told)

    def tell(
        self,
        job: Job,
        kind: EventType,
        now: int,
        *,
        callbacks: Sequence[Callback] | None = None,
        attempt: int | None = None,
        serial: str | None = None,
        sender: str | None = None,
        sender_until: int = 0,
        extra: Mapping[str, object] | None = None,
    ) -> Announcement:
        """Compose the announcement of a change of a job.

        Args:
            job: as it is after the change.
            kind: what happened.
            now: epoch milliseconds.
            callbacks: the client's and the job's own, if the caller has read them; None: they are read here.
            attempt: the part's attempt, for an event that may happen once in each attempt; None for an event that
                happens once in each run of the job.
            serial: tells events apart that may happen several times in each run for another reason.
            sender: the process that makes the first attempt at each delivery, under a lease until `sender_until`.
            sender_until: epoch milliseconds.
            extra: further fields of the webhook's `data`.

        """
        if serial is None:
            serial = str(job.generation) if attempt is None else f"{job.generation}.{attempt}"
        more = {**(extra or {}), **({} if attempt is None else {"attempt": attempt})}
        return Announcement(
            compose(job, kind, serial=serial, places=self.places, **more),
            job,
            self._callbacks.of_job(job) if callbacks is None else callbacks,
            sender=sender,
            sender_until=sender_until,
            due_at=now,
        )


def delivery_of(event: Event, callback: Callback) -> Delivery:
    """The delivery of an event to one callback, due at once."""
    return Delivery(
        job_id=event.job_id,
        event_id=event.event_id,
        event_type=event.type,
        client_id=event.client_id,
        callback_id=callback.callback_id,
        own_callback=callback.job_id is not None,
        host=urlsplit(callback.url).netloc.lower(),
        due_at=event.created_at,
        created_at=event.created_at,
        expires_at=event.expires_at,
    )


def direct(event: Event, callback: Callback) -> list[Operation]:
    """The operations that send an event to one callback alone, whatever that callback listens to."""
    return [Put(item=item_of(event), when=ABSENT), Put(item=item_of(delivery_of(event, callback)))]
