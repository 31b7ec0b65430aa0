"""What is told of a change: the event, composed, and a delivery for everyone who wants to hear of it, as operations of
the transaction that makes it true.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.common.domain.events import MAX_LISTENERS, compose, listeners
from services.common.domain.records import Delivery
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.domain.events import EventType, Places
    from services.common.domain.records import Callback, Event, Job
    from services.common.store.callbacks import Callbacks


@dataclass(frozen=True)
class Announcement:
    """An event and who is to hear of it."""

    event: Event
    source_key: str
    callbacks: Sequence[Callback]
    sender: str | None = None
    """Who makes the first tries; None leaves them to the sweep."""
    sender_until: int = 0
    """When the sender's lease ends, epoch milliseconds."""
    deliveries: Sequence[Delivery] = field(init=False)

    def __post_init__(self) -> None:
        chosen = listeners(self.event, self.source_key, self.callbacks)[: MAX_LISTENERS + 1]  # and the job's own
        made = tuple(delivery_of(self.event, callback) for callback in chosen)
        if self.sender:
            made = tuple(replace(delivery, owner=self.sender, due_at=self.sender_until) for delivery in made)
        object.__setattr__(self, "deliveries", made)

    def operations(self) -> list[Operation]:
        """What joins the transaction: the event, which must be new, and its deliveries."""
        deliveries = [Put(item=item_of(delivery)) for delivery in self.deliveries]
        return [Put(item=item_of(self.event), when=ABSENT), *deliveries]


class Announcer:
    """Tells of jobs, for one deployment."""

    def __init__(self, callbacks: Callbacks, places: Places) -> None:
        self._callbacks = callbacks
        self.places = places

    def tell(
        self,
        job: Job,
        kind: EventType,
        now: int,
        *,
        callbacks: Sequence[Callback] | None = None,
        attempt: int | None = None,
        sender: str | None = None,
        sender_until: int = 0,
        extra: Mapping[str, object] | None = None,
    ) -> Announcement:
        """That this happened to a job, which is given as it is afterwards.

        Args:
            job: after the change.
            kind: what happened.
            now: epoch milliseconds.
            callbacks: all that may want to hear of it, where they are known; else they are read.
            attempt: where it may happen once in each attempt, and not once in each run of the job.
            sender: who makes the first tries of the deliveries, until `sender_until`.
            sender_until: epoch milliseconds.
            extra: joins the webhook's `data`.

        """
        serial = str(job.generation) if attempt is None else f"{job.generation}.{attempt}"
        more = {**(extra or {}), **({} if attempt is None else {"attempt": attempt})}
        return Announcement(
            compose(job, kind, serial=serial, now=now, places=self.places, **more),
            job.source_key,
            self._callbacks.of_job(job) if callbacks is None else callbacks,
            sender=sender,
            sender_until=sender_until,
        )


def delivery_of(event: Event, callback: Callback) -> Delivery:
    """The event on its way to one callback, due at once."""
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
    """An event for one callback alone."""
    return [Put(item=item_of(event), when=ABSENT), Put(item=item_of(delivery_of(event, callback)))]
