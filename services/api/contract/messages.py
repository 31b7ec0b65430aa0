"""The bodies of webhooks, which the feed of events shows too. They are composed in `services.common.domain.events`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.api.contract.jobs import Shown
from services.api.schemas.fields import DateTime, Url, shown_as
from services.api.schemas.jobs import JobFacts
from services.common.domain.events import INLINE_TEXT_BYTES, EventType

_OF_JOBS = tuple(kind for kind in EventType if kind.startswith("transcription."))
MEANINGS = {
    EventType.QUEUED: "The recording has come, or the job is to run once more.",
    EventType.STARTED: "A machine works on the job.",
    EventType.INTERRUPTED: "The machine was taken away; the job goes on on another one.",
    EventType.COMPLETED: "The text is there.",
    EventType.FAILED: "There will be no text: `data.error` says why.",
    EventType.CANCELED: "A client has canceled the job.",
    EventType.EXPIRED: "No recording was uploaded in time. One that comes late still queues the job.",
    EventType.CORRECTED: "Somebody has corrected the text, and has made no change for two minutes.",
    EventType.CALLBACK_DISABLED: "Another callback of the client was disabled: nothing is sent to it any more.",
    EventType.CALLBACK_TEST: "Somebody asked for a test message.",
    EventType.CALLBACK_CHALLENGE: 'Answer 2xx with `data.challenge`, as text or as JSON `{"challenge": …}`.',
}


class Envelope(Shown):
    """What every message begins with."""

    timestamp: DateTime
    """When it happened."""
    version: Literal[1]
    """Of the message's form: fields and words may be added to a version, nothing else changes."""


class JobEventData(JobFacts):
    """The job as it was when that happened."""

    text: str | None = Field(
        default=None,
        description=f"The text, of a completed job. A text of more than {INLINE_TEXT_BYTES} bytes of UTF-8 is left "
        "out, not cut: fetch it from `results`.",
    )


class JobMessage(Envelope):
    """Something happened to a job."""

    type: Literal[_OF_JOBS]  # type: ignore[valid-type] # made from the enumeration
    data: JobEventData


class FileFacts(Shown):
    """What is known of a file."""

    bytes: int
    sha256: str
    """In hexadecimal digits."""


class CorrectionFacts(FileFacts):
    """The newest correction; size and sha256 are those of the document at `uri`."""

    number: int
    """Numbers only grow. Messages about one job may overtake each other: keep the largest."""
    changed_at: DateTime
    by: str
    """`client`: who has an API key; otherwise the id of a share."""
    uri: Url
    """Where the changes lie, `s3://…`, for who may read the bucket."""
    text: FileFacts
    """Of what `result_url` answers."""
    result_url: Url | None = None
    """The text of this very correction, which never changes; takes the API key."""


class CorrectedData(JobFacts):
    """The job as it was when its newest correction was announced; `results` are the machine's."""

    correction: CorrectionFacts


class TranscriptCorrectedMessage(Envelope):
    """The text of a job was corrected."""

    type: Literal[EventType.CORRECTED]
    data: CorrectedData


class AboutCallback(Shown):
    """The callback that a message is about."""

    callback_id: str
    sequence: int
    """The time of the message, epoch milliseconds."""


class DisabledData(AboutCallback):
    """A callback that was disabled."""

    url: str
    """As it was registered."""
    reason: Annotated[str, shown_as("DisabledReason")]


class TestData(AboutCallback):
    """A test."""

    message: str


class ChallengeData(AboutCallback):
    """A challenge."""

    challenge: str


class CallbackDisabledMessage(Envelope):
    """Another callback of the client was disabled."""

    type: Literal[EventType.CALLBACK_DISABLED]
    data: DisabledData


class CallbackTestMessage(Envelope):
    """A test that somebody asked for."""

    type: Literal[EventType.CALLBACK_TEST]
    data: TestData


class CallbackChallengeMessage(Envelope):
    """A challenge, by which a receiver proves that it wants the messages."""

    type: Literal[EventType.CALLBACK_CHALLENGE]
    data: ChallengeData


FeedMessage = Annotated[JobMessage | TranscriptCorrectedMessage | CallbackDisabledMessage, Field(discriminator="type")]
"""What the feed of events shows: tests and challenges are not in it."""
Message = Annotated[
    JobMessage | TranscriptCorrectedMessage | CallbackDisabledMessage | CallbackTestMessage | CallbackChallengeMessage,
    Field(discriminator="type"),
]
