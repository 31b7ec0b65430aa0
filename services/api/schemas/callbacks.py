"""Callbacks, as clients register and see them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from services.api.schemas.fields import Body, DateTime, OneOf, Url, shown_as
from services.common.domain.records import Callback
from services.common.domain.states import CallbackStatus, DisabledReason
from services.common.domain.times import rfc3339
from services.common.webhooks.endpoint import MAX_URL_CHARACTERS
from services.common.webhooks.registration import DEFAULT_EVENTS, SUBSCRIBABLE

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
_LAST_LABEL = "[A-Za-z]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
_URL = rf'^https://({_LABEL}\.){{1,5}}{_LAST_LABEL}(:(443|8443)?)?([/?][!-"$-\[\]-~]*)?$'
"""The rules of `endpoint.parse` as a pattern, which a schema can hold. Longer names and addresses are left out."""


class Target(Body):
    """An endpoint of the client's own."""

    url: str = Field(
        max_length=MAX_URL_CHARACTERS,
        description="https, port 443 or 8443, a public host, no user name and no fragment.",
        examples=["https://hooks.example.com/transcriptions"],
        json_schema_extra={"pattern": _URL},
    )
    events: list[Annotated[str, OneOf(SUBSCRIBABLE)]] = Field(
        default=list(DEFAULT_EVENTS), min_length=1, max_length=len(SUBSCRIBABLE)
    )
    description: str | None = Field(default=None, max_length=200)


class NewCallback(Target):
    """An endpoint to be told of the client's jobs."""

    prefix: str = Field(
        default="",
        max_length=500,
        description="Only jobs whose upload lies under this prefix of the client's own folder, such as `meetings/`.",
    )
    challenge: bool = Field(
        default=False,
        description="Send a challenge first: the callback becomes active when its receiver has sent it back.",
    )


class CallbackView(BaseModel):
    """A callback; its secret is in no reply but the one that made it."""

    callback_id: str
    url: Url
    events: list[Annotated[str, shown_as("EventType")]]
    prefix: str
    """The prefix of uploads' keys, within the client's own folder."""
    status: CallbackStatus
    """`pending` while a challenge is under way."""
    disabled_reason: Annotated[str, shown_as("DisabledReason")] | None = None
    description: str | None = None
    created_at: DateTime
    failing_since: DateTime | None = None

    @classmethod
    def of(cls, callback: Callback, folder: str) -> CallbackView:
        return cls(
            callback_id=callback.callback_id,
            url=callback.url,
            events=list(callback.events),
            prefix=callback.prefix.removeprefix(folder),
            status=callback.status,
            disabled_reason=_reason(callback),
            description=callback.description,
            created_at=rfc3339(callback.created_at),
            failing_since=rfc3339(callback.failing_since) if callback.failing_since else None,
        )


def _reason(callback: Callback) -> str | None:
    """Why it was disabled; release 0.1.0 stored a sentence."""
    reason = callback.disabled_reason
    if reason is None or reason in set(DisabledReason):
        return reason
    return DisabledReason.GONE if "410" in reason else DisabledReason.FAILING


class NewSecret(CallbackView):
    secret: str
    """`whsec_…`, shown this once."""


class CallbackList(BaseModel):
    callbacks: list[CallbackView]
