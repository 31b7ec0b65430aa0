"""Events and deliveries as operations of the transaction that makes them true."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.common.domain.events import DIRECT, listeners
from services.common.domain.records import Delivery
from services.common.store.codec import to_item
from services.common.store.table import ABSENT, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Callback, Event

MAX_LISTENERS = 20
"""Callbacks that a client may have: everything that one event sets off fits one transaction."""


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
        deliveries = [Put(item=delivery_item(delivery)) for delivery in self.deliveries]
        return [Put(item=event_item(self.event), when=ABSENT), *deliveries]


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
    return [Put(item=event_item(event), when=ABSENT), Put(item=delivery_item(delivery_of(event, callback)))]


def event_item(event: Event) -> dict[str, object]:
    in_feed = event.type not in DIRECT
    return to_item(
        event,
        pk=f"JOB#{event.job_id}",
        sk=f"EVENT#{event.event_id}",
        sort=f"EVENT#{event.created_at:013d}#{event.event_id}" if in_feed else None,
    )


def delivery_item(delivery: Delivery) -> dict[str, object]:
    """`client_id` without `sort` keeps it out of the client's index."""
    return to_item(
        delivery,
        pk=f"JOB#{delivery.job_id}",
        sk=f"DELIVERY#{delivery.event_id}#{delivery.callback_id}",
        due_kind="delivery",
    )
