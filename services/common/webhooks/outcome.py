"""What came of one attempt to deliver a message: a value for every ending, never an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

EXCERPT_BYTES = 1_000
HTTP_GONE = 410


class Failure(StrEnum):
    """Why there was no usable answer."""

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
    """A 2xx that did not send the challenge back."""
    HTTP_STATUS = "HTTP_STATUS"
    """There was an answer, and it was no 2xx: redirects are not followed."""


@dataclass(frozen=True, kw_only=True)
class AttemptOutcome:
    milliseconds: int
    """From the first look-up to the end of the exchange."""
    status: int | None = None
    """None when no complete header of an answer arrived."""
    error: Failure | None = None
    """None exactly when the receiver answered 2xx."""
    body: bytes = field(default=b"", repr=False)
    """The beginning of the answer, undecoded."""
    retry_after_seconds: float | None = None
    """What the receiver asked for; a date is turned into seconds from now, never below zero."""

    @property
    def delivered(self) -> bool:
        return self.error is None

    @property
    def gone(self) -> bool:
        """The receiver wants no message ever again."""
        return self.status == HTTP_GONE

    @property
    def excerpt(self) -> str:
        """The answer's first kilobyte as one line that is safe to show."""
        text = self.body[:EXCERPT_BYTES].decode("utf-8", "replace")
        return "".join(character if character.isprintable() else " " for character in text).strip()


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds from `now` (aware) for a Retry-After of seconds or of an HTTP date; None when it is neither."""
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
