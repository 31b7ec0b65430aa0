"""Deliveries, with the ledger of their attempts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel

from services.api.schemas.fields import DateTime, shown_as
from services.common.domain.records import Delivery
from services.common.domain.states import DeliveryStatus
from services.common.domain.times import rfc3339


class DeliveryAttempt(BaseModel):
    """One attempt at a delivery."""

    at: DateTime
    outcome: Annotated[str, shown_as("DeliveryOutcome")]
    """`DELIVERED`, or what went wrong."""
    status: int | None = None
    milliseconds: int | None = None
    detail: str | None = None
    """The beginning of the receiver's answer."""


class DeliveryView(BaseModel):
    """One event on its way to one callback."""

    delivery_id: str
    event_id: str
    type: Annotated[str, shown_as("EventType")]
    callback_id: str
    status: DeliveryStatus
    attempts: int
    tries: list[DeliveryAttempt]
    """The last twenty attempts."""
    next_attempt_at: DateTime | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryView:
        return cls(
            delivery_id=f"{delivery.event_id}.{delivery.callback_id}",
            event_id=delivery.event_id,
            type=delivery.event_type,
            callback_id=delivery.callback_id,
            status=delivery.status,
            attempts=delivery.attempts,
            tries=[DeliveryAttempt(**{**entry, "at": rfc3339(entry["at"])}) for entry in delivery.tries],
            next_attempt_at=rfc3339(delivery.due_at) if delivery.status is DeliveryStatus.PENDING else None,
        )


class DeliveryPage(BaseModel):
    deliveries: list[DeliveryView]
    next: str | None
    """For `after`; null on the last page."""
