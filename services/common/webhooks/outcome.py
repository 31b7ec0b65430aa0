"""The outcome of one attempt to deliver a message: always a value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

EXCERPT_BYTES = 1_000
HTTP_GONE = 410


class Failure(StrEnum):
    """Why an attempt failed."""

    INVALID_URL = "INVALID_URL"
    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    DNS_FAILED = "DNS_FAILED"
    CONNECT_FAILED = "CONNECT_FAILED"
    TLS_FAILED = "TLS_FAILED"
    TIMEOUT = "TIMEOUT"
    DISCONNECTED = "DISCONNECTED"
    INVALID_RESPONSE = "INVALID_RESPONSE"
    RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
    CHALLENGE_FAILED = "CHALLENGE_FAILED"
    """The receiver answered 2xx, but did not send the challenge back."""
    HTTP_STATUS = "HTTP_STATUS"
    """The receiver did not answer 2xx. Redirects are not followed."""


CALLBACK_GONE, EVENT_GONE = "CALLBACK_GONE", "EVENT_GONE"
NO_ATTEMPT = (CALLBACK_GONE, EVENT_GONE)
"""Entries of a ledger that stand for no attempt: the callback may not receive the event, or the event has expired."""


@dataclass(frozen=True, kw_only=True)
class AttemptOutcome:
    """What came of one attempt."""

    milliseconds: int
    """From the look-up of the host to the end of the exchange."""
    status: int | None = None
    """The HTTP status; None if no complete header of an answer arrived."""
    error: Failure | None = None
    """Why the attempt failed; None if the receiver answered 2xx."""
    body: bytes = field(default=b"", repr=False)
    """The beginning of the answer's body, as bytes."""
    retry_after_seconds: float | None = None
    """The answer's Retry-After, in seconds; a date is turned into seconds from then, zero at least."""

    @property
    def delivered(self) -> bool:
        return self.error is None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no further message."""
        return self.status == HTTP_GONE

    @property
    def excerpt(self) -> str:
        """The first kilobyte of the answer, as one line of printable characters."""
        text = self.body[:EXCERPT_BYTES].decode("utf-8", "replace")
        return "".join(character if character.isprintable() else " " for character in text).strip()


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header means; None if it is neither a number of seconds nor an HTTP date.

    `now` has a time zone.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
