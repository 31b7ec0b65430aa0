"""Callbacks, as clients register and see them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.schemas.fields import Body, DateTime, OneOf, shown_as
from services.common.domain.records import Callback
from services.common.domain.states import CallbackStatus, DisabledReason
from services.common.domain.times import rfc3339
from services.common.webhooks.endpoint import MAX_HOST_CHARACTERS, MAX_URL_CHARACTERS
from services.common.webhooks.registration import DEFAULT_EVENTS, SUBSCRIBABLE

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LAST_LABEL = "[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_IN_URL = r"([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_URL = rf"^https://({_LABEL}\.){{1,126}}{_LAST_LABEL}(:(443|8443)?)?([/?]{_IN_URL}*)?$"
"""The rules of `endpoint.parse` as a pattern, which a schema can hold, but for the host's length. Addresses are left
out, and so are characters that RFC 3986 wants to be percent-encoded, which some receivers use all the same."""


_Address = Annotated[
    str,
    Field(
        max_length=MAX_URL_CHARACTERS,
        description="https, port 443 or 8443, a public host of at most "
        f"{MAX_HOST_CHARACTERS} characters, no user name and no fragment.",
        examples=["https://hooks.example.com/transcriptions"],
        json_schema_extra={"pattern": _URL},
    ),
]
_EventType = Annotated[str, OneOf(SUBSCRIBABLE, "CallbackEventType")]
_Events = Annotated[list[_EventType], Field(min_length=1, max_length=len(SUBSCRIBABLE))]
_Prefix = Annotated[
    str,
    Field(
        max_length=500,
        description="Only jobs whose file name begins with this, such as `meetings/`; of a recording that was put into "
        "S3 without the API, its key within the client's own folder.",
    ),
]
_Description = Annotated[str | None, Field(max_length=200)]


class Target(Body):
    """An endpoint of the client's own."""

    url: _Address
    events: _Events = Field(default=list(DEFAULT_EVENTS))
    description: _Description = None


class NewCallback(Target):
    """An endpoint to be told of the client's jobs."""

    prefix: _Prefix = ""
    challenge: bool = Field(
        default=False,
        description="Send a challenge first: the callback becomes active when its receiver has sent it back.",
    )


class CallbackUpdate(Body):
    """What is to change of a callback: what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    # The defaults are in no document and never used: only what was given counts.
    url: _Address = Field(default_factory=str)
    events: _Events = Field(default_factory=list)
    prefix: _Prefix = Field(default_factory=str)
    description: _Description = Field(default_factory=lambda: None, description="null removes it.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"Give at least one of {', '.join(type(self).model_fields)}.")
        return self


class CallbackView(BaseModel):
    """A callback; its secret is in no reply but the one that made it."""

    callback_id: str
    url: str = Field(description="As it was registered.")
    events: list[Annotated[str, shown_as("CallbackEventType")]]
    prefix: str
    """How the names of the jobs begin that it is told of."""
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
            disabled_reason=disabled_reason(callback.disabled_reason),
            description=callback.description,
            created_at=rfc3339(callback.created_at),
            failing_since=rfc3339(callback.failing_since) if callback.failing_since else None,
        )


def disabled_reason(reason: str | None) -> str | None:
    """Why a callback was disabled; release 0.1.0 stored and told a sentence."""
    if reason is None or reason in set(DisabledReason):
        return reason
    return DisabledReason.GONE if "410" in reason else DisabledReason.FAILING


class NewSecret(CallbackView):
    secret: str
    """`whsec_…`, shown this once."""


class CallbackList(BaseModel):
    callbacks: list[CallbackView]
