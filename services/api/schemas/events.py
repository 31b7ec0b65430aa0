"""Events, as the feed shows them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.api.schemas.callbacks import disabled_reason
from services.api.schemas.fields import DateTime, shown_as
from services.common.domain.events import VERSION, EventType
from services.common.domain.records import Event
from services.common.domain.times import rfc3339


class EventView(BaseModel):
    """Something that happened, with the very body that the webhook carries."""

    event_id: str
    job_id: str | None = Field(description="The job to which it happened; null: it did not happen to a job.")
    type: Annotated[str, shown_as("FeedEventType")]
    created_at: DateTime
    body: Annotated[dict[str, Any], shown_as("FeedMessage")]
    callback_id: str | None = Field(description="The callback to which it happened; null: it happened to a job.")

    @classmethod
    def of(cls, event: Event) -> EventView:
        body = _body(event)
        # The record of an event about a callback is kept under the job whose delivery failed last.
        about_job = event.type != EventType.CALLBACK_DISABLED
        return cls(
            event_id=event.event_id,
            job_id=event.job_id if about_job else None,
            type=event.type,
            created_at=rfc3339(event.created_at),
            body=body,
            callback_id=None if about_job else body["data"]["callback_id"],
        )


def _body(event: Event) -> dict[str, Any]:
    """The webhook's body. One of release 0.1.0 lacks version and sequence, and has a sentence for a reason's word."""
    body: dict[str, Any] = json.loads(event.body)
    data = {"sequence": event.created_at, **body["data"]}
    if "duration_seconds" in data:
        data["duration"] = data.pop("duration_seconds")
    if event.type == EventType.CALLBACK_DISABLED:
        data["reason"] = disabled_reason(data["reason"])
    return {"version": VERSION, **body, "data": data}


class Feed(BaseModel):
    events: list[EventView]
    next: str | None
    """The next `after`, also on the last page: later events stand behind it. Null if there is no event yet."""
